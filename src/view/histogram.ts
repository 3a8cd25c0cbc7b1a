import type {
  HistogramSection,
  HistogramSource,
  Measure,
  MeasuredHistogram,
} from '../model/histogram-section.js';
import { bucketStart, type LatencyHistogram } from '../model/histogram.js';
import { formatCount, formatPercent } from '../model/units.js';
import { hasHints, helpText, hintLine, KeyState, TOP_KEYS, topHint } from './key-state.js';
import { GAP } from './layout.js';
import { createPaint, type Paint } from './paint.js';
import { quantileText } from './quantiles.js';
import { bar } from './scale.js';
import { createTimeText } from './time.js';
import { isAppended, type Display, type View, type ViewOptions } from './view.js';

/** Rows of a histogram that stands alone, and of one among others. */
const MOST_ROWS = { alone: 24, among: 12 };
const LEAST_ROWS = 6;
/** Lines of a frame beside its histograms: the cursor's; below many, a blank line and `… 3 more`. */
const CURSOR_LINES = 1;
const MORE_LINES = 2;
const PIPE_WIDTH = 80;
/** A lower terminal has no room for hints beside a histogram. */
const LEAST_HEIGHT = 14;
const LEAST_BAR = 8;

export interface HistogramOptions extends ViewOptions {
  source: HistogramSource;
  /** With groups: how many histograms. */
  top?: number;
}

interface Row {
  from: number;
  to: number;
  count: number;
}

/**
 * Buckets merged into at most `most` rows: as fine as fits. Rows begin where buckets begin (powers of two and their even parts,
 * hence limits like 262 µs), so that no value is counted in a row where it does not belong.
 */
function mergedRows(histogram: LatencyHistogram, most: number): Row[] {
  const buckets = [...histogram.buckets()];
  const first = buckets[0]?.[0];
  const last = buckets.at(-1)?.[0];
  if (first === undefined || last === undefined) return [];
  let size = 1;
  const row = (index: number): number => Math.floor(index / size);
  while (row(last) - row(first) >= most) size *= 2;
  const rows = Array.from({ length: row(last) - row(first) + 1 }, (_, at) => ({
    from: bucketStart((row(first) + at) * size),
    to: bucketStart((row(first) + at + 1) * size),
    count: 0,
  }));
  for (const [index, count] of buckets) {
    const into = rows[row(index) - row(first)];
    if (into) into.count += count;
  }
  return rows;
}

/** `ok latency 212  p50 402 µs …`. */
function quantilesLine(histogram: LatencyHistogram, measure: Measure): string {
  const quantiles = histogram.count > 0 ? `  ${quantileText(histogram, (value) => measure.text(value))}` : '';
  return `${measure.label} ${formatCount(histogram.count)}${quantiles}`;
}

/** `from 400 µs to 500 µs`, `try 1`. */
function rowLabel({ from, to }: Row, measure: Measure): string {
  const least = Math.max(from, measure.least);
  const last = measure.lastOf(to);
  if (last === least) return `${measure.label} ${measure.text(least)}`;
  return `from ${measure.text(least)} to ${measure.text(last)}`;
}

/** The same in words, without rows of nothing: `from 400 µs to 500 µs: 212 (17.0%)`, `refused: 3`. */
function plainLines({ title, histograms }: HistogramSection): string[] {
  return histograms.flatMap(({ measure, histogram, others }) => [
    `${title === '' ? '' : `${title}: `}${quantilesLine(histogram, measure)}`,
    ...mergedRows(histogram, MOST_ROWS.alone)
      .filter(({ count }) => count > 0)
      .map((row) => {
        const share = formatPercent((100 * row.count) / histogram.count);
        return `${rowLabel(row, measure)}: ${formatCount(row.count)} (${share})`;
      }),
    ...others.map(([name, count]) => `${name}: ${formatCount(count)}`),
  ]);
}

/** What a histogram may take. */
interface Room {
  width: number;
  /** Rows of values. */
  most: number;
  paint: Paint;
}

