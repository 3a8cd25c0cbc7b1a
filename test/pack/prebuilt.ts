/** Where the files are that a release has for each architecture. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export const ARCHITECTURES = ['x64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** Builds them all, where they are not up to date. */
export function prebuild(): void {
  execFileSync('scripts/prebuild', { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
}

export function addonOf(architecture: Architecture): string {
  return `${ROOT}native/prebuilds/linux-${architecture}/bpf.node`;
}

export function helperOf(architecture: Architecture, name: 'link' | 'traffic'): string {
  return `${ROOT}dist/lab/linux-${architecture}/${name}`;
}
