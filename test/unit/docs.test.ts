/** The documentation says what the program does: flags, results, columns, exit codes and examples agree with the code. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Parser, type Command } from '@oclif/core';
import { parseGroupKeys } from '#tcpscope/aggregate/group-keys.js';
import type { KeyMaker } from '#tcpscope/aggregate/group-keys.js';
import { toFilter, type FilterFlagValues } from '#tcpscope/cli/filter-flags.js';
import { parseKind, parseState } from '#tcpscope/cli/values.js';
import { parseTiming, type ViewFlagValues } from '#tcpscope/cli/view-flags.js';
import type { Column } from '#tcpscope/model/column.js';
import { EXIT } from '#tcpscope/model/failure.js';
import { OUTCOMES } from '#tcpscope/model/handshake.js';
import { KINDS } from '#tcpscope/model/retransmit.js';
import { findColumn } from '#tcpscope/model/select.js';
import { parseDuration } from '#tcpscope/model/units.js';
import { keyColumns } from '#tcpscope/view/key-columns.js';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
/** The cells of every table line: `| a | b |`. */
const tableRows = (markdown: string): string[][] =>
  markdown
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );

/** What the man page of a command is made of. */
interface Manual {
  rows: readonly Column<never>[];
  groups: readonly Column<never>[];
  keys: Readonly<Record<string, KeyMaker<never>>>;
}

/** Names of the files of a folder that end so, without that. */
const names = (folder: string, end: string): string[] =>
  readdirSync(path.join(ROOT, folder))
    .filter((name) => name.endsWith(end))
    .map((name) => name.slice(0, -end.length));

/** A command as its file has it. */
type CommandClass = Command.Class & { manual?: Manual };

/** `config/check` is the file of the command `config check`. */
async function loadCommand(file: string): Promise<[string, CommandClass]> {
  const url = pathToFileURL(path.join(ROOT, 'dist/commands', `${file}.js`)).href;
  const { default: command } = (await import(url)) as { default: CommandClass };
  return [file.replaceAll('/', ' '), command];
}

const commandFiles = readdirSync(path.join(ROOT, 'src/commands'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length));
const COMMANDS: Readonly<Record<string, CommandClass>> = Object.fromEntries(
  await Promise.all(commandFiles.map(loadCommand)),
);

/** The command of a page: man/config-check.md is of `config check`. */
function commandOf(page: string): CommandClass {
  const command = COMMANDS[page] ?? COMMANDS[page.replaceAll('-', ' ')];
  assert.ok(command, `man/${page}.md is of a command`);
  return command;
}

function manualOf(page: string): Manual {
  const { manual } = commandOf(page);
  assert.ok(manual, `man/${page}.md is of a command with a manual`);
  return manual;
}

/** The commands with a man page; those that trace, and the words that their rows say what happened with. */
const PAGES = names('man', '.md').filter((page) => !['tcpscope', 'config'].includes(page));
const TRACING_PAGES = PAGES.filter((page) => commandOf(page).manual);
const WORDS: Readonly<Record<string, readonly string[]>> = { connlat: OUTCOMES, retrans: KINDS };

const DOCUMENTS = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...['docs', 'man'].flatMap((folder) => names(folder, '.md').map((name) => `${folder}/${name}.md`)),
];

