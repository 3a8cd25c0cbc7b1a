import type { Tone } from './column.js';
import type { LatencyHistogram } from './histogram.js';

/** What the values of a histogram are, and how they are written. */
export interface Measure {
  /** `ok latency`. */
  label: string;
  /** One value. */
  text(value: number): string;
  /** The smallest value that there can be. */
  least: number;
  /** The last value of a row that ends below `end`. */
  lastOf(end: number): number;
  /** Column keys of a bucket for machines, with the unit: `from_us`, `to_us`. */
  keys: readonly string[];
  /** Their values for the bucket from `start` up to below `end`. */
  values(start: number, end: number): readonly number[];
}

export interface MeasuredHistogram {
  measure: Measure;
  histogram: LatencyHistogram;
  /** What has no value: `['refused', 2, 'bad']`. */
  others: readonly (readonly [label: string, count: number, tone: Tone])[];
}

/** One group of a `--hist` view. */
export interface HistogramSection {
  /** Its name; '' where there is only one. */
  title: string;
  /** The same for machines, by column key. */
  keys: Readonly<Record<string, string>>;
  histograms: readonly MeasuredHistogram[];
}

export interface HistogramSource {
  sections(): readonly HistogramSection[];
}
