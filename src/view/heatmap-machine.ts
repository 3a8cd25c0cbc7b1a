import type { Plain } from '../model/column.js';
import type { HeatmapColumn, HeatmapSource } from '../model/heatmap-section.js';
import { bucketStart } from '../model/histogram.js';
import {
  columnsIn,
  finalIntervals,
  intervalsOf,
  PrintedIntervals,
  type Intervals,
} from './heatmap-intervals.js';
import { CSV_FORMAT, JSON_FORMAT, lineWriter, type MachineFormat } from './machine.js';
import { createTimeValue } from './time.js';
import type { View, ViewOptions } from './view.js';

export interface MachineHeatmapOptions extends ViewOptions {
  source: HeatmapSource;
  /** Column keys of the groups, in order. */
  keys: readonly string[];
  top?: number;
}

/** The lines of an interval without time and group: buckets that were hit, then what has no value. */
function* rowsOf({ measure, result, others }: HeatmapSource, column: HeatmapColumn): Generator<Plain[]> {
  for (const [index, count] of column.histogram.buckets())
    yield [...measure.values(bucketStart(index), bucketStart(index + 1)), result, count];
  const noValue = measure.keys.map(() => null);
  for (const [at, { label }] of others.entries()) {
    const count = column.others[at] ?? 0;
    if (count > 0) yield [...noValue, label, count];
  }
}

function heatmapIn<Item>(format: MachineFormat, options: MachineHeatmapOptions): View<Item> {
  const { source } = options;
  const keys = ['time', ...options.keys, ...source.measure.keys, 'result', 'count'];
  const write = lineWriter(format, keys);
  const timeValue = createTimeValue();
  const printed = new PrintedIntervals();
  const print = (intervals: Intervals, clockOffsetNs: number): string => {
    const now = printed.take(intervals, 1, Infinity);
    if (!now) return '';
    const lines = now.endsNs.map(() => '');
    for (const section of source.sections().slice(0, options.top)) {
      const group = options.keys.map((key) => section.keys[key] ?? null);
      for (const column of columnsIn(section, now)) {
        const at = column.interval - now.first;
        const time = timeValue(now.endsNs[at] ?? 0, { ...options.context, clockOffsetNs });
        for (const row of rowsOf(source, column))
          lines[at] = (lines[at] ?? '') + write([time, ...group, ...row]);
      }
    }
    return lines.join('');
  };
  return {
    begin: () => format.header(keys),
    items: () => '',
    frame: (_nowNs, clockOffsetNs) => print(intervalsOf(source.timeline()), clockOffsetNs),
    end: (nowNs, clockOffsetNs) => print(finalIntervals(source, nowNs), clockOffsetNs),
  };
}

/** One object a bucket that was hit, and a kind of what has no value, an interval and group. Each interval is printed once. */
export function createJsonHeatmapView<Item>(options: MachineHeatmapOptions): View<Item> {
  return heatmapIn(JSON_FORMAT, options);
}

/** The same as CSV lines. */
export function createCsvHeatmapView<Item>(options: MachineHeatmapOptions): View<Item> {
  return heatmapIn(CSV_FORMAT, options);
}
