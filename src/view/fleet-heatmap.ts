/** The matrix of `tcpscope fleet --heatmap`: numbers with a letter for their colour, which is behind them where there is colour. */
import type { Cell, CellState, Limits, Matrix, MatrixMetric } from '../fleet/matrix.js';
import type { Pattern } from '../fleet/pattern.js';
import { formatCount, sanitize } from '../model/units.js';
import { latencyText, shareText } from './fleet-columns.js';
import { createStatePaint, type StatePaint } from './fleet-paint.js';
import { GAP } from './layout.js';
import { createPaint, type Paint } from './paint.js';
import type { Display } from './view.js';
import { cut, filled, textWidth, wrapped } from './width.js';

const LETTERS: Readonly<Record<CellState, string>> = { green: 'g', yellow: 'Y', red: 'R', white: '-' };
/** The names of rows take at most this share of a terminal. */
const LONGEST_SHARE = 0.3;
const ALPHABET = 26;
const MOST_NAMED = 3;

export interface HeatmapOptions {
  /** What the matrix is, if it is one. */
  pattern: Pattern | undefined;
  metric: MatrixMetric;
  limits: Limits;
  /** What is on the two axes: `source_region`, `region`. */
  axes: readonly [string, string];
  /** Of when it is: `1h until 2026-11-28 16:00:00Z`. */
  period: string;
  display: Readonly<Display>;
}

/** How a value is written in a cell, in the unit of the title. */
const CELL_TEXT: Readonly<Record<MatrixMetric, (value: number) => string>> = {
  p99: (ns) => shortNumber(ns / 1e6),
  'drop-rate': (share) => (share === 0 ? '0' : share.toExponential(1)),
};

const VALUE_TEXT: Readonly<Record<MatrixMetric, (value: number) => string>> = {
  p99: latencyText,
  'drop-rate': shareText,
};

const TITLES: Readonly<Record<MatrixMetric, string>> = {
  p99: 'P99 of handshakes in ms',
  'drop-rate': 'share of attempts that lost a SYN',
};

/** Three digits: `0.042`, `4.52`, `38.1`, `1003`. */
function shortNumber(value: number): string {
  if (value >= 99.95) return String(Math.round(value));
  return value.toFixed(value < 0.0995 ? 3 : value < 9.995 ? 2 : 1);
}

/** A, B, … Z, AA, AB, … */
function keyOf(at: number): string {
  const before = Math.floor(at / ALPHABET);
  const letter = String.fromCodePoint(65 + (at % ALPHABET));
  return before === 0 ? letter : keyOf(before - 1) + letter;
}

const nameOf = (place: string): string => sanitize(place) || '(none)';

function cellText({ state, value }: Cell, metric: MatrixMetric): string {
  return value === undefined ? LETTERS.white : `${CELL_TEXT[metric](value)} ${LETTERS[state]}`;
}

/** Widths of a drawing, and what stands above its columns. */
interface Layout {
  rowNames: readonly string[];
  rowWidth: number;
  heads: readonly string[];
  cellWidth: number;
  /** Columns beside each other; more are further blocks below. */
  perBlock: number;
  /** What the heads stand for, where they are not the names. */
  legend: readonly string[];
}

function layoutOf(
  { sources, destinations, rows }: Matrix,
  metric: MatrixMetric,
  available: number | undefined,
): Layout {
  const texts = rows.flatMap((cells) => cells.map((cell) => textWidth(cellText(cell, metric))));
  const names = destinations.map(nameOf);
  const least = Math.max(...texts);
  const named = Math.max(least, ...names.map(textWidth));
  const all = sources.map(nameOf);
  const rowWidth = Math.max(...all.map(textWidth));
  const base = { rowNames: all, rowWidth, heads: names, cellWidth: named, legend: [] };
  const perBlock = names.length;
  if (available === undefined || rowWidth + perBlock * (GAP + named) <= available)
    return { ...base, perBlock };
  const keys = names.map((_, at) => keyOf(at));
  const cellWidth = Math.max(least, ...keys.map(textWidth));
  const narrow = Math.min(rowWidth, Math.floor(available * LONGEST_SHARE));
  const room = Math.floor((available - narrow) / (GAP + cellWidth));
  return {
    rowNames: all.map((name) => shortened(name, narrow)),
    rowWidth: narrow,
    heads: keys,
    cellWidth,
    perBlock: Math.max(1, room),
    legend: names.map((name, at) => `${keys[at]} ${name}`),
  };
}

function shortened(text: string, width: number): string {
  return textWidth(text) <= width ? text : `${cut(text, width - 1)}…`;
}

const padded = (text: string, width: number): string => ' '.repeat(width - textWidth(text)) + text;

