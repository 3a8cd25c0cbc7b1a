import type { Crossing, HealthReport, HealthRow, HealthSectionRows } from '../aggregate/health.js';
import type { Plain, TextContext } from '../model/column.js';
import { machineColumns } from '../model/select.js';
import { THRESHOLD_KINDS, type ThresholdName } from '../model/thresholds.js';
import { healthColumns } from './health-columns.js';
import { verdictOf } from './health-words.js';
import { valueOf } from './machine.js';
import { createTimeValue } from './time.js';
import type { View } from './view.js';

export interface HealthMachineOptions {
  context: TextContext;
  report(nowNs: number): HealthReport;
  /** Attempts of the host that hang now. */
  pending: () => number;
  /** Events that were lost so far. */
  lost: () => number;
  /** Rows of each section. */
  top?: number | undefined;
  /** One object at the end, and none before. */
  once: boolean;
}

/** How a value of a threshold is written: as the figures themselves are, in percent and microseconds. */
const UNITS = {
  share: { unit: 'percent', factor: 100 },
  duration: { unit: 'us', factor: 1e-3 },
  'per-second': { unit: 'us_per_s', factor: 1e-3 },
  count: { unit: 'count', factor: 1 },
} as const;

type Flat = Record<string, Plain>;

const rounded = (value: number): number => Number(value.toPrecision(12));

function inUnit(name: ThresholdName, value: number): number {
  return rounded(value * UNITS[THRESHOLD_KINDS[name].unit].factor);
}

function crossingObject({ scope, key, judgement: { name, value, limit } }: Crossing): Flat {
  const { unit } = UNITS[THRESHOLD_KINDS[name].unit];
  return { scope, key, threshold: name, value: inUnit(name, value), limit: inUnit(name, limit), unit };
}

/** An object an interval: the verdict, what crosses a threshold, the host, and a list of objects of each section. */
export function createJsonHealthView<Item>(options: HealthMachineOptions): View<Item> {
  const columns = machineColumns(healthColumns({ header: '', plain: false, intervalSeconds: () => 0 }));
  const timeValue = createTimeValue();
  const rowObject = (row: HealthRow, context: TextContext): Flat =>
    Object.fromEntries(columns.map((column) => [column.key, valueOf(column, row, context)]));

  const frame = (nowNs: number, clockOffsetNs: number): string => {
    const context = { ...options.context, clockOffsetNs };
    const report = options.report(nowNs);
    const { standing, text } = verdictOf(report);
    const section = (rows: HealthSectionRows | undefined): Flat[] =>
      (rows?.rows ?? []).slice(0, options.top).map((row) => rowObject(row, context));
    const object = {
      time: timeValue(nowNs, context),
      seconds: Math.round(report.seconds * 1000) / 1000,
      standing,
      verdict: text,
      crossings: report.crossings.map(crossingObject),
      attempts_pending: options.pending(),
      lost_events: options.lost(),
      host: rowObject(report.host, context),
      groups: section(report.groups),
      regions: section(report.regions),
    };
    return `${JSON.stringify(object)}\n`;
  };
  const view = { begin: () => '', items: () => '' };
  return options.once ? { ...view, frame: () => undefined, end: frame } : { ...view, frame };
}
