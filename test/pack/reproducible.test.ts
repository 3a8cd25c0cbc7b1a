/** A build in another folder, under another name, gives the same bytes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ARCHITECTURES, ROOT, prebuild } from './prebuilt.js';

/** All that compilers read or write, but for node_modules. */
const SOURCES = ['bpf', 'native/Makefile', 'native/src', 'src/lab'];
const BUILT = [
  'dist/bpf',
  ...ARCHITECTURES.flatMap((name) => [`native/prebuilds/linux-${name}`, `dist/lab/linux-${name}`]),
];

function make(root: string, folder: string, ...variables: string[]): void {
  // In parallel, so that an order that matters would show.
  execFileSync('make', ['-s', '-j2', '-C', join(root, folder), ...variables], {
    env: { ...process.env, TZ: 'Asia/Kathmandu', LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Hashes by file. */
function contents(root: string, folders: readonly string[] = BUILT): Record<string, string> {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => join(folder, name)),
  );
  const hash = (file: string): string =>
    createHash('sha256')
      .update(readFileSync(join(root, file)))
      .digest('hex');
  return Object.fromEntries(files.sort().map((file) => [file, hash(file)]));
}

describe('compiled files', function () {
  this.timeout(600_000);
  this.slow(120_000);

  let other: string;
  before(() => {
    prebuild();
    other = mkdtempSync(join(tmpdir(), 'a folder of quite another length'.replaceAll(' ', '-')));
    for (const source of SOURCES) cpSync(join(ROOT, source), join(other, source), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(other, 'node_modules'));
  });
  after(() => {
    rmSync(other, { recursive: true });
  });

  it('are the same BPF objects on every architecture', () => {
    make(other, 'bpf', 'OUT=../arm64/dist/bpf', 'HEADERS=/usr/aarch64-linux-gnu/include');
    const objects = contents(ROOT, ['dist/bpf']);
    assert.ok(Object.keys(objects).length >= 2);
    assert.deepEqual(contents(join(other, 'arm64'), ['dist/bpf']), objects);
  });

  it('are the same bytes wherever they are built', () => {
    const cross = 'aarch64-linux-gnu';
    make(other, 'bpf');
    make(other, 'native');
    make(other, 'native', `CXX=${cross}-g++`, `LIBRARIES=${ROOT}build/cross/linux-arm64`);
    make(other, 'src/lab');
    make(other, 'src/lab', `CC=${cross}-gcc`);
    const files = contents(ROOT);
    assert.ok(Object.keys(files).length >= 8);
    assert.deepEqual(contents(other), files);
  });
});
