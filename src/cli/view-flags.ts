/** How it is shown: the same flags in every command, and the view that they ask for. */
import * as Flags from '@oclif/core/flags';
import type { Column, TextContext } from '../model/column.js';
import type { HeatmapSource } from '../model/heatmap-section.js';
import type { HistogramSource, Measure } from '../model/histogram-section.js';
import { machineColumns, textColumns, wideColumns, type Sorting } from '../model/select.js';
import { parseDuration } from '../model/units.js';
import { createCsvHeatmapView, createJsonHeatmapView } from '../view/heatmap-machine.js';
import { createHeatmapView } from '../view/heatmap.js';
import { createHistogramView } from '../view/histogram.js';
import {
  createCsvHistogramView,
  createCsvTableView,
  createCsvView,
  createJsonHistogramView,
  createJsonTableView,
  createJsonView,
} from '../view/machine-views.js';
import { STDOUT_COLOR_LEVEL } from '../view/paint.js';
import { createRowsView } from '../view/rows.js';
import type { TableOptions } from '../view/table-rows.js';
import { createTableView } from '../view/table.js';
import type { Display, View } from '../view/view.js';
import { parseWhole, requireChoice } from './values.js';

const TIME_FORMATS = ['local', 'utc', 'epoch', 'relative'] as const;
const COLOR_LEVELS = [0, 1, 2, 3] as const;
const MAX_COUNT = Number.MAX_SAFE_INTEGER;
const list = { multiple: true, multipleNonGreedy: true, delimiter: ',' } as const;
const VIEW = { helpGroup: 'VIEW' };
const STOP = { helpGroup: 'STOP' };

export const viewFlags = {
  by: Flags.string({
    description: 'Live table, a row a group: KEY[,KEY].',
    helpValue: 'KEY',
    ...list,
    ...VIEW,
  }),
  hist: Flags.boolean({ description: 'Histogram; with --by one a group.', ...VIEW }),
  heatmap: Flags.boolean({
    description: 'Heatmap: time across, latency up, counts as shades; with --by one a group.',
    exclusive: ['hist'],
    ...VIEW,
  }),
  plain: Flags.boolean({
    description: 'For a screen reader: text in reading order, no colours, bars or redrawing.',
    exclusive: ['json', 'csv'],
    ...VIEW,
  }),
  json: Flags.boolean({ description: 'NDJSON: one object a line.', exclusive: ['csv'], ...VIEW }),
  csv: Flags.boolean({ description: 'CSV with a header line.', ...VIEW }),
  columns: Flags.string({
    description: 'Only these columns, in this order.',
    helpValue: 'A,B',
    ...list,
    ...VIEW,
  }),
  wide: Flags.boolean({ description: 'All columns, as JSON and CSV have them.', ...VIEW }),
  sort: Flags.string({ description: 'Sort a table by this column.', helpValue: 'COLUMN', ...VIEW }),
  top: Flags.string({ description: 'Show only the first N groups.', helpValue: 'N', ...VIEW }),
  interval: Flags.string({
    description: 'Time between two tables, and of one column of a heatmap.',
    helpValue: '1s',
    default: '1s',
    ...VIEW,
  }),
  time: Flags.option({
    description: 'How times are written.',
    options: TIME_FORMATS,
    default: 'local' as const,
    ...VIEW,
  })(),
  duration: Flags.string({ description: 'End after this time.', helpValue: '30s', ...STOP }),
};

/** What is counted differs by command. */
export const countFlag = (what: string) =>
  Flags.string({ description: `End after N ${what}.`, helpValue: 'N', ...STOP });

/** What oclif gives for `viewFlags` and `countFlag`. */
export interface ViewFlagValues {
  by?: string[] | undefined;
  hist: boolean;
  heatmap: boolean;
  plain: boolean;
  json: boolean;
  csv: boolean;
  columns?: string[] | undefined;
  wide: boolean;
  sort?: string | undefined;
  top?: string | undefined;
  interval: string;
  time: TextContext['timeFormat'];
  duration?: string | undefined;
  count?: string | undefined;
}

/** The state behind each view of a command; all of it, since making the unused costs nothing. */
export interface ViewParts<Item, Row> {
  columns: readonly Column<Item>[];
  table: Pick<TableOptions<Row>, 'rows' | 'notes'> & { columns: readonly Column<Row>[]; defaultSort: string };
  histogram: { source: HistogramSource; measures: readonly Measure[]; keys: readonly string[] };
  heatmap: HeatmapSource;
}

/** @throws {RangeError} for a value that makes no sense. */
export function parseTiming(flags: Pick<ViewFlagValues, 'interval' | 'duration' | 'count'>): {
  intervalMs: number;
  durationMs: number | undefined;
  count: number | undefined;
} {
  const intervalMs = parseDuration(flags.interval) / 1e6;
  if (intervalMs < 100) throw new RangeError(`--interval ${flags.interval}: at least 100ms`);
  return {
    intervalMs,
    durationMs: flags.duration === undefined ? undefined : parseDuration(flags.duration) / 1e6,
    count: flags.count === undefined ? undefined : parseWhole('--count', flags.count, 1, MAX_COUNT),
  };
}

