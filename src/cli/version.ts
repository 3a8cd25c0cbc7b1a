/** What --version prints. */
import { assetBytes } from '../assets/files.js';

export function versionText(): string {
  const { name, version } = JSON.parse(new TextDecoder().decode(assetBytes('package.json'))) as {
    name: string;
    version: string;
  };
  return `${name} ${version}`;
}
