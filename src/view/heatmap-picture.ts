/** The drawing of a heatmap: bands of values upward, intervals to the right, counts as shades. */
import { bandCounts, bandsOf, limitText, type Band } from '../model/bands.js';
import type { Tone } from '../model/column.js';
import type { HeatmapColumn, HeatmapSection, HeatmapSource } from '../model/heatmap-section.js';
import { LatencyHistogram } from '../model/histogram.js';
import { formatCount, formatElapsed } from '../model/units.js';
import { columnsIn, type Intervals } from './heatmap-intervals.js';
import { GAP } from './layout.js';
import type { Paint } from './paint.js';
import { quantileText } from './quantiles.js';
import { SHADES, shadeRanges, shadeScale, type LogScale } from './scale.js';
import { filled, textWidth } from './width.js';

export const LEAST_BANDS = 6;
const TOTAL = 'total';
const FOLDED = 'failed';

/** One line of cells. */
interface Line {
  label: string;
  tone: Tone | undefined;
  /** False for values, whose cells have the colours of heat. */
  other: boolean;
  /** One for each interval. */
  counts: readonly number[];
  /** What stands at its right. */
  total: number;
}

/** A group as it will be drawn. */
export interface Picture {
  title: string;
  caption: readonly string[];
  lines: readonly Line[];
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

/** A line for each band, the longest durations first. */
function bandLines(columns: readonly HeatmapColumn[], bands: readonly Band[], intervals: Intervals): Line[] {
  const lines = bands.map(({ fromNs }) => ({
    label: limitText(fromNs),
    tone: undefined,
    other: false,
    counts: intervals.endsNs.map(() => 0),
    total: 0,
  }));
  for (const { interval, histogram } of columns) {
    for (const [at, count] of bandCounts(histogram, bands).entries()) {
      const line = lines[at];
      if (!line) continue;
      line.counts[interval - intervals.first] = count;
      line.total += count;
    }
  }
  return lines.reverse();
}

/** A line for whatever has no value and occurred. */
function otherLines(
  { others }: HeatmapSource,
  columns: readonly HeatmapColumn[],
  intervals: Intervals,
): Line[] {
  return others.flatMap(({ label, tone, gauge = false }, place) => {
    const counts = intervals.endsNs.map(() => 0);
    for (const { interval, others: has } of columns) counts[interval - intervals.first] = has[place] ?? 0;
    if (sum(counts) === 0) return [];
    return [{ label, tone, other: true, counts, total: gauge ? (counts.at(-1) ?? 0) : sum(counts) }];
  });
}

const isBad = ({ tone }: Line): boolean => tone === 'bad';

/** One line for all that failed: where there is no room for more. */
function folded(lines: readonly Line[], intervals: Intervals): Line[] {
  const bad = lines.filter(isBad);
  const counts = intervals.endsNs.map((_, at) => sum(bad.map(({ counts }) => counts[at] ?? 0)));
  const line: Line = { label: FOLDED, tone: 'bad', other: true, counts, total: sum(counts) };
  return [line, ...lines.filter((other) => !isBad(other))];
}

/** What a group did in the intervals of a frame, before it is known how many lines it gets. */
export interface Gathered {
  title: string;
  /** Texts of the caption, which break between them. */
  caption: readonly string[];
  columns: readonly HeatmapColumn[];
  /** All their values. */
  all: LatencyHistogram;
  others: readonly Line[];
}

export function gather(source: HeatmapSource, section: HeatmapSection, intervals: Intervals): Gathered {
  const columns = columnsIn(section, intervals);
  const all = new LatencyHistogram();
  for (const { histogram } of columns) all.merge(histogram);
  const others = otherLines(source, columns, intervals);
  return { title: section.title, caption: captionOf(source, all, intervals), columns, all, others };
}

/** How many lines a group may take. */
export interface Most {
  bands: number;
  /** All of them, but there are never fewer bands than LEAST_BANDS. */
  lines: number;
}

/** The bands of a group, how many lines they and the others take, and true if its failures share one. */
function choose({ all, others }: Gathered, most: Most): { bands: Band[]; lines: number; fold: boolean } {
  const bandsAbove = (below: number): Band[] =>
    bandsOf(all, LEAST_BANDS, Math.max(LEAST_BANDS, Math.min(most.bands, most.lines - below)));
  const bands = bandsAbove(others.length);
  const lines = bands.length + others.length;
  const bad = others.filter(isBad).length;
  if (lines <= most.lines || bad < 2) return { bands, lines, fold: false };
  const below = others.length - bad + 1;
  const more = bandsAbove(below);
  return { bands: more, lines: more.length + below, fold: true };
}

/** How many lines of cells it would be. */
export function countLines(gathered: Gathered, most: Most): number {
  return choose(gathered, most).lines;
}

export function pictureOf(gathered: Gathered, intervals: Intervals, most: Most): Picture {
  const { title, caption, columns, others } = gathered;
  const { bands, fold } = choose(gathered, most);
  const below = fold ? folded(others, intervals) : others;
  return { title, caption, lines: [...bandLines(columns, bands, intervals), ...below] };
}

/** `ok latency 29 in 15.0 s`, `p50 452 µs`, … */
function captionOf({ measure }: HeatmapSource, all: LatencyHistogram, intervals: Intervals): string[] {
  const elapsed = formatElapsed((intervals.endsNs.at(-1) ?? intervals.startNs) - intervals.startNs);
  const head = `${measure.label} ${formatCount(all.count)} in ${elapsed}`;
  if (all.count === 0) return [head];
  return [head, ...quantileText(all, (value) => measure.text(value)).split('  ')];
}

/** Widths that all pictures of a frame share, so that their times are above each other. */
interface Layout {
  label: number;
  cells: number;
  total: number;
}

/** Columns of a frame beside its cells: `refused│`, and `  total`. */
function layoutOf(pictures: readonly Picture[], intervals: number, leastCells: number): Layout {
  const lines = pictures.flatMap((picture) => picture.lines);
  return {
    label: Math.max(...lines.map(({ label }) => label.length)),
    cells: Math.max(intervals, leastCells),
    total: Math.max(TOTAL.length, ...lines.map(({ total }) => formatCount(total).length)),
  };
}

/** Intervals that a terminal has room for, before it is known what they hold. */
export function mostIntervals({ others, measure }: HeatmapSource, width: number): number {
  const label = Math.max(
    ...others.map(({ label: { length } }) => length),
    FOLDED.length,
    measure.label.length,
  );
  const total = '10,000,000'.length;
  return Math.max(1, width - label - 1 - GAP - total);
}

/** Cells of a line; neighbours of one shade are painted at once. */
function cellsText({ counts, tone, other }: Line, { stepOf }: LogScale, paint: Paint): string {
  let text = '';
  let run = { step: -1, length: 0 };
  const flush = (): void => {
    const { step, length } = run;
    const cells = (SHADES[step] ?? ' ').repeat(length);
    if (step < 0) text += cells;
    else text += other ? paint.tone(tone, cells) : paint.heat(step, cells);
  };
  for (const count of counts) {
    const step = count > 0 ? stepOf(count) : -1;
    if (step === run.step) {
      run.length++;
    } else {
      flush();
      run = { step, length: 1 };
    }
  }
  flush();
  return text;
}

function lineText(line: Line, layout: Layout, scale: LogScale, paint: Paint): string {
  const label = line.label.padStart(layout.label);
  const before = ' '.repeat(layout.cells - line.counts.length);
  const head = `${paint.tone(line.tone, label)}${line.other ? '┆' : '│'}${before}`;
  const total = line.total > 0 ? formatCount(line.total) : '';
  const cells = head + cellsText(line, scale, paint);
  if (total === '') return cells.trimEnd();
  return cells + ' '.repeat(GAP + layout.total - total.length) + paint.tone(line.tone, total);
}

/** Lines before those of cells: one where name and caption fit beside each other. */
export function headLines(
  { title, caption }: Pick<Picture, 'title' | 'caption'>,
  paint: Paint,
  width: number,
): string[] {
  const between = ' '.repeat(GAP);
  const lines = filled(caption, between, width);
  if (title === '') return lines;
  const [first = ''] = lines;
  const fits = lines.length === 1 && textWidth(title) + GAP + textWidth(first) <= width;
  return fits
    ? [paint.header(title) + between + first]
    : [...filled(title.split(' '), ' ', width).map((line) => paint.header(line)), ...lines];
}

/** Cells that have their time below: the newest, the very first, and every so many between, as long as they do not touch. */
function ticks({ first, endsNs }: Intervals, layout: Layout, labels: readonly string[]): number[] {
  const before = layout.cells - endsNs.length;
  const apart = Math.max(...labels.map((text) => text.length)) + GAP;
  const every = Math.ceil(apart / 5) * 5;
  const places: number[] = [];
  for (let at = endsNs.length - 1; at >= 0; at--) {
    const next = places[0];
    const isAnchor = (first + at + 1) % every === 0 || first + at === 0;
    const fits = before + at + 2 + layout.label >= (labels[at] ?? '').length;
    if (next === undefined || (isAnchor && fits && next - at >= apart)) places.unshift(at);
  }
  return places.map((at) => before + at);
}

/** `└────┬────┬  total`, and the times below: each ends under its tick, which is the end of its interval. */
function axisLines(intervals: Intervals, layout: Layout, timeText: (ns: number) => string): string[] {
  const labels = intervals.endsNs.map(timeText);
  const before = layout.cells - intervals.endsNs.length;
  const rule = new Array<string>(layout.cells).fill('─');
  let times = '';
  for (const cell of ticks(intervals, layout, labels)) {
    rule[cell] = '┬';
    const text = labels[cell - before] ?? '';
    times = times.padEnd(layout.label + 1 + cell + 1 - text.length) + text;
  }
  const total = ' '.repeat(GAP) + TOTAL.padStart(layout.total);
  return [`${' '.repeat(layout.label)}└${rule.join('')}${total}`, times];
}

/** `a cell: · 1  ░ 2-5  ▒ 6-19  █ 20-212`. */
function legendLine(most: number, paint: Paint): string {
  const entries = shadeRanges(most).map(([step, from, to]) => {
    const counts = from === to ? formatCount(from) : `${formatCount(from)}-${formatCount(to)}`;
    return `${paint.heat(step, SHADES[step] ?? '')} ${counts}`;
  });
  return `a cell: ${entries.join(' '.repeat(GAP))}`;
}

/** Axis, times, legend. */
export const FOOT_LINES = 3;

export interface Drawing {
  /** One a group. */
  blocks: string[][];
  /** What stands below all groups; none where no group has a cell. */
  foot: string[];
}

/** Draws groups on one scale and one axis. `width` is what captions may take. */
export function drawPictures(
  pictures: readonly Picture[],
  intervals: Intervals,
  width: number,
  paint: Paint,
  timeText: (ns: number) => string,
): Drawing {
  const counts = pictures.flatMap(({ lines }) => lines.flatMap((line) => line.counts));
  const most = counts.reduce((high, count) => Math.max(high, count), 0);
  const heads = pictures.map((picture) => headLines(picture, paint, width));
  if (most === 0) return { blocks: heads, foot: [] };
  const scale = shadeScale(most);
  const layout = layoutOf(pictures, intervals.endsNs.length, timeText(intervals.startNs).length);
  return {
    blocks: pictures.map(({ lines }, at) => [
      ...(heads[at] ?? []),
      ...lines.map((line) => lineText(line, layout, scale, paint)),
    ]),
    foot: [...axisLines(intervals, layout, timeText), legendLine(most, paint)],
  };
}
