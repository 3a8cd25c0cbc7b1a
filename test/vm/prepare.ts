/** What QEMU boots: the kernel, not compressed, and a first file system with what it takes to mount the real one. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Architecture } from './kernels.js';
import { kernelVersion } from './packages.js';

const HERE = path.resolve(import.meta.dirname, '../../../test/vm');
const MODULES = ['virtio_pci', 'virtio_console', 'virtiofs', 'overlay'];
const BUFFER = { maxBuffer: 1 << 28 };

export interface Bootable {
  version: string;
  /** Folder with `lib/modules`. */
  folder: string;
  kernel: string;
  initramfs: string;
}

/** @param root of a system of the architecture */
export function prepare(folder: string, architecture: Architecture, root: string): Bootable {
  const version = kernelVersion(folder);
  const kernel = path.join(folder, architecture.bzImage ? 'vmlinux' : 'vmlinuz');
  if (!existsSync(kernel)) write(kernel, unpackBzImage(readFileSync(path.join(folder, 'vmlinuz'))));
  // Made each time, which takes a moment: it has our own script in it.
  const initramfs = path.join(folder, 'initramfs');
  write(initramfs, makeInitramfs(folder, version, path.join(root, 'bin/busybox')));
  return { version, folder, kernel, initramfs };
}

/** Whole or not at all, also if another guest reads it. */
function write(file: string, content: Uint8Array): void {
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, content);
  renameSync(partial, file);
}

/** The ELF file in a bzImage (Documentation/x86/boot): decompressing takes seconds where the CPU is emulated. */
function unpackBzImage(image: Buffer): Uint8Array {
  const SECTOR = 512;
  const setupSectors = image.readUInt8(0x1f1) || 4;
  const offset = (setupSectors + 1) * SECTOR + image.readUInt32LE(0x248);
  const payload = image.subarray(offset, offset + image.readUInt32LE(0x24c));
  const magic = payload.subarray(0, 4).toString('hex');
  // The size of what is inside is appended: xz leaves it out if it is told to, the others take it for a mistake.
  if (magic === 'fd377a58') return filter('xz', ['-dc', '--single-stream'], payload);
  if (magic === '28b52ffd') return filter('zstd', ['-dc'], payload.subarray(0, -4));
  if (magic === '02214c18') return filter('lz4', ['-dc'], payload.subarray(0, -4));
  throw new Error(`the kernel is compressed in a way not known here: ${magic}`);
}

function filter(command: string, args: readonly string[], input: Uint8Array): Uint8Array {
  return execFileSync(command, args, { ...BUFFER, input });
}

/** busybox, modules in the order in which they are to be loaded, and init.sh. */
function makeInitramfs(folder: string, version: string, busybox: string): Uint8Array {
  const root = mkdtempSync(path.join(tmpdir(), 'tcpscope-initramfs-'));
  try {
    for (const each of ['bin', 'proc', 'sys', 'dev', 'lower', 'upper', 'root', 'modules'])
      mkdirSync(path.join(root, each));
    copyFileSync(busybox, path.join(root, 'bin/busybox'));
    copyFileSync(path.join(HERE, 'init.sh'), path.join(root, 'init'));
    chmodSync(path.join(root, 'init'), 0o755);
    moduleFiles(folder, version).forEach((file, index) => {
      const name = `${String(index).padStart(2, '0')}-${path.basename(file).replace(/\.(xz|zst)$/, '')}`;
      writeFileSync(path.join(root, 'modules', name), readModule(file));
    });
    return archive(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** Each after those that it needs. */
function moduleFiles(folder: string, version: string): string[] {
  const shown = MODULES.map((name) =>
    execFileSync('modprobe', ['-d', folder, '-S', version, '--show-depends', name], { encoding: 'utf8' }),
  ).join('');
  return [...new Set(Array.from(shown.matchAll(/^insmod (\S+)/gm), ([, file]) => file!))];
}

function readModule(file: string): Uint8Array {
  const content = readFileSync(file);
  if (file.endsWith('.xz')) return filter('xz', ['-dc'], content);
  if (file.endsWith('.zst')) return filter('zstd', ['-dc'], content);
  return content;
}

/** A folder as the kernel takes it for an initramfs; of several, one after another, it takes all. */
export function archive(folder: string): Uint8Array {
  const command = 'find . | cpio --create --format=newc --quiet --owner=0:0';
  return execFileSync('sh', ['-c', command], { ...BUFFER, cwd: folder });
}
