#!/usr/bin/env node
// @ts-check
/**
 * Writes man/tcpscope-NAME.1 for every man/NAME.md. The source is Markdown: headings, paragraphs, lists, fenced code, **bold**,
 * _italic_ and `code`. A line `<!-- options -->`, `<!-- keys -->`, `<!-- columns rows -->` or `<!-- columns groups -->` stands for
 * what the compiled command itself says, so that a flag or a column is described in one place. `config-check` is `config check`.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const root = path.resolve(import.meta.dirname, '..');
const man = path.join(root, 'man');

/**
 * @typedef {{key: string, header: string, description: string, hidden?: boolean, value?: unknown, parts?: readonly string[]}} Column
 * @typedef {{name: string, description: string}} Key
 * @typedef {Readonly<Record<string, () => Key>>} Keys
 * @typedef {{rows?: readonly Column[], groups?: readonly Column[], keys?: Keys}} Manual
 * @typedef {{type: string, description?: string, helpValue?: string, helpGroup?: string, default?: unknown, multiple?: boolean,
 *   options?: readonly string[], exclusive?: readonly string[], char?: string, hidden?: boolean}} Flag
 * @typedef {{flags?: Record<string, Flag>, baseFlags?: Record<string, Flag>, manual?: Manual, comparison?: Manual}} CommandClass
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

/** Flags below a heading for each of their groups. @param {CommandClass} command */
function options(command) {
  /** @type {Map<string, [string, Flag][]>} */
  const groups = new Map();
  for (const [name, flag] of Object.entries({ ...command.flags, ...command.baseFlags })) {
    if (flag.hidden) continue;
    const group = flag.helpGroup ?? 'OTHER';
    groups.set(group, [...(groups.get(group) ?? []), [name, flag]]);
  }
  return [...groups].flatMap(([group, flags]) => [
    `.SS ${escapeText(group)}`,
    ...flags.flatMap(([name, flag]) => flagEntry(name, flag)),
  ]);
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
function generated(marker, command, manual) {
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

/** @param {string[]} block @param {CommandClass} command @param {Manual} manual @returns {string[]} */
function blockToTroff(block, command, manual) {
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
      const term = /^(\*\*[^*]+\*\*|`[^`]+`): (.*)$/.exec(text);
      return term ? entry(inline(term[1] ?? ''), term[2] ?? '') : ['.IP \\(bu 2', inline(text)];
    });
  }
  return ['.PP', inline(block.join(' '))];
}

/** The compiled command of a page: that of config-check is commands/config/check.js. @param {string} name */
function commandFile(name) {
  const [flat = '', nested = ''] = [name, name.replaceAll('-', '/')].map((file) =>
    path.join(root, 'dist/commands', `${file}.js`),
  );
  return existsSync(flat) ? flat : nested;
}

/** The troff of man/NAME.md. @param {string} name */
export async function buildPage(name) {
  /** @type {CommandClass} */
  const command = (await import(pathToFileURL(commandFile(name)).href)).default;
  const manual = command.manual ?? command.comparison ?? {};
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const source = readFileSync(path.join(man, `${name}.md`), 'utf8');
  const body = blocksOf(source).flatMap((block) => blockToTroff(block, command, manual));
  return [
    `.\\" Built from man/${name}.md by scripts/build-man.mjs. Do not edit.`,
    `.TH ${escapeText(`TCPSCOPE-${name.toUpperCase()}`)} 1 "" "tcpscope ${version}" "tcpscope"`,
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
    writeFileSync(path.join(man, `tcpscope-${name}.1`), await buildPage(name));
  }
}
