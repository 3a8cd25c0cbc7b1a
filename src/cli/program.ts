/** The program: which command the command line names, and what becomes of its failure. */
import type { Command, Interfaces } from '@oclif/core';
import { Config } from '@oclif/core/config';
import { flush } from '@oclif/core/flush';
import { handle } from '@oclif/core/handle';
import { Help } from '@oclif/core/help';
import { assetBytes } from '../assets/files.js';

/** Commands by their ids, `config:check` for `config check`. One is imported when it is to run. */
export type Commands = Readonly<Record<string, () => Promise<{ default: Command.Class }>>>;

const HELP_FLAGS = ['--help', '-h'];

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
  const pjson = readJson('package.json') as Interfaces.PJSON;
  if (words[0] === '--version') {
    process.stdout.write(`${pjson.name} ${pjson.version}\n`);
    return;
  }
  const named = commandOf(words, commands);
  if (!named || asksForHelp(words)) return await showHelp(commands, pjson, words);
  const { default: command } = await commands[named.id]!();
  command.id = named.id;
  // Of the other commands a command needs to know nothing: their definitions are read for help only.
  await command.run(named.argv, loadOptions(pjson, []));
}

/** The longest run of first words that is a command. */
function commandOf(words: readonly string[], commands: Commands): { id: string; argv: string[] } | undefined {
  for (let length = words.length; length > 0; length--) {
    const id = words.slice(0, length).join(':');
    if (Object.hasOwn(commands, id)) return { id, argv: words.slice(length) };
  }
  return undefined;
}

function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  return words.slice(0, end === -1 ? undefined : end).some((word) => HELP_FLAGS.includes(word));
}

async function showHelp(
  commands: Commands,
  pjson: Interfaces.PJSON,
  words: readonly string[],
): Promise<void> {
  const manifest = readJson('oclif.manifest.json') as Interfaces.Manifest;
  const loadable = Object.values(manifest.commands).map((cached) => ({
    ...cached,
    load: async () => (await commands[cached.id]!()).default,
  }));
  const config = await Config.load(loadOptions(pjson, loadable));
  await new Help(config, pjson.oclif.helpOptions).showHelp([...words]);
}

/** What oclif is told, so that it looks for nothing in the file system. */
function loadOptions(pjson: Interfaces.PJSON, commands: Command.Loadable[]): Interfaces.LoadOptions {
  const { name, version } = pjson;
  const plugin: Interfaces.Plugin = {
    _base: '',
    alias: name,
    commandIDs: commands.map(({ id }) => id),
    commands,
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
