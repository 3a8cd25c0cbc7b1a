/** The documentation says what the program does: flags, results, columns, exit codes and examples agree with the code. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Parser, type Command } from '@oclif/core';
import { parseGroupKeys } from '#tcpscope/aggregate/group-keys.js';
import { HANDSHAKE_KEYS } from '#tcpscope/aggregate/handshake-keys.js';
import { toFilter, type FilterFlagValues } from '#tcpscope/cli/filter-flags.js';
import { parseTiming, type ViewFlagValues } from '#tcpscope/cli/view-flags.js';
import Connlat from '#tcpscope/commands/connlat.js';
import Demo from '#tcpscope/commands/demo.js';
import { EXIT } from '#tcpscope/model/failure.js';
import { OUTCOMES } from '#tcpscope/model/handshake.js';
import { findColumn } from '#tcpscope/model/select.js';
import { parseDuration } from '#tcpscope/model/units.js';
import { handshakeColumns } from '#tcpscope/view/handshake-columns.js';
import { handshakeGroupColumns } from '#tcpscope/view/handshake-group-columns.js';

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

const COMMANDS: Readonly<Record<string, Command.Class>> = { connlat: Connlat, demo: Demo };
const DOCUMENTS = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...['docs', 'man'].flatMap((folder) =>
    readdirSync(path.join(ROOT, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  ),
];

describe('the man page of connlat', () => {
  let page = '';
  before(async () => {
    const builder = pathToFileURL(path.join(ROOT, 'scripts/build-man.mjs')).href;
    const { buildPage } = (await import(builder)) as { buildPage: (name: string) => Promise<string> };
    page = await buildPage('connlat');
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
    const flags = { ...Connlat.flags, ...Connlat.baseFlags };
    for (const name of Object.keys(flags)) assert.ok(hasEntry(`--${name}`), `--${name}`);
    const named = [...page.matchAll(/\\-\\-((?:[a-z0-9]|\\-)+)/g)].map(([, name = '']) =>
      name.replaceAll('\\-', '-'),
    );
    for (const name of named) assert.ok(Object.hasOwn(flags, name), `--${name} is no flag`);
  });

  it('has every column of rows and tables, and every key', () => {
    const columns = [...handshakeColumns('local'), ...handshakeGroupColumns([], () => 0)];
    for (const { key } of columns) assert.ok(hasEntry(key), key);
    for (const key of Object.keys(HANDSHAKE_KEYS)) assert.ok(hasEntry(key), key);
  });

  it('has every result and exit code', () => {
    for (const outcome of OUTCOMES) assert.ok(hasEntry(outcome), outcome);
    for (const code of Object.values(EXIT)) assert.ok(hasEntry(String(code)), String(code));
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

  it('docs/connlat.md shows or explains every result', () => {
    const text = read('docs/connlat.md');
    for (const outcome of OUTCOMES) assert.match(text, new RegExp(`\\b${outcome}\\b`), outcome);
  });

  it('docs/connlat.md names every key of --by', () => {
    const text = read('docs/connlat.md');
    for (const key of Object.keys(HANDSHAKE_KEYS)) assert.match(text, new RegExp(`\\b${key}\\b`), key);
  });

  it('ARCHITECTURE.md says of each folder what eslint.config.js lets it import', () => {
    const rules = /MAY_IMPORT = \{([^}]*)\}/.exec(read('eslint.config.js'))?.[1] ?? '';
    const rows = tableRows(read('ARCHITECTURE.md')).map((cells) => cells.join(': '));
    const expected = [...rules.matchAll(/(\w+): \[(.*)\]/g)].map(
      ([, folder = '', list = '']) => `${folder}: ${list.replaceAll("'", '') || 'nothing'}`,
    );
    assert.ok(expected.length > 5);
    for (const row of expected) assert.ok(rows.includes(row), row);
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

/** The words of a shell command up to a pipe, with simple quotes. */
function words(line: string): string[] {
  const tokens = line.match(/(?:[^\s'"|;&<>()]|'[^']*'|"[^"]*")+|[|;&<>()]/g) ?? [];
  const end = tokens.findIndex((token) => /^[|;&<>()]$/.test(token));
  return (end < 0 ? tokens : tokens.slice(0, end)).map((token) => token.replaceAll(/['"]/g, ''));
}

const CALL = /(?:npx tcpscope|tcpscope|node bin\/run\.js) ([a-z].*)/;
const IN_BLOCK = new RegExp(`^ *(?:# )?(?:sudo )?${CALL.source}$`);
const IN_SPAN = new RegExp(`^(?:sudo )?${CALL.source}$`);

/** Every call of the program that a text shows: a line of a code block, after a prompt or not, or a code span. */
function examplesIn(text: string): string[] {
  return text.split(/^ *```.*$/m).flatMap((part, at) => {
    const inBlock = at % 2 === 1;
    const pieces = inBlock
      ? part.split('\n')
      : [...part.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);
    return pieces.flatMap((piece) => (inBlock ? IN_BLOCK : IN_SPAN).exec(piece)?.[1] ?? []);
  });
}

async function assertParses(example: string): Promise<void> {
  const [name = '', ...argv] = words(example);
  const command = COMMANDS[name];
  assert.ok(command, `no command "${name}"`);
  const short: Readonly<Record<string, string>> = { '-4': '--ipv4', '-6': '--ipv6' };
  const { flags } = await Parser.parse(
    argv.map((word) => short[word] ?? word),
    { flags: { ...command.flags, ...command.baseFlags }, args: command.args, strict: true },
  );
  if (flags['help'] === true) return;
  const view = flags as unknown as ViewFlagValues & FilterFlagValues & { pending?: string };
  parseTiming(view);
  parseDuration(view.pending ?? '0');
  // A namespace of the example need not exist here.
  toFilter({ ...view, netns: view.netns?.filter((netns) => netns === 'self') });
  const keys = parseGroupKeys(view.by ?? [], HANDSHAKE_KEYS);
  for (const column of [...(view.columns ?? []), ...(view.sort === undefined ? [] : [view.sort])]) {
    if (view.by)
      findColumn(
        handshakeGroupColumns(keys, () => 0),
        column,
      );
    else findColumn(handshakeColumns('local'), column);
  }
}

describe('the examples of the documentation', () => {
  it('are found', () => {
    assert.deepEqual(
      examplesIn(
        '# tcpscope demo of a heading\nuse `tcpscope demo` or\n```sh\n# tcpscope connlat -4 | cat\nsudo node bin/run.js connlat --hist\n```\n',
      ),
      ['demo', 'connlat -4 | cat', 'connlat --hist'],
    );
    assert.deepEqual(words(`connlat --comm 'two words' --json | jq -r '.a | .b'`), [
      ...['connlat', '--comm', 'two words', '--json'],
    ]);
    assert.ok(examplesIn(read('docs/connlat.md')).length > 15);
  });

  it('fail if a flag, value, column or key is wrong', async () => {
    for (const wrong of [
      'conlat',
      'connlat --prot 80',
      'connlat --port x',
      'connlat --by remotes',
      'connlat --columns p50_us',
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
