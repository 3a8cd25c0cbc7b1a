/**
 * What a shell completes, taken from the commands' own definitions: there is no second list of commands, flags, keys or columns.
 * Each shell's file beside this one makes a script of it, which then runs without the program.
 */
import type { Command, Interfaces } from '@oclif/core';
import { parseGroupKeys, type KeyMaker } from '../../aggregate/group-keys.js';
import type { Column } from '../../model/column.js';
import { KINDS } from '../../model/retransmit.js';
import { SENDING_STATES } from '../../model/tcp-state.js';
import { NEEDS_OF } from '../../model/tracing-commands.js';
import { keyColumns } from '../../view/key-columns.js';

/** What stands behind a flag, or as an argument. */
export interface Value {
  /** What the help calls it: `KEY`. */
  label: string;
  kind: 'words' | 'file' | 'folder' | 'user' | 'process' | 'netns' | 'command' | 'text';
  /** Of kind `words`: all that there are. */
  words: readonly string[];
  /** Where others take their place once --by is given: those. */
  wordsWithBy?: readonly string[];
  /** True if several may stand there, with commas. */
  isList: boolean;
}

export interface CompletedFlag {
  name: string;
  /** The letter of its short form. */
  char: string | undefined;
  description: string;
  isRepeatable: boolean;
  /** Names of flags that it does not go together with, said by either. */
  conflicts: readonly string[];
  value: Value | undefined;
}

export interface CompletedCommand {
  /** `config check`. */
  name: string;
  summary: string;
  flags: readonly CompletedFlag[];
  operands: readonly Value[];
  /** True if the last operand may be repeated. */
  isVariadic: boolean;
}

export interface Completion {
  bin: string;
  version: string;
  topics: readonly { name: string; summary: string }[];
  commands: readonly CompletedCommand[];
}

/** What commands say of themselves beside oclif's part. */
interface Tables {
  rows: readonly Column<never>[];
  groups: readonly Column<never>[];
}
type Keys = Readonly<Record<string, KeyMaker<never>>>;
type LoadedCommand = Command.Class & { manual?: Tables & { keys: Keys }; comparison?: Tables };

/** By what the help has in place of a value, what a shell can offer for it. */
const KIND_OF_PLACEHOLDER: Readonly<Record<string, Value['kind']>> = {
  FILE: 'file',
  '/host': 'folder',
  USER: 'user',
  PID: 'process',
  NS: 'netns',
};
/** Placeholders of columns: of rows or, with --by, of tables; and of tables only. */
const COLUMNS = 'A,B';
const COLUMN = 'COLUMN';

const KIND_OF_ARGUMENT: Readonly<Record<string, Value['kind']>> = {
  file: 'file',
  before: 'file',
  after: 'file',
};
/** What takes the place of a command's name is, but for help, one that traces. */
const WORDS_OF_ARGUMENT: Readonly<Record<string, readonly string[]>> = { command: Object.keys(NEEDS_OF) };

/** What bin/run.js answers itself. */
const HELP: CompletedCommand = {
  name: 'help',
  summary: 'Show the flags and examples of a command.',
  flags: [],
  operands: [{ label: 'command', kind: 'command', words: [], isList: false }],
  isVariadic: true,
};

const byName = <Named extends { name: string }>(a: Named, b: Named): number => (a.name < b.name ? -1 : 1);
const unique = (words: readonly string[]): string[] => [...new Set(words)];

/** @param commands all of the program, loaded: their columns and keys are not in oclif's manifest */
export function completionOf(config: Interfaces.Config, commands: readonly LoadedCommand[]): Completion {
  const shown = commands.filter(({ hidden }) => !hidden);
  return {
    bin: config.bin,
    version: config.version,
    topics: config.topics
      .filter(({ name }) => shown.some(({ id }) => id.startsWith(`${name}:`)))
      .map(({ name, description }) => ({ name, summary: description ?? '' }))
      .sort(byName),
    commands: [...shown.map((command) => completedCommand(config.bin, command, shown)), HELP].sort(byName),
  };
}

function completedCommand(
  bin: string,
  command: LoadedCommand,
  all: readonly LoadedCommand[],
): CompletedCommand {
  const words = wordsOf(command, all);
  const flags = Object.entries({ ...command.flags, ...command.baseFlags }).filter(
    ([, { hidden }]) => !hidden,
  );
  const conflictsOf = (name: string, own: readonly string[]): string[] => {
    const theirs = flags.flatMap(([other, flag]) => (flag.exclusive?.includes(name) ? [other] : []));
    return unique([...own, ...theirs]);
  };
  const operands = Object.entries({ ...command.args });
  return {
    name: command.id.replaceAll(':', ' '),
    summary: (command.summary ?? command.description ?? '').replaceAll('<%= config.bin %>', bin),
    flags: flags
      .map(([name, flag]) => ({
        name,
        char: flag.char,
        description: flag.summary ?? flag.description ?? '',
        isRepeatable: flag.type === 'option' && flag.multiple === true,
        conflicts: conflictsOf(name, flag.exclusive ?? []),
        value: flag.type === 'option' ? valueOf(flag, words) : undefined,
      }))
      .sort(byName),
    operands: operands.map(([name, argument]) => operandOf(name, argument)),
    isVariadic: !command.strict || operands.some(([, argument]) => argument.multiple === true),
  };
}

function operandOf(name: string, { options }: Pick<Interfaces.Arg<unknown>, 'options'>): Value {
  const words = options ?? WORDS_OF_ARGUMENT[name];
  const kind = words ? 'words' : (KIND_OF_ARGUMENT[name] ?? 'text');
  return { label: name, kind, words: words ?? [], isList: false };
}

function valueOf(flag: Interfaces.OptionFlag<unknown>, words: ReturnType<typeof wordsOf>): Value {
  const label = flag.helpValue?.toString() ?? 'VALUE';
  const choices = flag.options ?? words[label];
  return {
    label,
    kind: choices ? 'words' : (KIND_OF_PLACEHOLDER[label] ?? 'text'),
    words: choices ?? [],
    ...(label === COLUMNS && words[COLUMNS] !== words[COLUMN] ? { wordsWithBy: words[COLUMN] ?? [] } : {}),
    isList: flag.delimiter === ',',
  };
}

/** The words that the command takes for a placeholder of its help. Those of recordings may be those of any command that records. */
function wordsOf(
  command: LoadedCommand,
  all: readonly LoadedCommand[],
): Readonly<Record<string, readonly string[]>> {
  const manuals = (command.manual ? [command] : all).flatMap(({ manual }) => manual ?? []);
  const tables = command.comparison ? [command.comparison] : manuals;
  const keysOf = (columns: readonly Column<never>[]): string[] => columns.map(({ key }) => key);
  const keys = manuals.flatMap((manual) => keyColumns(parseGroupKeys(Object.keys(manual.keys), manual.keys)));
  const rows = unique(tables.flatMap((table) => keysOf(table.rows)));
  const groups = unique([...keysOf(keys), ...tables.flatMap((table) => keysOf(table.groups))]);
  // A comparison is always of groups: its two lists are of the two kinds of recordings.
  const compared = command.comparison && unique([...groups, ...rows]);
  return {
    KEY: unique(manuals.flatMap((manual) => Object.keys(manual.keys))),
    [COLUMNS]: compared ?? rows,
    [COLUMN]: compared ?? groups,
    KIND: KINDS,
    STATE: SENDING_STATES,
  };
}
