/** Exponential histograms of OpenTelemetry, from buckets of LatencyHistogram. */
import { bucketMiddle, HISTOGRAM_BUCKETS } from '../model/histogram.js';
import type { Bucket } from './tallies.js';

/** As SDKs of OpenTelemetry have by default. */
export const MOST_BUCKETS = 160;
/** 2^7 buckets in each power of two: as many as LatencyHistogram has, so finer ones would tell nothing more. */
export const FINEST_SCALE = 7;

/** Counts of seconds: bucket `offset + i` has those above `b ** (offset + i)` up to `b ** (offset + i + 1)`, b = 2 ** (2 ** -scale). */
export interface ExponentialBuckets {
  readonly scale: number;
  readonly zeroCount: number;
  readonly offset: number;
  readonly counts: number[];
}

/** Of each bucket of LatencyHistogram, where its middle is at the finest scale. Bucket 0 is of no time at all. */
const FINEST_INDEXES = Int32Array.from(
  { length: HISTOGRAM_BUCKETS },
  (_, bucket) => Math.ceil(Math.log2(bucketMiddle(bucket) / 1e9) * 2 ** FINEST_SCALE) - 1,
);

/** At the finest scale at which MOST_BUCKETS are enough. A bucket of one scale is two of the next, so indexes are shifted, never computed anew. */
export function toExponential(buckets: readonly Bucket[]): ExponentialBuckets {
  const zeroCount = buckets[0]?.[0] === 0 ? buckets[0][1] : 0;
  const positive = zeroCount > 0 ? buckets.slice(1) : buckets;
  const [first, last] = [positive[0], positive.at(-1)];
  if (!first || !last) return { scale: FINEST_SCALE, zeroCount, offset: 0, counts: [] };
  const [lowest, highest] = [FINEST_INDEXES[first[0]]!, FINEST_INDEXES[last[0]]!];
  let shift = 0;
  while ((highest >> shift) - (lowest >> shift) >= MOST_BUCKETS) shift++;
  const offset = lowest >> shift;
  const counts = new Array<number>((highest >> shift) - offset + 1).fill(0);
  for (const [bucket, count] of positive) counts[(FINEST_INDEXES[bucket]! >> shift) - offset]! += count;
  return { scale: FINEST_SCALE - shift, zeroCount, offset, counts };
}
