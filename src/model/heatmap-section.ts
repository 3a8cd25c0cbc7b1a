/** What a heatmap shows, of whatever the command watched. */
import type { Tone } from './column.js';
import type { LatencyHistogram } from './histogram.js';
import type { Measure } from './histogram-section.js';

/** What has no value and so no place among the bands: a line of its own. */
export interface OtherLine {
  /** `refused`. */
  label: string;
  tone?: Tone;
  /** True: counts of different intervals are of the same items (attempts that hang), so that sums mean nothing. */
  gauge?: boolean;
}

/** What a group did in one interval. */
export interface HeatmapColumn {
  /** Number of the interval since the start, from 0. */
  interval: number;
  /** What has a value. */
  histogram: LatencyHistogram;
  /** Numbers by HeatmapSource.others; empty where all are 0. */
  others: readonly number[];
}

/** One group of a `--heatmap` view. */
export interface HeatmapSection {
  /** Its name; '' where there is only one. */
  title: string;
  /** The same for machines, by column key. */
  keys: Readonly<Record<string, string>>;
  /** Intervals in which something happened, in rising order; the one that is being filled may be the last. */
  columns: readonly HeatmapColumn[];
}

/** The intervals that have ended. */
export interface Timeline {
  /** Number of the oldest interval that is kept. */
  first: number;
  /** CLOCK_MONOTONIC at its start; undefined before there is one. */
  startNs: number | undefined;
  /** End of each interval from `first` on, CLOCK_MONOTONIC. */
  endsNs: readonly number[];
}

export interface HeatmapSource {
  readonly measure: Measure;
  /** What an item that has a value is called: `ok`, as in `212 ok`. */
  readonly result: string;
  readonly others: readonly OtherLine[];
  timeline(): Timeline;
  /** The groups, the fullest first. */
  sections(): readonly HeatmapSection[];
  /** What a reader has to know beside it. */
  notes(): readonly string[];
}
