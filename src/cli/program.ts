/** The program: which command the command line names, and what becomes of its failure. */
import './surroundings.js';
import type { Command, Interfaces } from '@oclif/core';
import { Config } from '@oclif/core/config';
import { flush } from '@oclif/core/flush';
import { handle } from '@oclif/core/handle';
import { assetBytes } from '../assets/files.js';
import { failureText } from './failure-text.js';
import { unknownCommand } from './unknown-command.js';

/** Commands by their ids, `config:check` for `config check`. One is imported when it is to run. */
export type Commands = Readonly<Record<string, () => Promise<{ default: Command.Class }>>>;

const HELP_FLAGS = ['--help', '-h'];
const TAKES_THE_REST = '--';

/** Runs what `words` ask for, and ends the process if that fails. */
export async function runProgram(commands: Commands, words = process.argv.slice(2)): Promise<void> {
  try {
    await answer(commands, words);
    await flush();
  } catch (error) {
    await handle(error as Error);
  }
}

async function answer(commands: Commands, words: readonly string[]): Promise<void> {
  const options = loadOptions(commands);
  if (words[0] === '--version') {
    const { versionText } = await import('./version.js');
    process.stdout.write(`${versionText()}\n`);
  } else if (words.length === 0 || asksForHelp(words)) await showHelp(commands, options, words);
  else await runCommand(commands, options, words);
}

async function runCommand(
  commands: Commands,
  options: Interfaces.LoadOptions,
  words: readonly string[],
): Promise<void> {
  const id = commandIn(words, commands);
  if (id === undefined) {
    if (isTopic(words, commands)) await showHelp(commands, options, words);
    else failUnknown(words, commands);
    return;
  }
  const command = await load(commands, id);
  await command.run(words.slice(id.split(':').length), options);
}

async function load(commands: Commands, id: string): Promise<Command.Class> {
  const { default: command } = await commands[id]!();
  command.id = id;
  return command;
}

/** The id of the longest run of first words that is a command. */
function commandIn(words: readonly string[], commands: Commands): string | undefined {
  const ids = words.map((_, index) => words.slice(0, index + 1).join(':'));
  return ids.findLast((id) => Object.hasOwn(commands, id));
}

/** `config`, and nothing but flags behind it. */
function isTopic([first, second]: readonly string[], commands: Commands): boolean {
  if (first === undefined || (second !== undefined && !second.startsWith('-'))) return false;
  return Object.keys(commands).some((id) => id.startsWith(`${first}:`));
}

function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf(TAKES_THE_REST);
  const flags = end === -1 ? words : words.slice(0, end);
  return words[0] === 'help' || flags.some((word) => HELP_FLAGS.includes(word));
}

async function showHelp(
  commands: Commands,
  options: Interfaces.LoadOptions,
  words: readonly string[],
): Promise<void> {
  const subject = words.filter((word) => word !== 'help' && !word.startsWith('-'));
  const known =
    subject.length === 0 || commandIn(subject, commands) !== undefined || isTopic(subject, commands);
  if (!known) {
    failUnknown(subject, commands);
    return;
  }
  const { default: Help } = await import('./help.js');
  await new Help(await Config.load(options)).showHelp(subject);
}

function failUnknown(words: readonly string[], commands: Commands): void {
  const names = Object.keys(commands).map((id) => id.replaceAll(':', ' '));
  const failure = unknownCommand(words, names);
  process.stderr.write(failureText(failure));
  process.exitCode = failure.exitCode;
}

/** Tells oclif all that it would else look for in the file system, and in the user's home folder. */
function loadOptions(table: Commands): Interfaces.LoadOptions {
  const pjson = readJson('package.json') as Interfaces.PJSON;
  const { commands } = readJson('oclif.manifest.json') as Interfaces.Manifest;
  const { name, version } = pjson;
  const plugin: Interfaces.Plugin = {
    _base: '',
    alias: name,
    commandIDs: Object.keys(commands),
    commands: Object.entries(commands).map(([id, cached]) => ({
      ...cached,
      load: () => load(table, id),
    })),
    commandsDir: undefined,
    findCommand: () => undefined as never,
    hasManifest: true,
    hooks: {},
    isRoot: true,
    load: () => Promise.resolve(),
    moduleType: 'module',
    name,
    options: { root: '' },
    pjson,
    root: '',
    topics: Object.entries(pjson.oclif.topics ?? {}).map(([topic, about]) => ({ ...about, name: topic })),
    type: 'core',
    valid: true,
    version,
  };
  return { root: '', pjson, plugins: new Map([[name, plugin]]) };
}

function readJson(asset: string): unknown {
  return JSON.parse(new TextDecoder().decode(assetBytes(asset)));
}
