import type { Tone } from './column.js';
import type { LatencyHistogram } from './histogram.js';

/** One histogram of a `--hist` view. */
export interface HistogramSection {
  /** Its group; '' where there is only one. */
  title: string;
  /** The same for machines, by column key. */
  keys: Readonly<Record<string, string>>;
  histogram: LatencyHistogram;
  /** What has no latency: `['refused', 2, 'bad']`. */
  others: readonly (readonly [label: string, count: number, tone: Tone])[];
}

export interface HistogramSource {
  sections(): readonly HistogramSection[];
}