/**
 * --plain decides, else NO_COLOR (no-color.org; chalk does not know it), else a level in FORCE_COLOR (which chalk takes for the least
 * where TERM says nothing), else what chalk found: any other FORCE_COLOR, TERM, a pipe.
 */
export function colorLevelOf(
  plain: boolean,
  { NO_COLOR, FORCE_COLOR }: Readonly<Record<string, string | undefined>>,
  found: Display['colorLevel'],
): Display['colorLevel'] {
  if (plain || NO_COLOR) return 0;
  return COLOR_LEVELS.find((level) => FORCE_COLOR === String(level)) ?? found;
}

/** The terminal behind stdout, or a pipe. */
export function currentDisplay({ plain }: Pick<ViewFlagValues, 'plain'>): Display {
  const { isTTY, columns, rows } = process.stdout;
  return {
    width: isTTY ? columns : undefined,
    height: isTTY ? rows : undefined,
    colorLevel: colorLevelOf(plain, process.env, STDOUT_COLOR_LEVEL),
    plain,
  };
}

/** @throws {RangeError} for an unknown column, with the nearest valid one. */
export function chooseView<Item, Row>(
  flags: ViewFlagValues,
  parts: ViewParts<Item, Row>,
  display: Display,
  context: TextContext,
): View<Item> {
  refuseUseless(flags);
  const base = { display, context };
  const machine = flags.json || flags.csv;
  const top = flags.top === undefined ? {} : { top: parseWhole('--top', flags.top, 1, MAX_COUNT) };
  if (flags.heatmap) {
    const options = { ...base, ...top, source: parts.heatmap, keys: parts.histogram.keys };
    if (!machine) return createHeatmapView(options);
    return flags.json ? createJsonHeatmapView(options) : createCsvHeatmapView(options);
  }
  if (flags.hist) {
    const options = { ...base, ...parts.histogram, ...top };
    if (!machine) return createHistogramView(options);
    return flags.json ? createJsonHistogramView(options) : createCsvHistogramView(options);
  }
  if (flags.by) {
    const { rows, notes, columns, defaultSort } = parts.table;
    const sorting = chooseSorting(columns, flags.sort ?? defaultSort);
    const options = { ...base, ...top, rows, ...(notes ? { notes } : {}), sorting };
    const shown = chooseColumns(columns, flags, machine);
    if (!machine) return createTableView({ ...options, columns: shown });
    return flags.json
      ? createJsonTableView({ ...options, columns: shown })
      : createCsvTableView({ ...options, columns: shown });
  }
  const options = { ...base, columns: chooseColumns(parts.columns, flags, machine) };
  if (!machine) return createRowsView(options);
  return flags.json ? createJsonView(options) : createCsvView(options);
}

/** A flag that would change nothing is a misunderstanding: better said than ignored. */
function refuseUseless(flags: ViewFlagValues): void {
  const { by, hist, heatmap, json, csv, wide, sort, top, columns } = flags;
  const picture = hist || heatmap;
  if (sort !== undefined && (picture || !by))
    throw new RangeError('--sort needs a table: --by KEY without --hist or --heatmap');
  if (top !== undefined && !by) throw new RangeError('--top needs groups: add --by KEY');
  if (wide && (picture || json || csv || columns !== undefined))
    throw new RangeError('--wide is for rows and tables without --columns; JSON and CSV have all columns');
  if (columns !== undefined && picture)
    throw new RangeError(`--columns has no meaning for a ${hist ? 'histogram' : 'heatmap'}`);
}

/** Those that the flags ask for. @throws {RangeError} for an unknown one, with the nearest valid one. */
export function chooseColumns<Item>(
  columns: readonly Column<Item>[],
  flags: Pick<ViewFlagValues, 'columns' | 'wide'>,
  machine: boolean,
): Column<Item>[] {
  const names = flags.columns?.map((name) => namedColumn(columns, '--columns', name).key);
  if (machine) return machineColumns(columns, names);
  return flags.wide ? wideColumns(columns) : textColumns(columns, names);
}

/** @throws {RangeError} for an unknown column, with the nearest valid one. */
export function chooseSorting<Row>(columns: readonly Column<Row>[], name: string): Sorting<Row> {
  return { column: namedColumn(columns, '--sort', name) };
}

/** By key or header, in any case: what the user sees on the screen is what they type. */
function namedColumn<Item>(columns: readonly Column<Item>[], flag: string, name: string): Column<Item> {
  const wanted = name.toLowerCase();
  const keys = columns.map(({ key }) => key);
  const byHeader = columns.find(({ header }) => header.toLowerCase() === wanted);
  const key = keys.includes(wanted) ? wanted : (byHeader?.key ?? requireChoice(flag, wanted, keys));
  return columns.find((column) => column.key === key)!;
}
