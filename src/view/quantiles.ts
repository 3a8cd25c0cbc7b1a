import type { LatencyHistogram } from '../model/histogram.js';
import { formatDuration } from '../model/units.js';

/** A duration that may not be known. */
export function durationText(ns: number | undefined): string {
  return ns === undefined ? '-' : formatDuration(ns);
}

/** `p50 402 µs  p95 1.21 ms  p99 1.003 s  max 1.004 s`. */
export function quantileText(histogram: LatencyHistogram, text = formatDuration): string {
  const quantiles = [
    ['p50', histogram.quantile(0.5)],
    ['p95', histogram.quantile(0.95)],
    ['p99', histogram.quantile(0.99)],
    ['max', histogram.max],
  ] as const;
  return quantiles.map(([name, value]) => `${name} ${value === undefined ? '-' : text(value)}`).join('  ');
}