function describePage(name: string): void {
  let page = '';
  before(async () => {
    const builder = pathToFileURL(path.join(ROOT, 'scripts/build-man.mjs')).href;
    const { buildPage } = (await import(builder)) as { buildPage: (name: string) => Promise<string> };
    page = await buildPage(name);
  });
  /** True if the page has an entry for this word, and not only the word somewhere. */
  const hasEntry = (word: string): boolean => {
    const bold = `\\fB${word.replaceAll('-', '\\-')}\\fR`;
    return page.split('\n.TP\n').some((entry) =>
      entry
        .split('\n')[0]
        ?.split(', ')
        .some((term) => term.startsWith(bold)),
    );
  };

  it('has every flag, its description, and nothing that is no flag', () => {
    const flags = { ...commandOf(name).flags, ...commandOf(name).baseFlags };
    for (const flag of Object.keys(flags)) assert.ok(hasEntry(`--${flag}`), `--${flag}`);
    const named = [...page.matchAll(/\\-\\-((?:[a-z0-9]|\\-)+)/g)].map(([, flag = '']) =>
      flag.replaceAll('\\-', '-'),
    );
    for (const flag of named) assert.ok(Object.hasOwn(flags, flag), `--${flag} is no flag`);
  });

  if (TRACING_PAGES.includes(name)) describeTracing(name, hasEntry);
  else
    it('has the exit codes of a command that reads files', () => {
      for (const code of [EXIT.ok, EXIT.failure, EXIT.usage]) assert.ok(hasEntry(String(code)), String(code));
    });

  it('is sound troff: each font is closed, no line begins with a stray control, everything is ASCII', () => {
    for (const line of page.split('\n')) {
      assert.match(line, /^[\n\x20-\x7e]*$/);
      if (line.startsWith('.')) assert.match(line, /^\.(TH|SH|SS|PP|TP|IP|RS|RE|EX|EE|nh|ad|nr|\\")( |$)/);
      const fonts = [...line.matchAll(/\\f([BIR])/g)].map(([, font]) => font);
      for (const [at, font] of fonts.entries()) assert.equal(font === 'R', at % 2 === 1, line);
      assert.equal(fonts.length % 2, 0, line);
    }
    assert.doesNotMatch(page, /<!--|undefined|\[object/);
  });
}

function describeTracing(name: string, hasEntry: (word: string) => boolean): void {
  it('has every column of rows and tables, and every key', () => {
    const { rows, groups, keys } = manualOf(name);
    assert.ok(rows.length > 5 && groups.length > 5);
    for (const { key } of [...rows, ...groups]) assert.ok(hasEntry(key), key);
    for (const key of Object.keys(keys)) assert.ok(hasEntry(key), key);
  });

  it('says what each row may say has happened, and has every exit code', () => {
    assert.ok(WORDS[name], 'the words of this command are listed here');
    for (const word of WORDS[name]) assert.ok(hasEntry(word), word);
    for (const code of Object.values(EXIT)) assert.ok(hasEntry(String(code)), String(code));
  });
}

describe('man pages', () => {
  it('are there', () => {
    assert.ok(TRACING_PAGES.includes('connlat'));
  });
  for (const name of PAGES) {
    describe(`of ${name}`, () => {
      describePage(name);
    });
  }
});

describe('the tables of the documentation', () => {
  it('README.md has every result with what it means', () => {
    const named = tableRows(read('README.md')).map(([first]) => first);
    for (const outcome of OUTCOMES) assert.ok(named.includes(`\`${outcome}\``), outcome);
  });

  it('README.md has every exit code', () => {
    const named = tableRows(read('README.md')).map(([first]) => first);
    for (const code of Object.values(EXIT)) assert.ok(named.includes(String(code)), String(code));
  });

  for (const name of TRACING_PAGES) {
    it(`docs/${name}.md shows or explains all that rows may say has happened`, () => {
      const text = read(`docs/${name}.md`);
      for (const word of WORDS[name] ?? []) assert.match(text, new RegExp(`\\b${word}\\b`), word);
    });

    it(`docs/${name}.md names every key of --by`, () => {
      const text = read(`docs/${name}.md`);
      for (const key of Object.keys(manualOf(name).keys)) assert.match(text, new RegExp(`\\b${key}\\b`), key);
    });
  }

  it('ARCHITECTURE.md says of each folder what eslint.config.js lets it import', () => {
    const rules = /MAY_IMPORT = \{([^}]*)\}/.exec(read('eslint.config.js'))?.[1] ?? '';
    const rows = tableRows(read('ARCHITECTURE.md')).map((cells) => cells.join(': '));
    const expected = [...rules.matchAll(/(\w+): \[(.*)\]/g)].map(
      ([, folder = '', list = '']) => `${folder}: ${list.replaceAll("'", '') || 'nothing'}`,
    );
    assert.ok(expected.length > 5);
    for (const row of expected) assert.ok(rows.includes(row), row);
  });

  it('docs/dependencies.md names each library that src/ imports, and no other', () => {
    const imports = readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => [
        ...read(`src/${file}`).matchAll(/(?:from|import\() ?'((?:@[\w-]+\/)?[a-z][\w.-]*)(?:\/[^']*)?'/g),
      ])
      .map(([, name = '']) => name);
    const [, bundled = ''] = read('docs/dependencies.md').split('## In the bundle');
    const named = tableRows(bundled.split('\n## ')[0] ?? '').map(([name = '']) => name);
    assert.deepEqual(named.slice(2).sort(), [...new Set(imports)].sort());
  });

  it('every link to a file leads to one', () => {
    for (const document of DOCUMENTS) {
      for (const [, target = ''] of read(document).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
        assert.doesNotThrow(() => read(path.join(path.dirname(document), target)), `${document}: ${target}`);
    }
  });

  it('every link within a page leads to a heading', () => {
    for (const document of DOCUMENTS) {
      const text = read(document);
      const anchors = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
        heading
          .toLowerCase()
          .replaceAll(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
      );
      for (const [, anchor = ''] of text.matchAll(/\]\(#([^)]+)\)/g))
        assert.ok(anchors.includes(anchor), `${document}: #${anchor}`);
    }
  });
});

/** The words of a shell command up to a pipe or a comment, with simple quotes. */
function words(line: string): string[] {
  const tokens = line.match(/(?:[^\s'"|;&<>()]|'[^']*'|"[^"]*")+|[|;&<>()]/g) ?? [];
  const end = tokens.findIndex((token) => /^(?:[|;&<>()]$|#)/.test(token));
  return (end < 0 ? tokens : tokens.slice(0, end)).map((token) => token.replaceAll(/['"]/g, ''));
}

const CALL = /(?:npx tcpscope|tcpscope|node bin\/run\.js) ([a-z].*)/;
const IN_BLOCK = new RegExp(`^ *(?:[#$] )?(?:sudo )?${CALL.source}$`);
const IN_SPAN = new RegExp(`^(?:sudo )?${CALL.source}$`);

/** Every call of the program that a text shows: a line of a code block, after a prompt or not, or a code span. */
function examplesIn(text: string): string[] {
  return text.split(/^ *```.*$/m).flatMap((part, at) => {
    const inBlock = at % 2 === 1;
    const pieces = inBlock
      ? part.replaceAll(/\\\n */g, '').split('\n')
      : [...part.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);
    return pieces.flatMap((piece) => (inBlock ? IN_BLOCK : IN_SPAN).exec(piece)?.[1] ?? []);
  });
}

/** Flags of single commands whose values are checked after parsing. */
interface OwnFlagValues {
  pending?: string;
  kind?: string[];
  state?: string[];
}

async function assertParses(example: string): Promise<void> {
  const [first = '', second = '', ...rest] = words(example);
  // bin/run.js answers it without a command of oclif.
  if (first === 'help' && (second === 'COMMAND' || COMMANDS[second])) return;
  const nested = COMMANDS[`${first} ${second}`];
  const command = nested ?? COMMANDS[first];
  assert.ok(command, `no command "${first}"`);
  const argv = nested ? rest : words(example).slice(1);
  if (argv.length === 1 && argv[0] === '--help') return;
  const short: Readonly<Record<string, string>> = { '-4': '--ipv4', '-6': '--ipv6' };
  const { flags } = await Parser.parse(
    argv.map((word) => short[word] ?? word),
    { flags: { ...command.flags, ...command.baseFlags }, args: command.args, strict: command.strict },
  );
  if (!command.manual) return;
  const view = flags as unknown as ViewFlagValues & FilterFlagValues & OwnFlagValues;
  parseTiming(view);
  parseDuration(view.pending ?? '0');
  (view.kind ?? []).forEach(parseKind);
  (view.state ?? []).forEach(parseState);
  // A namespace of the example need not exist here.
  toFilter({ ...view, netns: view.netns?.filter((netns) => netns === 'self') });
  const { rows, groups, keys } = command.manual;
  const ofGroups = [...keyColumns(parseGroupKeys(view.by ?? [], keys)), ...groups] as Column<never>[];
  for (const column of [...(view.columns ?? []), ...(view.sort === undefined ? [] : [view.sort])])
    findColumn(view.by ? ofGroups : rows, column);
}

describe('the examples of the documentation', () => {
  it('are found', () => {
    assert.deepEqual(
      examplesIn(
        '# tcpscope demo of a heading\nuse `tcpscope demo` or\n```sh\n# tcpscope connlat -4 | cat\nsudo node bin/run.js connlat --hist \\\n  --json\n```\n',
      ),
      ['demo', 'connlat -4 | cat', 'connlat --hist --json'],
    );
    assert.deepEqual(words(`connlat --comm 'two words' --json | jq -r '.a | .b'`), [
      ...['connlat', '--comm', 'two words', '--json'],
    ]);
    for (const name of TRACING_PAGES) assert.ok(examplesIn(read(`docs/${name}.md`)).length > 10, name);
  });

  it('fail if a flag, value, column or key is wrong', async () => {
    for (const wrong of [
      'conlat',
      'connlat --prot 80',
      'connlat --port x',
      'connlat --by remotes',
      'connlat --columns p50_us',
      'retrans --by result',
      'retrans --by subnet:129',
      'retrans --columns syns',
      'retrans --by comm --columns try',
      'retrans --kind rtt',
      'retrans --state FIN_WAIT2',
      'retrans --pending 1s',
      'config',
      'config check',
      'config chek config.yaml',
      'help conlat',
      'connlat more # a comment',
      'config check config.yaml --csv',
    ])
      await assert.rejects(assertParses(wrong), wrong);
  });

  for (const document of DOCUMENTS) {
    it(`${document} shows commands that parse`, async () => {
      for (const example of examplesIn(read(document)))
        await assert.doesNotReject(assertParses(example), `tcpscope ${example}`);
    });
  }

  for (const [name, command] of Object.entries(COMMANDS)) {
    it(`tcpscope ${name} --help shows commands that parse`, async () => {
      for (const example of command.examples) {
        const text = typeof example === 'string' ? example : example.command;
        const call = text.replace('<%= config.bin %> <%= command.id %>', name);
        await assert.doesNotReject(assertParses(call), `tcpscope ${call}`);
      }
    });
  }
});