/** The cells of some columns, below their heads. */
function blockLines(
  matrix: Matrix,
  layout: Layout,
  from: number,
  metric: MatrixMetric,
  paints: { paint: Paint; state: StatePaint },
): string[] {
  const { rowNames, rowWidth, heads, cellWidth, perBlock } = layout;
  const gap = ' '.repeat(GAP);
  const ofBlock = <Value>(values: readonly Value[]): Value[] => values.slice(from, from + perBlock);
  const head = ofBlock(heads).map((text) => gap + padded(text, cellWidth));
  const lines = matrix.rows.map((cells, at) => {
    const name = (rowNames[at] ?? '').padEnd(
      rowWidth - textWidth(rowNames[at] ?? '') + (rowNames[at] ?? '').length,
    );
    const texts = ofBlock(cells).map(
      (cell) => gap + paints.state(cell.state, padded(cellText(cell, metric), cellWidth)),
    );
    return (name + texts.join('')).trimEnd();
  });
  return [paints.paint.header(' '.repeat(rowWidth) + head.join('')), ...lines];
}

/** `g green: below 4 ms`, … */
function legendTexts({ metric, limits }: HeatmapOptions, paint: StatePaint): string[] {
  const [warn, crit] = [limits.warn, limits.crit].map(
    metric === 'p99' ? latencyText : (share) => share.toExponential(),
  );
  return [
    `${paint('green', `${LETTERS.green} green`)}: below ${warn}`,
    `${paint('yellow', `${LETTERS.yellow} yellow`)}: up to ${crit}`,
    `${paint('red', `${LETTERS.red} red`)}: above`,
    `${LETTERS.white} white: no data`,
  ];
}

function listed(places: readonly string[]): string {
  const names = places.slice(0, MOST_NAMED).map(nameOf);
  const more = places.length - names.length;
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ');
}

/** Slow or lossy, as the metric says. */
function patternText(pattern: Pattern, metric: MatrixMetric): string {
  const bad = metric === 'p99' ? 'slow' : 'losing SYNs';
  switch (pattern.kind) {
    case 'green':
      return `All green: no pair with data is ${bad}.`;
    case 'white-cross':
      return `White cross: no data from or to ${listed(pattern.places)}, while the others have some: down, cut off, or not measured.`;
    case 'red-cross':
      return `Red cross: what is ${bad} begins or ends in ${listed(pattern.places)}: the network of that place, not the one between the others.`;
    case 'red-between':
      return `Red with a green diagonal: within each place all is well, between places it is ${bad}: the network between them.`;
  }
}

/** What the colours say as a whole: the pattern, or how many pairs are not green. */
export function verdictText(matrix: Matrix, pattern: Pattern | undefined, metric: MatrixMetric): string {
  if (pattern) return patternText(pattern, metric);
  const cells = matrix.rows.flat();
  const count = (state: CellState): number => cells.filter((cell) => cell.state === state).length;
  const measured = cells.length - count('white');
  return `${formatCount(count('red'))} of ${formatCount(measured)} pairs with data red, ${formatCount(count('yellow'))} yellow.`;
}

/** A line a pair, in words. */
function sentences({ rows }: Matrix, metric: MatrixMetric): string[] {
  return rows.flat().map(({ source, destination, value, state, attempts }) => {
    const pair = `${nameOf(source)} to ${nameOf(destination)}`;
    if (value === undefined) return `${pair}: white, no data`;
    return `${pair}: ${state}, ${VALUE_TEXT[metric](value)} of ${formatCount(attempts)} attempts`;
  });
}

/** The whole picture. On a terminal wide matrices are folded; on a pipe nothing is. */
export function heatmapText(matrix: Matrix, options: HeatmapOptions): string {
  const { metric, pattern, axes, period, display } = options;
  const width = display.width ?? Infinity;
  const [source, destination] = axes;
  const title = `${TITLES[metric]}, ${period}; rows: ${source}, columns: ${destination}`;
  const verdict = wrapped(verdictText(matrix, pattern, metric), width);
  if (display.plain) return [title, ...sentences(matrix, metric), ...verdict, ''].join('\n');
  const paints = { paint: createPaint(display.colorLevel), state: createStatePaint(display.colorLevel) };
  const layout = layoutOf(matrix, metric, display.width);
  const blocks: string[] = [];
  for (let from = 0; from < matrix.destinations.length; from += layout.perBlock)
    blocks.push(...blockLines(matrix, layout, from, metric, paints), '');
  return [
    ...wrapped(title, width),
    ...blocks,
    ...filled(layout.legend, ' '.repeat(GAP), width),
    ...filled(legendTexts(options, paints.state), ' '.repeat(GAP), width),
    ...verdict,
    '',
  ].join('\n');
}
