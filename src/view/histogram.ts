import type { HistogramSection, HistogramSource } from '../model/histogram-section.js';
import { bucketStart, SUB_BUCKETS, type LatencyHistogram } from '../model/histogram.js';
import { formatCount, formatDuration } from '../model/units.js';
import { GAP } from './layout.js';
import { createPaint, type Paint } from './paint.js';
import { quantileText } from './quantiles.js';
import { bar } from './scale.js';
import { createTimeText } from './time.js';
import type { Display, View, ViewOptions } from './view.js';

const MOST_ROWS = 24;
/** A row is at most two powers of two: 1152 buckets then make 18 rows. */
const MOST_BUCKETS_A_ROW = 2 * SUB_BUCKETS;
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
 * Buckets merged into at most 24 rows: as fine as fits. Rows begin where buckets begin (powers of two and their even parts,
 * hence limits like 262 µs), so that no value is counted in a row where it does not belong.
 */
function mergedRows(histogram: LatencyHistogram): Row[] {
  const buckets = [...histogram.buckets()];
  const first = buckets[0]?.[0];
  const last = buckets.at(-1)?.[0];
  if (first === undefined || last === undefined) return [];
  let size = 1;
  const row = (index: number): number => Math.floor(index / size);
  while (row(last) - row(first) >= MOST_ROWS && size < MOST_BUCKETS_A_ROW) size *= 2;
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

/** Durations and what has none on one scale: `262 µs - 524 µs  14  ████`, `refused  3  █`. */
function barLines(section: HistogramSection, width: number, paint: Paint): string[] {
  const rows = mergedRows(section.histogram);
  const widest = (texts: string[]): number => Math.max(0, ...texts.map((text) => text.length));
  const toWidth = widest(rows.map(({ to }) => formatDuration(to)));
  const cells = [
    ...rows.map(({ from, to, count }) => ({
      label: `${formatDuration(from)} - ${formatDuration(to).padStart(toWidth)}`,
      count,
      tone: undefined,
    })),
    ...section.others.map(([label, count]) => ({ label, count, tone: 'bad' as const })),
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

function sectionLines(section: HistogramSection, label: string, width: number, paint: Paint): string[] {
  const { title, histogram } = section;
  const quantiles = histogram.count > 0 ? `  ${quantileText(histogram)}` : '';
  return [
    ...(title === '' ? [] : [paint.header(title)]),
    ...barLines(section, width, paint),
    `${label} ${formatCount(histogram.count)}${quantiles}`,
  ];
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
      const blocks = sections
        .slice(0, options.top)
        .map((section) => sectionLines(section, label, width, paint));
      const shown = fitting(blocks, display.height);
      const parts = shown.map((lines) => lines.join('\n'));
      if (sections.length > shown.length) parts.push(`… ${formatCount(sections.length - shown.length)} more`);
      const text = `${parts.join('\n\n')}\n`;
      if (display.width !== undefined) return text;
      return `${timeText(nowNs, { ...options.context, clockOffsetNs })}\n${text}\n`;
    },
  };
}
