#!/usr/bin/env node
// @ts-check
/**
 * Makes build/standalone/tcpscope-linux-ARCH: this Node.js with the program, the addon and the BPF objects inside, for hosts without
 * Node.js. https://nodejs.org/docs/latest-v20.x/api/single-executable-applications.html
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inject } from 'postject';
import { bundleProgram } from './bundle.mjs';

const root = path.resolve(import.meta.dirname, '..');
const folder = path.join(root, 'build/standalone');
const platform = `linux-${process.arch}`;

/** What src/assets/embedded.ts is asked for, by the names that src/assets/files.ts has for it. */
const ASSETS = [
  'package.json',
  'oclif.manifest.json',
  ...readdirSync(path.join(root, 'dist/bpf')).map((file) => `dist/bpf/${file}`),
  ...['link', 'traffic'].map((file) => `dist/lab/${platform}/${file}`),
  `native/prebuilds/${platform}/bpf.node`,
].sort();

/** Modules that find files beside themselves, and what stands in for them. @type {import('rolldown').Plugin} */
const embedded = {
  name: 'embedded',
  resolveId: (id) =>
    /(^|\/)(assets\/files|addon_file)\.js$/.test(id) ? path.join(root, 'dist/assets/embedded.js') : null,
};

mkdirSync(folder, { recursive: true });
const main = path.join(folder, 'tcpscope.cjs');
await bundleProgram({ file: main, format: 'cjs', codeSplitting: false }, [embedded]);

const blob = path.join(folder, 'tcpscope.blob');
const config = path.join(folder, 'sea.json');
// Relative to the folder: the name of the main script gets into the blob, which must not depend on where it is built.
const assets = Object.fromEntries(ASSETS.map((name) => [name, path.relative(folder, path.join(root, name))]));
const options = { disableExperimentalSEAWarning: true, useCodeCache: true };
const names = { main: path.basename(main), output: path.basename(blob) };
writeFileSync(config, JSON.stringify({ ...names, ...options, assets }));
// The compiled code depends on hashes that V8 seeds by chance.
execFileSync(process.execPath, ['--random-seed=1', '--experimental-sea-config', path.basename(config)], {
  cwd: folder,
  stdio: ['ignore', 'ignore', 'inherit'],
});

const executable = path.join(folder, `tcpscope-${platform}`);
copyFileSync(process.execPath, executable);
await inject(executable, 'NODE_SEA_BLOB', readFileSync(blob), {
  // Node.js looks for its blob where this is written.
  sentinelFuse: 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2',
});
process.stdout.write(`${path.relative(root, executable)}\n`);