/** Values and what has none on one scale: `262 µs - 524 µs  14  ████`, `refused  3  █`. */
function barLines({ histogram, measure, others }: MeasuredHistogram, room: Room): string[] {
  const { width, most: mostRows, paint } = room;
  const rows = mergedRows(histogram, mostRows);
  const widest = (texts: string[]): number => Math.max(0, ...texts.map((text) => text.length));
  const last = ({ to }: Row): string => measure.text(measure.lastOf(to));
  const lastWidth = widest(rows.map(last));
  const label = (row: Row): string => {
    const from = Math.max(row.from, measure.least);
    return measure.lastOf(row.to) === from
      ? measure.text(from)
      : `${measure.text(from)} - ${last(row).padStart(lastWidth)}`;
  };
  const cells = [
    ...rows.map((row) => ({ label: label(row), count: row.count, tone: undefined })),
    ...others.map(([name, count, tone]) => ({ label: name, count, tone })),
  ];
  const labelWidth = widest(cells.map((cell) => cell.label));
  const countWidth = widest(cells.map(({ count }) => formatCount(count)));
  const barWidth = Math.max(LEAST_BAR, width - labelWidth - countWidth - 2 * GAP);
  const most = Math.max(...cells.map(({ count }) => count));
  const gap = ' '.repeat(GAP);
  return cells.map((cell) => {
    const counted = formatCount(cell.count).padStart(countWidth);
    const line = `${cell.label.padStart(labelWidth)}${gap}${counted}${gap}${bar(cell.count, most, barWidth)}`;
    return paint.tone(cell.tone, line.trimEnd());
  });
}

function histogramLines(measured: MeasuredHistogram, room: Room): string[] {
  return [...barLines(measured, room), quantilesLine(measured.histogram, measured.measure)];
}

function sectionLines({ title, histograms }: HistogramSection, room: Room): string[] {
  // The quantiles are below their bars, and would else seem to be above the next ones.
  const lines = histograms.flatMap((measured, at) => [
    ...(at > 0 ? [''] : []),
    ...histogramLines(measured, room),
  ]);
  return title === '' ? lines : [room.paint.header(title), ...lines];
}

/** Lines that a frame may have. */
function roomOf(height: number, sections: number): number {
  return height - CURSOR_LINES - (sections > 1 ? MORE_LINES : 0);
}

/** At least the first section fits the terminal with all its lines. */
function mostRows(sections: readonly HistogramSection[], height: Display['height']): number {
  const { histograms = [] } = sections[0] ?? {};
  const most = sections.length > 1 || histograms.length > 1 ? MOST_ROWS.among : MOST_ROWS.alone;
  if (height === undefined || histograms.length === 0) return most;
  // The title, and of each histogram its quantiles and the blank line between it and the next.
  const others = histograms.reduce((sum, { others: { length } }) => sum + length + 2, 0);
  const rows = Math.floor((roomOf(height, sections.length) - others) / histograms.length);
  return Math.max(LEAST_ROWS, Math.min(most, rows));
}

/** As many sections as there is room for, whole ones: at least the first. */
function fitting(blocks: readonly string[][], sections: number, height: Display['height']): string[][] {
  if (height === undefined) return [...blocks];
  let used = 0;
  return blocks.filter((lines, at) => {
    used += lines.length + (at > 0 ? 1 : 0);
    return at === 0 || used <= roomOf(height, sections - at);
  });
}

/** Histograms that are drawn anew each interval. On a pipe and in plain text each frame has the time above and a blank line below. */
export function createHistogramView<Item>(options: HistogramOptions): View<Item> {
  const { source, display } = options;
  const paint = createPaint(display.colorLevel);
  const timeText = createTimeText();
  const state = new KeyState(options.top);
  const hints = (groups: number): string => {
    if (groups < 2) return hintLine([], paint);
    return hintLine([topHint(state)], paint);
  };
  return {
    begin: () => '',
    items: () => '',
    frame(nowNs, clockOffsetNs) {
      if (state.helpShown && display.keys) return helpText(TOP_KEYS, paint);
      const sections = source.sections();
      const appended = isAppended(display);
      const width = display.width ?? PIPE_WIDTH;
      const below = hasHints(display, LEAST_HEIGHT) ? ['', hints(sections.length)] : [];
      const height = appended || display.height === undefined ? undefined : display.height - below.length;
      const most = mostRows(sections, height);
      const blocks = sections
        .slice(0, state.top)
        .map((section) =>
          display.plain ? plainLines(section) : sectionLines(section, { width, most, paint }),
        );
      const shown = fitting(blocks, sections.length, height);
      const parts = shown.map((lines) => lines.join('\n'));
      if (sections.length > shown.length) parts.push(`… ${formatCount(sections.length - shown.length)} more`);
      const text = [parts.join('\n\n'), ...below, ''].join('\n');
      if (!appended) return text;
      return `${timeText(nowNs, { ...options.context, clockOffsetNs })}\n${text}\n`;
    },
    key: (key, nowNs) => state.take(key, nowNs),
  };
}
