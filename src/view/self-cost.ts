import type { KernelCost, SelfCost } from '../model/self-cost.js';
import type { TextContext } from '../model/column.js';
import { formatBytes, formatCount, formatDuration, formatPercent } from '../model/units.js';
import { JSON_FORMAT, lineWriter } from './machine.js';
import { createTimeValue } from './time.js';

/** What a run has cost, and what it got for it. */
export interface StatsFacts {
  cost: SelfCost;
  /** What was seen: attempts, retransmissions. */
  events: number;
  /** Events that the buffer of the kernel had no room for. */
  lost: number;
  rowsNotShown: number;
}

const STATS_KEYS = [
  ...['type', 'time', 'cpu_percent', 'cpu_us', 'rss_bytes', 'peak_rss_bytes'],
  ...['kernel_percent', 'kernel_us', 'kernel_runs', 'kernel_exact', 'events', 'lost', 'rows_not_shown'],
];

/** `~412 ns an event`; `~` where it is an estimate. */
function perEvent({ ns, isExact }: KernelCost, events: number): string {
  return events > 0 ? ` (${isExact ? '' : '~'}${formatDuration(ns / events)} an event)` : '';
}

/** Of the whole run: `cost: CPU 420 ms (1.0% of a core)`, memory, and time in the kernel. */
export function costClauses({ uptimeNs, cpuNs, rss, peakRss, kernel }: SelfCost, events: number): string[] {
  const clauses = [
    `cost: CPU ${formatDuration(cpuNs)} (${formatPercent((cpuNs / uptimeNs) * 100)} of a core)`,
    `RSS ${formatBytes(rss)} (peak ${formatBytes(peakRss)})`,
  ];
  if (kernel)
    clauses.push(
      `kernel ${kernel.isExact ? '' : '~'}${formatDuration(kernel.ns)}${perEvent(kernel, events)}`,
    );
  return clauses;
}

/** What was added since `before`. */
function since(
  before: SelfCost | undefined,
  now: SelfCost,
): Pick<SelfCost, 'uptimeNs' | 'cpuNs'> & { kernelNs: number } {
  return {
    uptimeNs: now.uptimeNs - (before?.uptimeNs ?? 0),
    cpuNs: now.cpuNs - (before?.cpuNs ?? 0),
    kernelNs: (now.kernel?.ns ?? 0) - (before?.kernel?.ns ?? 0),
  };
}

/** `--stats` for people: what the last interval has cost. The function remembers the call before. */
export function createStatsText(): (facts: StatsFacts) => string {
  let before: SelfCost | undefined;
  let eventsBefore = 0;
  return ({ cost, events, lost, rowsNotShown }) => {
    const { uptimeNs, cpuNs, kernelNs } = since(before, cost);
    const percent = (ns: number): string => formatPercent((ns / uptimeNs) * 100);
    const clauses = [`cost: CPU ${percent(cpuNs)}`, `RSS ${formatBytes(cost.rss)}`];
    if (cost.kernel) {
      const { isExact } = cost.kernel;
      const spent = { ...cost.kernel, ns: kernelNs };
      clauses.push(
        `kernel ${isExact ? '' : '~'}${percent(kernelNs)}${perEvent(spent, events - eventsBefore)}`,
      );
    }
    before = cost;
    eventsBefore = events;
    clauses.push(`${formatCount(lost)} lost`);
    if (rowsNotShown > 0) clauses.push(`${formatCount(rowsNotShown)} rows not shown`);
    return clauses.join(', ');
  };
}

/** The same for machines: an object; percentages are of the last interval, all else is since the start. */
export function createStatsJson(
  context: TextContext,
): (facts: StatsFacts, nowNs: number, clockOffsetNs: number) => string {
  const write = lineWriter(JSON_FORMAT, STATS_KEYS);
  const timeValue = createTimeValue();
  let before: SelfCost | undefined;
  return ({ cost, events, lost, rowsNotShown }, nowNs, clockOffsetNs) => {
    const { uptimeNs, cpuNs, kernelNs } = since(before, cost);
    const { kernel } = cost;
    before = cost;
    const percent = (ns: number): number => Math.round((ns / uptimeNs) * 1e5) / 1e3;
    const us = (ns: number): number => Math.round(ns / 1e3);
    return write([
      ...['stats', timeValue(nowNs, { ...context, clockOffsetNs })],
      ...[percent(cpuNs), us(cost.cpuNs), cost.rss, cost.peakRss],
      ...(kernel
        ? [percent(kernelNs), us(kernel.ns), kernel.runs, kernel.isExact]
        : [null, null, null, null]),
      ...[events, lost, rowsNotShown],
    ]).trimEnd();
  };
}
