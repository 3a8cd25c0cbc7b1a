#!/usr/bin/env node
// @ts-check
/**
 * Puts the compiled program and its libraries into few files: dist/bundle/tcpscope.js, which bin/run.js runs, and what it imports when
 * it needs it. Reading ten files takes less time than reading five hundred, and what is published depends on no other package.
 */
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';
import { components, licences } from './third-party.mjs';

const root = path.resolve(import.meta.dirname, '..');
const commands = path.join(root, 'dist/commands');

/** Stands for a module that lists every command; they are found by folder. */
const ENTRY = 'tcpscope:entry';

/** What oclif asks only where it looks for commands in folders of TypeScript, and hot-shots only for a transport that is ours here. */
const NEVER_CALLED = /^(typescript|tinyglobby|minimatch|lilconfig|unix-dgram)$/;

function entryText() {
  const files = readdirSync(commands, { recursive: true, encoding: 'utf8' });
  const table = files
    .filter((file) => file.endsWith('.js'))
    .sort()
    .map((file) => {
      const id = file.slice(0, -'.js'.length).replaceAll(path.sep, ':');
      return `${JSON.stringify(id)}: () => import(${JSON.stringify(path.join(commands, file))}),`;
    });
  const program = JSON.stringify(path.join(root, 'dist/cli/program.js'));
  return `import { runProgram } from ${program};\nvoid runProgram({ ${table.join('\n')} });\n`;
}

/** @type {import('rolldown').Plugin} */
const virtual = {
  name: 'virtual',
  resolveId: (id) => (id === ENTRY || NEVER_CALLED.test(id) ? `\0${id}` : null),
  load: (id) => {
    if (id === `\0${ENTRY}`) return entryText();
    return NEVER_CALLED.test(id.slice(1)) ? 'export default {};' : null;
  },
};

/**
 * Bundles the program as it is compiled in dist/.
 * @param {import('rolldown').OutputOptions} [output] where to write it; else it is not written
 * @param {readonly import('rolldown').Plugin[]} plugins
 */
export async function bundleProgram(output, plugins = []) {
  const bundle = await rolldown({
    input: { tcpscope: ENTRY },
    platform: 'node',
    // Of a library that comes as ES modules as well, only what is used is taken: of OpenTelemetry a twentieth.
    resolve: { mainFields: ['module', 'main'] },
    plugins: [virtual, ...plugins],
  });
  return await (output ? bundle.write({ minify: true, ...output }) : bundle.generate());
}

/**
 * The folders of the packages whose code is in a bundle.
 * @param {import('rolldown').RolldownOutput} bundled
 */
export function packagesIn({ output }) {
  const modules = output.flatMap((chunk) => (chunk.type === 'chunk' ? Object.keys(chunk.modules) : []));
  const folders = modules.map((module) => /.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(module)?.[0]);
  return [...new Set(folders.filter((folder) => folder !== undefined))].sort();
}

if (process.argv[1] === import.meta.filename) {
  const folder = path.join(root, 'dist/bundle');
  const dir = `${folder}.new`;
  rmSync(dir, { recursive: true, force: true });
  const bundled = await bundleProgram({ dir, format: 'esm', chunkFileNames: '[name].js' });
  // Renamed into place, for a program that starts meanwhile.
  rmSync(`${folder}.old`, { recursive: true, force: true });
  if (existsSync(folder)) renameSync(folder, `${folder}.old`);
  renameSync(dir, folder);
  rmSync(`${folder}.old`, { recursive: true, force: true });
  writeFileSync(path.join(root, 'THIRD-PARTY-LICENSES'), licences(components(packagesIn(bundled))));
}
