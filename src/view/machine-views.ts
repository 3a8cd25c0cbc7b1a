import type { Column, Plain, TextContext } from '../model/column.js';
import type { HistogramSource, MeasuredHistogram, Measure } from '../model/histogram-section.js';
import { bucketStart } from '../model/histogram.js';
import { itemWriter } from './item-line.js';
import { CSV_FORMAT, JSON_FORMAT, lineWriter, valueOf, type MachineFormat } from './machine.js';
import type { RowsOptions } from './rows.js';
import { selectRows, type TableOptions } from './table-rows.js';
import { createTimeValue } from './time.js';
import type { View, ViewOptions } from './view.js';

/** Columns given to these views are machine columns: see machineColumns() in model/select.ts. */

function rowsIn<Item>(format: MachineFormat, { columns, context }: RowsOptions<Item>): View<Item> {
  const write = itemWriter(format, columns);
  return {
    begin: () => format.header(columns.map(({ key }) => key)),
    hasRow: () => true,
    items(items, clockOffsetNs) {
      const now = { ...context, clockOffsetNs };
      let text = '';
      for (const item of items) text += write(item, now);
      return text;
    },
    frame: () => undefined,
  };
}

/** One object an item. */
export function createJsonView<Item>(options: RowsOptions<Item>): View<Item> {
  return rowsIn(JSON_FORMAT, options);
}

/** One line an item below a header. */
export function createCsvView<Item>(options: RowsOptions<Item>): View<Item> {
  return rowsIn(CSV_FORMAT, options);
}

function tableIn<Item, Row>(format: MachineFormat, options: TableOptions<Row>): View<Item> {
  const columns: Column<Row>[] = [...options.columns];
  const keys = ['time', ...columns.map(({ key }) => key)];
  const write = lineWriter(format, keys);
  const timeValue = createTimeValue();
  return {
    begin: () => format.header(keys),
    items: () => '',
    frame(nowNs, clockOffsetNs) {
      const now = { ...options.context, clockOffsetNs };
      const time = timeValue(nowNs, now);
      const { rows } = selectRows(options, options.top, now);
      return rows.map((row) => write([time, ...columns.map((column) => valueOf(column, row, now))])).join('');
    },
  };
}

/** One object a group an interval; `time` is the end of the interval. */
export function createJsonTableView<Item, Row>(options: TableOptions<Row>): View<Item> {
  return tableIn(JSON_FORMAT, options);
}

/** One line a group an interval below a header. */
export function createCsvTableView<Item, Row>(options: TableOptions<Row>): View<Item> {
  return tableIn(CSV_FORMAT, options);
}

export interface MachineHistogramOptions extends ViewOptions {
  source: HistogramSource;
  /** Column keys of the groups, in order. */
  keys: readonly string[];
  /** What its histograms measure. */
  measures: readonly Measure[];
  top?: number;
}

function histogramIn<Item>(format: MachineFormat, options: MachineHistogramOptions): View<Item> {
  const bucketKeys = [...new Set(options.measures.flatMap((measure) => measure.keys))];
  const keys = ['time', ...options.keys, ...bucketKeys, 'count'];
  const write = lineWriter(format, keys);
  const timeValue = createTimeValue();
  const bucketLines = ({ histogram, measure }: MeasuredHistogram, before: readonly Plain[]): string => {
    const places = bucketKeys.map((key) => measure.keys.indexOf(key));
    let text = '';
    for (const [index, count] of histogram.buckets()) {
      const values = measure.values(bucketStart(index), bucketStart(index + 1));
      text += write([...before, ...places.map((place) => values[place] ?? null), count]);
    }
    return text;
  };
  return {
    begin: () => format.header(keys),
    items: () => '',
    frame(nowNs, clockOffsetNs) {
      const now: TextContext = { ...options.context, clockOffsetNs };
      const time = timeValue(nowNs, now);
      let text = '';
      for (const { keys: named, histograms } of options.source.sections().slice(0, options.top)) {
        const group = options.keys.map((key) => named[key] ?? null);
        for (const measured of histograms) text += bucketLines(measured, [time, ...group]);
      }
      return text;
    },
  };
}

/** One object a bucket that was hit, a group, an interval. Counts are since the start. */
export function createJsonHistogramView<Item>(options: MachineHistogramOptions): View<Item> {
  return histogramIn(JSON_FORMAT, options);
}

/** The same as CSV lines. */
export function createCsvHistogramView<Item>(options: MachineHistogramOptions): View<Item> {
  return histogramIn(CSV_FORMAT, options);
}
