/** What `tcpscope doctor` found, for people and for machines. */
import type { Tone } from '../model/column.js';
import type { Check, Status, Verdict } from '../model/diagnosis/check.js';
import { sanitize } from '../model/units.js';
import { createPaint, type Paint } from './paint.js';
import type { Display } from './view.js';
import { folded, textWidth, wrapped } from './width.js';

export interface DoctorDisplay extends Pick<Display, 'width' | 'colorLevel' | 'plain'> {
  /** True if the terminal shows more than ASCII. */
  unicode: boolean;
}

const SIGNS: Readonly<Record<Status, string>> = { ok: '✓', warning: '!', failed: '✗', unknown: '-' };
const TONES: Readonly<Partial<Record<Status, Tone>>> = { failed: 'bad', warning: 'warn' };
/** Between columns. */
const GAP = '  ';
/** Before what a check means. */
const INDENT = '    ';
/** Longer lines are hard to read on a terminal; on a pipe they are easier to search. */
const PROSE = 120;

/**
 * A line for each check, and below those that are not ok what that means and what to do; what is too long for the terminal goes on
 * below itself. Ends with the summary.
 */
export function doctorText(checks: readonly Check[], summary: Check, display: DoctorDisplay): string {
  const shown = checks.map((check) => safe(naming(check, summary.commands)));
  const layout = layoutOf(shown, display);
  const lines = shown.flatMap((check) => checkLines(check, layout));
  const { found, means, mend } = safe(summary);
  // A command to copy is left in one piece.
  const end = [...wrapped(`${found}: ${means}`, layout.prose), ...(mend === '' ? [] : [mend])];
  return [...lines, '', ...end].map((line) => `${line}\n`).join('');
}

interface Layout {
  marks: Readonly<Record<Status, string>>;
  names: number;
  found: number;
  prose: number;
  paint: Paint;
}

function layoutOf(
  checks: readonly Check[],
  { width: available, colorLevel, plain, unicode }: DoctorDisplay,
): Layout {
  const width = available ?? Infinity;
  const words = { ok: 'ok', warning: 'warning', failed: 'failed', unknown: 'unknown' };
  const marks = plain || !unicode ? padded(words) : SIGNS;
  const names = widest(checks.map(({ check }) => check));
  const taken = textWidth(marks.ok) + 1 + names + GAP.length;
  const longest = widest(checks.map(({ found }) => found));
  return {
    marks,
    names,
    found: Math.min(longest, Math.max(width - taken, 20)),
    prose: available === undefined ? Infinity : Math.min(available, PROSE),
    paint: createPaint(plain ? 0 : colorLevel),
  };
}

const widest = (texts: readonly string[]): number =>
  texts.reduce((most, text) => Math.max(most, textWidth(text)), 0);

function padded(words: Readonly<Record<Status, string>>): Record<Status, string> {
  const width = widest(Object.values(words));
  const pad = (status: Status): string => words[status].padEnd(width);
  return { ok: pad('ok'), warning: pad('warning'), failed: pad('failed'), unknown: pad('unknown') };
}

const commandsOf = ({ commands }: Check): string => commands.join(', ');
const fill = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - textWidth(text)));

function checkLines(check: Check, { marks, names, found, prose, paint }: Layout): string[] {
  const { status, means, mend } = check;
  const [first = '', ...rest] = wrapped(check.found, found).flatMap((line) => folded(line, found));
  const name = fill(check.check, names);
  const head = paint.tone(TONES[status], `${marks[status]} ${name}`);
  const below = ' '.repeat(textWidth(marks[status]) + 1 + names + GAP.length);
  const advice = [means === '' ? '' : `${commandsOf(check)}: ${means}`, mend === '' ? '' : `Mend: ${mend}`];
  return [
    `${head}${GAP}${first}`.trimEnd(),
    ...rest.map((line) => below + line),
    ...advice
      .filter((text) => text !== '')
      .flatMap((text) => wrapped(text, prose - INDENT.length).map((line) => INDENT + line)),
  ];
}

/** One that is about some of the commands only says about which. */
function naming(check: Check, all: readonly string[]): Check {
  const isPart = check.commands.length < all.length;
  return isPart ? { ...check, found: `${check.found} (${commandsOf(check)})` } : check;
}

/** Kernels, runtimes and files have put their words into it. */
function safe(check: Check): Check {
  const { found, means, mend } = check;
  return {
    ...check,
    check: sanitize(check.check),
    found: sanitize(found),
    means: sanitize(means),
    mend: sanitize(mend),
  };
}

/** NDJSON: an object for each check, and a last one, `summary`, which has the same keys and the numbers of them all. */
export function doctorJson(checks: readonly Check[], summary: Check, verdict: Verdict): string {
  const { counts, working, failing, exitCode } = verdict;
  const end = {
    ...plainCheck(summary),
    ...counts,
    commands_working: working,
    commands_failing: failing,
    exit_code: exitCode,
  };
  return [...checks.map(plainCheck), end].map((each) => `${JSON.stringify(each)}\n`).join('');
}

function plainCheck(check: Check): Record<string, unknown> {
  const { status, commands, found, means, mend } = safe(check);
  return { check: check.check, status, found, means: means || null, mend: mend || null, commands };
}
