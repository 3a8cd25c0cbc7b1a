/**
 * Events a time. They come in bursts, so that their number has a greater variance than a Poisson process, and a test of single
 * events would find a difference in everything. The unit here is the interval of time.
 */
import { rankSum, tallyOf, type RankSum } from './rank-sum.js';
import { normalTwoSided } from './special.js';

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

/** A number of events, and in how long. */
export interface Rate {
  count: number;
  durationNs: number;
}

/**
 * p of two rates as it would be if events came one by one (binomial given the sum, normal approximation with the correction for
 * continuity). It claims far too much of what comes in bursts: it is there to tell a difference that may be bursts from none.
 */
export function independentRates(before: Rate, after: Rate): number {
  const all = before.count + after.count;
  const share = after.durationNs / (before.durationNs + after.durationNs);
  const deviation = Math.sqrt(all * share * (1 - share));
  if (!(deviation > 0)) return 1;
  return normalTwoSided(Math.max(0, Math.abs(after.count - all * share) - 0.5) / deviation);
}

/** Compares what two recordings counted in intervals of the same length, zeros included. Undefined if either has fewer than 20. */
export function compareCounts(before: readonly number[], after: readonly number[]): RankSum | undefined {
  if (before.length < LEAST_INTERVALS || after.length < LEAST_INTERVALS) return undefined;
  return rankSum(tallyOf(before), tallyOf(after));
}
