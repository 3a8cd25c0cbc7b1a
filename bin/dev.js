#!/usr/bin/env node
// The program as it was compiled, module by module, to debug; bin/run.js runs the bundle.
import { readdirSync } from 'node:fs';
import { runProgram } from '../dist/cli/program.js';

const folder = new URL('../dist/commands/', import.meta.url);
const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('.js'));
const commands = files.map((file) => [
  file.slice(0, -'.js'.length).replaceAll('/', ':'),
  () => import(new URL(file, folder).href),
]);
await runProgram(Object.fromEntries(commands));
