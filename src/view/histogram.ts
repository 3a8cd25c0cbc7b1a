import type { HistogramSection, HistogramSource } from '../model/histogram-section.js';
import { bucketStart, type LatencyHistogram } from '../model/histogram.js';
import { formatCount, formatDuration } from '../model/units.js';
import { GAP } from './layout.js';
import { createPaint, type Paint } from './paint.js';
import { quantileText } from './quantiles.js';
import { bar } from './scale.js';
import { createTimeText } from './time.js';
import type { Display, View, ViewOptions } from './view.js';

/** Rows of a histogram that stands alone, and of one among others. */
const MOST_ROWS = { alone: 24, among: 12 };
const LEAST_ROWS = 6;
/** Lines of a frame that are no bars: title, quantiles, and the cursor's. */
const OTHER_LINES = 3;
const PIPE_WIDTH = 80;
const LEAST_BAR = 8;

export interface HistogramOptions extends ViewOptions {
  source: HistogramSource;
  /** `ok latency`. */
  label: string;
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

/** What a histogram may take. */
interface Room {
  width: number;
  /** Rows of durations. */
  most: number;
  paint: Paint;
}

/** Durations and what has none on one scale: `262 µs - 524 µs  14  ████`, `refused  3  █`. */
function barLines(section: HistogramSection, { width, most: mostRows, paint }: Room): string[] {
  const rows = mergedRows(section.histogram, mostRows);
  const widest = (texts: string[]): number => Math.max(0, ...texts.map((text) => text.length));
  const toWidth = widest(rows.map(({ to }) => formatDuration(to)));
  const cells = [
    ...rows.map(({ from, to, count }) => ({
      label: `${formatDuration(from)} - ${formatDuration(to).padStart(toWidth)}`,
      count,
      tone: undefined,
    })),
    ...section.others.map(([label, count, tone]) => ({ label, count, tone })),
  ];
  const labelWidth = widest(cells.map(({ label }) => label));
  const countWidth = widest(cells.map(({ count }) => formatCount(count)));
  const room = Math.max(LEAST_BAR, width - labelWidth - countWidth - 2 * GAP);
  const most = Math.max(...cells.map(({ count }) => count));
  const gap = ' '.repeat(GAP);
  return cells.map(({ label, count, tone }) => {
    const counted = formatCount(count).padStart(countWidth);
    const line = `${label.padStart(labelWidth)}${gap}${counted}${gap}${bar(count, most, room)}`;
    return paint.tone(tone, line.trimEnd());
  });
}

function sectionLines(section: HistogramSection, label: string, room: Room): string[] {
  const { title, histogram } = section;
  const quantiles = histogram.count > 0 ? `  ${quantileText(histogram)}` : '';
  return [
    ...(title === '' ? [] : [room.paint.header(title)]),
    ...barLines(section, room),
    `${label} ${formatCount(histogram.count)}${quantiles}`,
  ];
}

/** A histogram that stands alone fits the terminal with all its lines. */
function mostRows({ others }: HistogramSection, alone: boolean, height: Display['height']): number {
  if (!alone) return MOST_ROWS.among;
  if (height === undefined) return MOST_ROWS.alone;
  return Math.max(LEAST_ROWS, Math.min(MOST_ROWS.alone, height - others.length - OTHER_LINES));
}

/** As many histograms as there is room for, whole ones: at least the first. */
function fitting(blocks: readonly string[][], height: Display['height']): string[][] {
  if (height === undefined) return [...blocks];
  let used = 0;
  return blocks.filter((lines, at) => (used += lines.length + 1) < height || at === 0);
}

/** Histograms that are drawn anew each interval. On a pipe each frame has the time above it and a blank line below. */
export function createHistogramView<Item>(options: HistogramOptions): View<Item> {
  const { source, label, display } = options;
  const paint = createPaint(display.colorLevel);
  const timeText = createTimeText();
  return {
    begin: () => '',
    items: () => '',
    frame(nowNs, clockOffsetNs) {
      const sections = source.sections();
      const width = display.width ?? PIPE_WIDTH;
      const blocks = sections.slice(0, options.top).map((section) => {
        const most = mostRows(section, sections.length === 1, display.height);
        return sectionLines(section, label, { width, most, paint });
      });
      const shown = fitting(blocks, display.height);
      const parts = shown.map((lines) => lines.join('\n'));
      if (sections.length > shown.length) parts.push(`… ${formatCount(sections.length - shown.length)} more`);
      const text = `${parts.join('\n\n')}\n`;
      if (display.width !== undefined) return text;
      return `${timeText(nowNs, { ...options.context, clockOffsetNs })}\n${text}\n`;
    },
  };
}
