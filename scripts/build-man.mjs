#!/usr/bin/env node
// @ts-check
/**
 * Writes man/tcpscope-NAME.1 for every man/NAME.md, and man/tcpscope.1 for man/tcpscope.md. The source is Markdown: headings, paragraphs, lists, fenced code, **bold**,
 * _italic_ and `code`. A line `<!-- options -->`, `<!-- keys -->`, `<!-- columns rows -->` or `<!-- columns groups -->` stands for
 * what the compiled command itself says, so that a flag or a column is described in one place; `<!-- commands -->` for all commands,
 * `<!-- commands config -->` for those below a topic, `<!-- pages -->` for all pages but this. `config-check` is `config check`.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { byImportance } from '../dist/cli/help.js';

const root = path.resolve(import.meta.dirname, '..');
const man = path.join(root, 'man');
const commandsFolder = path.join(root, 'dist/commands');

/**
 * @typedef {{key: string, header: string, description: string, hidden?: boolean, value?: unknown, parts?: readonly string[]}} Column
 * @typedef {{name: string, description: string}} Key
 * @typedef {Readonly<Record<string, () => Key>>} Keys
 * @typedef {{rows?: readonly Column[], groups?: readonly Column[], keys?: Keys}} Manual
 * @typedef {{type: string, description?: string, helpValue?: string, helpGroup?: string, default?: unknown, multiple?: boolean,
 *   options?: readonly string[], exclusive?: readonly string[], char?: string, hidden?: boolean}} Flag
 * @typedef {{description?: string, options?: readonly string[], required?: boolean, multiple?: boolean}} Argument
 * @typedef {{summary?: string, args?: Record<string, Argument>, flags?: Record<string, Flag>, baseFlags?: Record<string, Flag>,
 *   manual?: Manual, comparison?: Manual, figures?: Manual}} CommandClass
 */

/** Text without anything that troff takes for its own. @param {string} text */
function escapeText(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replaceAll('`', '\\(ga')
    .replaceAll('µ', '\\(mc')
    .replace(/[^\0-\u007e]/g, (character) => `\\[u${hex(character)}]`);
}

/** @param {string} character */
function hex(character) {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}

