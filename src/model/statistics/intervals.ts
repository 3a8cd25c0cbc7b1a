/** 95 % confidence intervals: of shares, of quantiles, and of how much they differ. */
import type { Share } from './fisher.js';
import { logChoose, Z_95 } from './special.js';

export interface Interval {
  low: number;
  high: number;
}

/** Above this variance of a rank the normal approximation is as good as the binomial distribution. */
const NORMAL_VARIANCE = 400;
const TAIL = 0.025;

/** Wilson's score interval of a share (0 to 1). */
export function shareInterval({ part, all }: Share): Interval {
  if (all === 0) return { low: 0, high: 1 };
  const share = part / all;
  const square = Z_95 * Z_95;
  const middle = share + square / (2 * all);
  const half = Z_95 * Math.sqrt((share * (1 - share)) / all + square / (4 * all * all));
  const scale = 1 + square / all;
  return {
    low: part === 0 ? 0 : (middle - half) / scale,
    high: part === all ? 1 : (middle + half) / scale,
  };
}

/** A sample that knows its quantiles by nearest rank: LatencyHistogram. */
export interface Sample {
  readonly count: number;
  quantile(q: number): number | undefined;
}

interface Estimate extends Interval {
  value: number;
}

/** The interval of a difference from those of its parts (Newcombe 1998; for any parts: Zou and Donner 2008, MOVER). */
function differenceOf(before: Estimate, after: Estimate): Interval {
  const difference = after.value - before.value;
  return {
    low: difference - Math.hypot(after.value - after.low, before.high - before.value),
    high: difference + Math.hypot(after.high - after.value, before.value - before.low),
  };
}

/** How much the share grew, -1 to 1, by Newcombe's method (his tenth). */
export function shareDifference(before: Share, after: Share): Interval {
  const estimate = (share: Share): Estimate => ({
    ...shareInterval(share),
    value: share.all === 0 ? 0 : share.part / share.all,
  });
  return differenceOf(estimate(before), estimate(after));
}

/** The greatest k with P(X < k) <= `TAIL`, X binomial. */
function lowerRank(count: number, q: number): number {
  const variance = count * q * (1 - q);
  if (variance > NORMAL_VARIANCE) return Math.floor(count * q - Z_95 * Math.sqrt(variance));
  let below = 0;
  // What is further below the mean does not add up to anything.
  const first = Math.max(0, Math.floor(count * q - 12 * Math.sqrt(variance) - 12));
  for (let rank = first; rank <= count; rank++) {
    below += Math.exp(logChoose(count, rank) + rank * Math.log(q) + (count - rank) * Math.log1p(-q));
    if (below > TAIL) return rank;
  }
  return count;
}

/**
 * The interval of quantile `q` (between 0 and 1) by order statistics: it supposes nothing of the distribution. Undefined where
 * there are too few values: that of p95 needs 72 of them, that of p99 368.
 */
export function quantileInterval(sample: Sample, q: number): Interval | undefined {
  const { count } = sample;
  const low = lowerRank(count, q);
  const high = count + 1 - lowerRank(count, 1 - q);
  if (count === 0 || low < 1 || high > count) return undefined;
  return { low: sample.quantile(low / count)!, high: sample.quantile(high / count)! };
}

/** How much quantile `q` grew; undefined where a side has too few values. */
export function quantileDifference(before: Sample, after: Sample, q: number): Interval | undefined {
  const [first, second] = [quantileInterval(before, q), quantileInterval(after, q)];
  if (!first || !second) return undefined;
  return differenceOf({ ...first, value: before.quantile(q)! }, { ...second, value: after.quantile(q)! });
}
