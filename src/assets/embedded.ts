/** In place of ./files.ts in a standalone executable, which carries its files within itself (Node's single executable application). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { getRawAsset } from 'node:sea';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** Whether interpreter and program are one file. */
export const IS_STANDALONE: boolean = true;

/** Files that were written for this process, by the names of what is in them. */
const files = new Map<string, string>();

/** @throws {Error} if there is no such file. */
export function assetBytes(name: string): Uint8Array {
  return new Uint8Array(getRawAsset(name) as ArrayBuffer);
}

/** A path under which it can be executed or loaded, until this process ends. */
export function assetFile(name: string): string {
  const there = files.get(name);
  if (there !== undefined) return there;
  const file = write(name);
  files.set(name, file);
  process.once('exit', () => {
    remove(file);
  });
  return file;
}

/** The addon: in place of native/lib/addon_file.ts. Once it is loaded nothing lies about, even if this process is killed. */
export function addonFile(): { path: string; isOurs: boolean; release: () => void } {
  const path = write(`native/prebuilds/linux-${process.arch}/bpf.node`);
  return {
    path,
    isOurs: true,
    release: () => {
      remove(path);
    },
  };
}

/** In a new folder that nobody else may enter. */
function write(name: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'tcpscope-')), basename(name));
  writeFileSync(file, assetBytes(name), { mode: 0o700, flag: 'wx' });
  return file;
}

function remove(file: string): void {
  rmSync(dirname(file), { recursive: true, force: true });
}
