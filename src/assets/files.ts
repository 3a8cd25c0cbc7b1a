/**
 * The files that the program carries, named from the root of the package. Here they lie beside the code, which is one folder deep,
 * be it dist/assets or dist/bundle; a standalone executable has ./embedded.ts in place of this module.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Whether interpreter and program are one file. */
export const IS_STANDALONE: boolean = false;

const ROOT = new URL('../../', import.meta.url);

/** @throws {Error} if there is no such file. */
export function assetBytes(name: string): Uint8Array {
  return readFileSync(new URL(name, ROOT));
}

/** A path under which it can be executed or loaded. */
export function assetFile(name: string): string {
  return fileURLToPath(new URL(name, ROOT));
}
