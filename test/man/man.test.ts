/** The man pages as man(1) shows them: complete, in one form, without a warning, and as wide as the terminal. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { COMMANDS, ROOT, flagsInHelp } from '../cli/program.js';

const WIDTH = 80;
/** Those that a page has are in this order. */
const SECTIONS = [
  ...[
    'NAME',
    'SYNOPSIS',
    'DESCRIPTION',
    'RESULTS',
    'KINDS',
    'VERDICTS',
    'CHECKS',
    'MARKS',
    'FIGURES',
    'THRESHOLDS',
    'JSON',
    'PAGES',
    'COMMANDS',
    'INSTALLATION',
    'FILE',
  ],
  ...[
    'OPTIONS',
    'KEYS',
    'WHO AND WHERE',
    'RECORDING',
    'LIVE KEYS',
    'COLUMNS',
    'SUMMARY AND AUDIT',
    'SIGNALS',
    'EXAMPLES',
  ],
  ...['OVERHEAD', 'LIMITS', 'EXIT STATUS', 'ENVIRONMENT', 'FILES', 'SEE ALSO'],
];
const OF_EVERY_COMMAND = [
  ...['NAME', 'SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'EXAMPLES', 'OVERHEAD', 'EXIT STATUS', 'SEE ALSO'],
];

interface PackageFacts {
  man: string[];
  oclif: { topics: Record<string, unknown> };
}
const facts = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as PackageFacts;

const builder = pathToFileURL(path.join(ROOT, 'scripts/build-man.mjs')).href;
const { pageFile } = (await import(builder)) as { pageFile: (name: string) => string };

/** Names of the pages: tcpscope, config, config-check. */
const PAGES = readdirSync(path.join(ROOT, 'man'))
  .filter((file) => file.endsWith('.md'))
  .map((file) => file.slice(0, -'.md'.length));
const pageOf = (command: string): string => command.replaceAll(' ', '-');

function run(file: string, args: readonly string[]): { stdout: string; stderr: string } {
  const env = { ...process.env, MANWIDTH: String(WIDTH), MANPAGER: 'cat', LC_ALL: 'C.UTF-8' };
  const { status, stdout, stderr, error } = spawnSync(file, args, { encoding: 'utf8', env, timeout: 30_000 });
  assert.ok(!error, error?.message);
  assert.equal(status, 0, stderr);
  return { stdout, stderr };
}

/** The page as man(1) shows it; and its warnings. */
function shown(name: string): { stdout: string; stderr: string } {
  const { stdout, stderr } = run('man', [
    ...['--warnings', '-E', 'UTF-8', '-l', path.join(ROOT, 'man', pageFile(name))],
  ]);
  return { stdout: stdout.split('\n').map(expandTabs).join('\n'), stderr };
}

/** man(1) has tabs in place of eight columns. */
function expandTabs(line: string): string {
  return line.split('\t').reduce((text, part) => text.padEnd(8 * Math.floor(text.length / 8 + 1)) + part);
}

/** Headings of a page that is shown. */
const headings = (text: string): string[] => text.split('\n').filter((line) => /^[A-Z][A-Z ]+$/.test(line));

function sectionOf(text: string, heading: string): string {
  const lines = text.split('\n');
  const from = lines.indexOf(heading) + 1;
  const length = lines.slice(from).findIndex((line) => /^[A-Z]/.test(line));
  return lines.slice(from, length < 0 ? undefined : from + length).join('\n');
}

describe('the man pages', () => {
  it('are one of each command, of each topic, and of the program', () => {
    const expected = ['tcpscope', ...Object.keys(facts.oclif.topics), ...COMMANDS.map(pageOf)];
    assert.deepEqual([...PAGES].sort(), expected.sort());
  });

  it('are those that npm installs', () => {
    assert.deepEqual([...facts.man].sort(), PAGES.map((name) => `man/${pageFile(name)}`).sort());
  });

  it('refer to each other, and only to pages that there are', () => {
    for (const name of PAGES) {
      const text = shown(name).stdout.replaceAll(/\s+/g, ' ');
      const named = [...text.matchAll(/\b(tcpscope[a-z-]*)\(1\)/g)].map(([, page = '']) => `${page}.1`);
      for (const page of named) assert.ok(PAGES.map(pageFile).includes(page), `${name}: ${page}`);
      const others =
        name === 'tcpscope' ? PAGES.filter((page) => page !== name).map(pageFile) : ['tcpscope.1'];
      for (const page of others) assert.ok(named.includes(page), `${name}: ${page}`);
    }
  });

  it('have all commands in the overview, with what they are for', () => {
    const commands = sectionOf(shown('tcpscope').stdout, 'COMMANDS');
    for (const command of COMMANDS) assert.match(commands, new RegExp(`^ {7}tcpscope ${command}$`, 'm'));
    assert.match(sectionOf(shown('config').stdout, 'COMMANDS'), /^ {7}tcpscope config check$/m);
  });

  for (const name of PAGES)
    describe(pageFile(name), () => {
      describePage(name);
    });

  for (const command of COMMANDS) {
    it(`of ${command} has every flag of --help, and nothing else`, () => {
      // Before the first group there is prose.
      const [, ...groups] = sectionOf(shown(pageOf(command)).stdout, 'OPTIONS').split(/^ {3}(?=[A-Z])/m);
      const entries = [...groups.join('').matchAll(/^ {7}(?:(-\w), )?(--[a-z0-9-]+)(?= |$)/gm)];
      const flags = entries.flatMap(([, short, long]) => [short, long].filter((flag) => flag !== undefined));
      assert.deepEqual(flags.sort(), flagsInHelp(command));
    });

    it(`of ${command} has the sections that every command has`, () => {
      const there = headings(shown(pageOf(command)).stdout);
      for (const heading of OF_EVERY_COMMAND) assert.ok(there.includes(heading), heading);
    });
  }
});

function describePage(name: string): void {
  const file = path.join(ROOT, 'man', pageFile(name));

  it('is built of the source as it is', async () => {
    const { buildPage } = (await import(builder)) as { buildPage: (name: string) => Promise<string> };
    assert.equal(readFileSync(file, 'utf8'), await buildPage(name));
  });

  it('is formatted without a warning, by groff and by mandoc', () => {
    assert.equal(shown(name).stderr, '');
    const lint = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', file], { encoding: 'utf8' });
    assert.ok(!lint.error, lint.error?.message);
    // A date would make two builds differ.
    const warnings = lint.stdout.split('\n').filter((line) => line !== '' && !line.includes('missing date'));
    assert.deepEqual(warnings, []);
  });

  it('has no line that is wider than the terminal', () => {
    const { stdout } = shown(name);
    assert.ok(stdout.split('\n').length > 30);
    for (const line of stdout.split('\n')) assert.ok(line.length <= WIDTH, line);
  });

  it('is found by apropos', () => {
    const title = path.basename(file, '.1');
    assert.match(run('lexgrog', [file]).stdout, new RegExp(`: "${title} - [a-z].*[^.]"\\n$`));
  });

  it('has its sections in the order of all pages', () => {
    const there = headings(shown(name).stdout);
    for (const heading of there) assert.ok(SECTIONS.includes(heading), heading);
    assert.deepEqual(
      there,
      SECTIONS.filter((heading) => there.includes(heading)),
    );
  });
}