/** A line that troff does not take for a request. @param {string} line */
const guarded = (line) => (/^[.']/.test(line) ? `\\&${line}` : line);
/** @param {string} text */
const bold = (text) => `\\fB${escapeText(text)}\\fR`;
/** @param {string} text */
const italic = (text) => `\\fI${escapeText(text)}\\fR`;

/** Inline Markdown. @param {string} text */
function inline(text) {
  const pieces = text.split(/(`[^`]+`|\*\*[^*]+\*\*|\b_[^_]+_\b)/);
  const troff = pieces.map((piece) => {
    if (piece.startsWith('`')) return bold(piece.slice(1, -1));
    if (piece.startsWith('**')) return bold(piece.slice(2, -2));
    if (/^_[^_]+_$/.test(piece)) return italic(piece.slice(1, -1));
    return escapeText(piece);
  });
  return guarded(troff.join(''));
}

/** A term and what it means. @param {string} term already troff @param {string} text Markdown */
const entry = (term, text) => ['.TP', guarded(term), inline(text)];

/** @param {string} name @param {Flag} flag */
function flagEntry(name, flag) {
  const value = flag.options?.join('|') ?? flag.helpValue ?? (flag.type === 'option' ? 'VALUE' : undefined);
  const dots = flag.multiple ? '...' : '';
  const short = flag.char === undefined ? '' : `${bold(`-${flag.char}`)}, `;
  const term = `${short}${bold(`--${name}`)}${value === undefined ? '' : ` ${italic(value)}${dots}`}`;
  const facts = [flag.description ?? ''];
  if (flag.default !== undefined && flag.type === 'option') facts.push(`Default: ${String(flag.default)}.`);
  if (flag.exclusive && flag.exclusive.length > 0)
    facts.push(`Not together with ${flag.exclusive.map((other) => `--${other}`).join(', ')}.`);
  return entry(term, facts.join(' '));
}

/** @param {CommandClass} command */
function commandArguments({ args = {} }) {
  const entries = Object.entries(args).flatMap(([name, argument]) => {
    const term = italic((argument.options?.join('|') ?? name).toUpperCase());
    return entry(argument.multiple ? `${term}...` : term, argument.description ?? '');
  });
  return entries.length > 0 ? ['.SS ARGUMENTS', ...entries] : [];
}

/** Arguments, and flags below a heading for each of their groups. @param {CommandClass} command */
function options(command) {
  /** @type {Map<string, [string, Flag][]>} */
  const groups = new Map();
  for (const [name, flag] of Object.entries({ ...command.flags, ...command.baseFlags })) {
    if (flag.hidden) continue;
    const group = flag.helpGroup ?? 'OTHER';
    groups.set(group, [...(groups.get(group) ?? []), [name, flag]]);
  }
  return [
    ...commandArguments(command),
    ...[...groups].flatMap(([group, flags]) => [
      `.SS ${escapeText(group)}`,
      ...flags.flatMap(([name, flag]) => flagEntry(name, flag)),
    ]),
  ];
}

/** Names of all commands, `config check`, in the order of the help. */
const commandNames = readdirSync(commandsFolder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.js'))
  .map((file) => file.slice(0, -'.js'.length).replaceAll('/', ' '))
  .sort(byImportance);

/** Those below a topic, or all. @param {string | undefined} topic */
async function commandEntries(topic) {
  const wanted = commandNames.filter((name) => topic === undefined || name.startsWith(`${topic} `));
  const entries = wanted.map(async (name) => {
    const { summary = '' } = await loadCommand(name);
    return entry(bold(`tcpscope ${name}`), `${summary} See **tcpscope-${name.replaceAll(' ', '-')}**(1).`);
  });
  return (await Promise.all(entries)).flat();
}

/** All pages but that of the whole program, as Markdown. */
function pageList() {
  const names = readdirSync(man).filter((file) => file.endsWith('.md') && file !== 'tcpscope.md');
  const pages = names.map((file) => path.basename(file, '.md')).sort(byImportance);
  return pages.map((page) => `**tcpscope-${page}**(1)`).join(', ');
}

/** @param {readonly Column[]} list */
function columns(list) {
  return list.flatMap((column) => {
    const facts = [column.description];
    if (!column.value) facts.push(`JSON and CSV: ${(column.parts ?? []).join(', ')}.`);
    if (column.hidden) facts.push('Shown on request and in JSON and CSV.');
    return entry(`${bold(column.key)} (${escapeText(column.header)})`, facts.join(' '));
  });
}

/** What stands for a marker. @param {string} marker @param {CommandClass} command @param {Manual} manual */
async function generated(marker, command, manual) {
  const [, topic] = /^commands(?: (.+))?$/.exec(marker) ?? [];
  if (marker.startsWith('commands')) return commandEntries(topic);
  if (marker === 'options') return options(command);
  if (marker === 'keys')
    return Object.values(manual.keys ?? {}).flatMap((make) => {
      const { name, description } = make();
      return entry(bold(name), description);
    });
  if (marker === 'columns rows') return columns(manual.rows ?? []);
  if (marker === 'columns groups') return columns(manual.groups ?? []);
  throw new Error(`unknown marker <!-- ${marker} -->`);
}

/** The blocks of a page: runs of lines between blank lines, a fenced block being one. @param {string} source */
function blocksOf(source) {
  /** @type {string[][]} */
  const blocks = [[]];
  let fenced = false;
  for (const line of source.split('\n')) {
    if (line.startsWith('```')) fenced = !fenced;
    if (line === '' && !fenced) blocks.push([]);
    else blocks.at(-1)?.push(line);
  }
  return blocks.filter((block) => block.length > 0);
}

/** @param {string[]} block @param {CommandClass} command @param {Manual} manual @returns {Promise<string[]>} */
async function blockToTroff(block, command, manual) {
  const [first = ''] = block;
  const marker = /^<!-- (.+) -->$/.exec(first)?.[1];
  if (marker !== undefined) return generated(marker, command, manual);
  if (first.startsWith('# ')) return []; // the title is in .TH
  if (first.startsWith('## ')) return [`.SH ${escapeText(first.slice(3))}`];
  if (first.startsWith('### ')) return [`.SS ${escapeText(first.slice(4))}`];
  if (first.startsWith('```'))
    return [
      '.PP',
      '.RS 4',
      '.EX',
      ...block.slice(1, -1).map((line) => guarded(escapeText(line))),
      '.EE',
      '.RE',
    ];
  if (first.startsWith('- ')) {
    const items = block
      .join('\n')
      .split(/\n?^- /m)
      .slice(1);
    return items.flatMap((item) => {
      const text = item.replaceAll(/\s*\n\s*/g, ' ');
      const term = /^((?:\*\*[^*]+\*\*|`[^`]+`|, )+): (.*)$/.exec(text);
      return term ? entry(inline(term[1] ?? ''), term[2] ?? '') : ['.IP \\(bu 2', inline(text)];
    });
  }
  return ['.PP', inline(block.join(' '))];
}

/** The compiled command. @param {string} name @returns {Promise<CommandClass>} */
async function loadCommand(name) {
  const file = path.join(commandsFolder, `${name.replaceAll(' ', '/')}.js`);
  return (await import(pathToFileURL(file).href)).default;
}

/** A paragraph begins with a heading anyway. @param {string[]} lines */
const withoutEmptyParagraphs = (lines) =>
  lines.filter((line, at) => line !== '.PP' || !/^\.S[HS] /.test(lines[at - 1] ?? ''));

/** The file that man/NAME.md becomes. @param {string} name */
export const pageFile = (name) => (name === 'tcpscope' ? 'tcpscope.1' : `tcpscope-${name}.1`);

/** The troff of man/NAME.md. @param {string} name */
export async function buildPage(name) {
  // That of a topic, or of the whole program, is of no command.
  const of = commandNames.find((each) => each === name || each.replaceAll(' ', '-') === name);
  const command = of === undefined ? {} : await loadCommand(of);
  const manual = command.manual ?? command.comparison ?? command.figures ?? {};
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const source = readFileSync(path.join(man, `${name}.md`), 'utf8').replace('<!-- pages -->', pageList);
  const blocks = blocksOf(source).map((block) => blockToTroff(block, command, manual));
  const body = withoutEmptyParagraphs((await Promise.all(blocks)).flat());
  return [
    `.\\" Built from man/${name}.md by scripts/build-man.mjs. Do not edit.`,
    `.TH ${escapeText(path.basename(pageFile(name), '.1').toUpperCase())} 1 "" "tcpscope ${version}" "tcpscope"`,
    '.nr HY 0',
    '.nh',
    '.ad l',
    ...body,
    '',
  ].join('\n');
}

if (process.argv[1] === import.meta.filename) {
  const pages = readdirSync(man).filter((file) => file.endsWith('.md'));
  for (const page of pages) {
    const name = path.basename(page, '.md');
    writeFileSync(path.join(man, pageFile(name)), await buildPage(name));
  }
}
