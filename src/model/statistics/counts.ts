/**
 * Events a time. They come in bursts, so that their number has a greater variance than a Poisson process, and a test of single
 * events would find a difference in everything. The unit here is the interval of time.
 */
import { rankSum, tallyOf, type RankSum } from './rank-sum.js';

/** Intervals that a side needs. */
export const LEAST_INTERVALS = 20;
const SHORTEST_NS = 1e9;

/**
 * The longest interval, 1 s doubled as often as possible, of which both recordings have at least 20: the longer it is, the less
 * neighbours depend on each other. Undefined if a recording is shorter than 20 s.
 */
export function commonIntervalNs(beforeNs: number, afterNs: number): number | undefined {
  const longest = Math.min(beforeNs, afterNs) / LEAST_INTERVALS / SHORTEST_NS;
  return longest < 1 ? undefined : SHORTEST_NS * 2 ** Math.floor(Math.log2(longest));
}

/** Compares what two recordings counted in intervals of the same length, zeros included. Undefined if either has fewer than 20. */
export function compareCounts(before: readonly number[], after: readonly number[]): RankSum | undefined {
  if (before.length < LEAST_INTERVALS || after.length < LEAST_INTERVALS) return undefined;
  return rankSum(tallyOf(before), tallyOf(after));
}
