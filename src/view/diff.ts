import { LEAST_BLOCKS, LEAST_EVENTS, type DiffResult, type Side } from '../aggregate/diff.js';
import type { TextContext } from '../model/column.js';
import { LEAST_INTERVALS } from '../model/statistics/counts.js';
import { formatCount, formatElapsed, formatRate } from '../model/units.js';
import { createPaint } from './paint.js';
import type { TableOptions } from './table-rows.js';
import { createTableView } from './table.js';
import type { Display } from './view.js';
import { wrapped } from './width.js';

/** One recording in the lines above the table. */
export interface DiffRecording {
  /** File name or what else the user calls it, without control characters. */
  name: string;
  durationNs: number;
  /** Attempts that ended, or segments sent again. */
  count: number;
  /** What else is worth a word of it: `0.1% failed`. */
  notes: readonly string[];
}

/** What stands above the table. */
export interface DiffHead {
  recordings: Readonly<Record<Side, DiffRecording>>;
  /** Of what: `attempts`, `segments sent again`. */
  noun: string;
  /** Which tests: `rank-sum on latencies, Fisher on failures and lost SYNs`. */
  method: string;
  comparisons: number;
  alpha: number;
  /** Why the sides may not be comparable: `different hosts: web-1, web-2`. */
  warnings: readonly string[];
}

/** Of handshakes and of retransmissions. */
export const DIFF_METHODS = {
  handshakes: 'rank-sum on latencies, Fisher on failures and lost SYNs, both corrected for bursts',
  retransmits: 'rank-sum on retransmits and ratio by interval, and on stalls corrected for bursts',
} as const;

function recordingLine(side: Side, { name, durationNs, count, notes }: DiffRecording, noun: string): string {
  const rate = durationNs > 0 && count > 0 ? ` (${formatRate(count / (durationNs / 1e9))}/s)` : '';
  const counted = `${formatCount(count)} ${count === 1 ? noun.replace(/s\b/, '') : noun}`;
  const head = `${side.padEnd('before'.length)}  ${name}: ${counted} in ${formatElapsed(durationNs)}${rate}`;
  return [head, ...notes].join(', ');
}

/** The lines above the table: the two recordings, how they are compared, what speaks against it. */
export function diffHeadLines(
  { recordings, noun, method, comparisons, alpha, warnings }: DiffHead,
  { width, colorLevel }: Readonly<Display>,
): string[] {
  const paint = createPaint(colorLevel);
  const made = ['no group has enough events to compare', 'one comparison'][comparisons];
  const adjustment = made ?? `p adjusted for ${formatCount(comparisons)} comparisons (Benjamini-Hochberg)`;
  return [
    ...wrapped(recordingLine('before', recordings.before, noun), width),
    ...wrapped(recordingLine('after', recordings.after, noun), width),
    ...wrapped(`${method}; ${adjustment}, alpha ${alpha}`, width),
    ...warnings
      .flatMap((warning) => wrapped(`warning: ${warning}`, width))
      .map((line) => paint.tone('warn', line)),
  ];
}

/** What the verdicts in this table need, below it. */
export function diffNotes({ rows, notes }: DiffResult<unknown, string>): string[] {
  const shortages = rows.flatMap(({ shortage }) => (shortage === undefined ? [] : [shortage]));
  const needs = [
    ...(shortages.some((text) => /\d$/.test(text)) ? [`${LEAST_EVENTS} events`] : []),
    ...(shortages.some((text) => text.endsWith('times'))
      ? [`events at ${LEAST_BLOCKS} different times`]
      : []),
    ...(shortages.some((text) => text.endsWith(' s')) ? [`recordings of ${LEAST_INTERVALS} s`] : []),
  ];
  const unclear = rows.some((row) => row.class === 'unclear');
  return [
    ...(needs.length > 0 ? [`too few: a comparison needs ${needs.join(', ')} on each side`] : []),
    ...(unclear ? ['unclear: a difference in few bursts, which may be chance'] : []),
    ...notes,
  ];
}

/** The whole answer as text: head, blank line, table. */
export function diffText<Row>(
  head: DiffHead,
  table: Omit<TableOptions<Row>, 'once'>,
  context: Readonly<TextContext>,
): string {
  const above = diffHeadLines(head, table.display);
  const { width } = table.display;
  const notes = (): string[] => (table.notes?.() ?? []).flatMap((note) => wrapped(note, width));
  const view = createTableView<never, Row>({ ...table, notes, once: true });
  const body = view.frame(context.startedNs, context.clockOffsetNs) ?? '';
  return `${above.join('\n')}\n\n${body}`;
}
