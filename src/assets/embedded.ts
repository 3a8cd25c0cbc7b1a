/** In place of ./files.ts in a standalone executable, which carries its files within itself (Node's single executable application). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { getRawAsset } from 'node:sea';
import { tmpdir } from 'node:os';
import path from 'node:path';

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

/** The addon, which is loaded at once: then nothing lies about, even if this process is killed. */
export function addonFile(): { path: string; isOurs: boolean } {
  const file = write(`native/prebuilds/linux-${process.arch}/bpf.node`);
  setImmediate(() => {
    remove(file);
  });
  return { path: file, isOurs: true };
}

/** In a new folder that nobody else may enter. */
function write(name: string): string {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'tcpscope-')), path.basename(name));
  writeFileSync(file, assetBytes(name), { mode: 0o700, flag: 'wx' });
  return file;
}

function remove(file: string): void {
  rmSync(path.dirname(file), { recursive: true, force: true });
}
