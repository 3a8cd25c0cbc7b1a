import type { LatencyHistogram } from './histogram.js';

/** One histogram of a `--hist` view. */
export interface HistogramSection {
  /** Its group; '' where there is only one. */
  title: string;
  /** The same for machines, by column key. */
  keys: Readonly<Record<string, string>>;
  histogram: LatencyHistogram;
  /** What has no place in the histogram: `['refused', 2]`. */
  others: readonly (readonly [label: string, count: number])[];
}

export interface HistogramSource {
  sections(): readonly HistogramSection[];
}
