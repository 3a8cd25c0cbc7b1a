/** Bands of durations with round limits, for pictures that have room for few. */
import { bucketIndex, bucketStart, HISTOGRAM_BUCKETS, type LatencyHistogram } from './histogram.js';

/** One band: the buckets from `first` up to below `end`. */
export interface Band {
  /** Round limits in ns: the buckets that contain them begin the bands, so they are at most 0.8 % off. */
  fromNs: number;
  toNs: number;
  first: number;
  end: number;
}

/** Limits within a power of ten, the finest first. */
const SCALES = [[1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8], [1, 1.5, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]] as const;
const DECADES = 13;

/** Where bands can meet: round numbers of ns, the buckets that contain them, and both ends of all buckets. */
interface Limits {
  ns: readonly number[];
  buckets: readonly number[];
}

/** Each limit has a bucket of its own: short durations have fewer limits. */
function limitsOf(steps: readonly number[]): Limits {
  const ns = [0];
  const buckets = [0];
  for (let decade = 0; decade < DECADES; decade++) {
    for (const step of steps) {
      const limit = Math.round(step * 10 ** decade);
      const bucket = bucketIndex(limit);
      if (bucket === buckets.at(-1) || bucket === HISTOGRAM_BUCKETS - 1) continue;
      ns.push(limit);
      buckets.push(bucket);
    }
  }
  ns.push(bucketStart(HISTOGRAM_BUCKETS));
  buckets.push(HISTOGRAM_BUCKETS);
  return { ns, buckets };
}

const ALL_LIMITS = SCALES.map(limitsOf);

/** Position of the band that contains a bucket. */
function positionOf({ buckets }: Limits, bucket: number): number {
  return buckets.findLastIndex((limit) => limit <= bucket);
}

function bandsFrom({ ns, buckets }: Limits, first: number, last: number): Band[] {
  return Array.from({ length: last - first + 1 }, (_, at) => ({
    fromNs: ns[first + at] ?? 0,
    toNs: ns[first + at + 1] ?? 0,
    first: buckets[first + at] ?? 0,
    end: buckets[first + at + 1] ?? HISTOGRAM_BUCKETS,
  }));
}

/** Positions from `first` to `last`, widened on both sides to `least` of them where there are limits. */
function widened(limits: Limits, first: number, last: number, least: number): [first: number, last: number] {
  const highest = limits.ns.length - 2;
  let [low, high] = [first, last];
  while (high - low + 1 < least && (low > 1 || high < highest)) {
    if (high < highest) high++;
    if (high - low + 1 < least && low > 1) low--;
  }
  return [low, high];
}

/** The lowest and the highest bucket that was hit. */
function ends(histogram: LatencyHistogram): [lowest: number | undefined, highest: number | undefined] {
  const hit = [...histogram.buckets()];
  return [hit[0]?.[0], hit.at(-1)?.[0]];
}

/**
 * Bands that join without a gap and hold every duration of the histogram, as fine as `most` of them allow and, where that is fewer
 * than `least`, some around. None for an empty histogram.
 */
export function bandsOf(histogram: LatencyHistogram, least: number, most: number): Band[] {
  const [lowest, highest] = ends(histogram);
  if (lowest === undefined || highest === undefined) return [];
  const range = (limits: Limits): [number, number] => [
    positionOf(limits, lowest),
    positionOf(limits, highest),
  ];
  const fits = (limits: Limits): boolean => {
    const [first, last] = range(limits);
    return last - first < most;
  };
  const limits = ALL_LIMITS.find(fits) ?? ALL_LIMITS.at(-1)!;
  return bandsFrom(limits, ...widened(limits, ...range(limits), Math.min(least, most)));
}

/** How many durations of a histogram each band has. What lies outside of all bands is left out. */
export function bandCounts(histogram: LatencyHistogram, bands: readonly Band[]): number[] {
  const counts = bands.map(() => 0);
  let at = 0;
  for (const [index, count] of histogram.buckets()) {
    while (at < bands.length && index >= (bands[at]?.end ?? 0)) at++;
    const band = bands[at];
    if (!band) break;
    if (index >= band.first) counts[at] = (counts[at] ?? 0) + count;
  }
  return counts;
}

/** The finest band that holds more than half of all durations; undefined where only a power of ten or more would. */
export function commonBand(histogram: LatencyHistogram): Band | undefined {
  const [lowest, highest] = ends(histogram);
  if (lowest === undefined || highest === undefined) return undefined;
  for (const limits of ALL_LIMITS) {
    const bands = bandsFrom(limits, positionOf(limits, lowest), positionOf(limits, highest));
    const counts = bandCounts(histogram, bands);
    const most = counts.findIndex((count) => count > histogram.count / 2);
    if (most >= 0) return bands[most];
  }
  return undefined;
}

const UNITS = [
  ['s', 1e9],
  ['ms', 1e6],
  ['µs', 1e3],
  ['ns', 1],
] as const;

/** A limit as a number and its unit: `['1.5', 'ms']`. */
export function limitParts(ns: number): [value: string, unit: string] {
  const [unit, size] = UNITS.find(([, least]) => ns >= least) ?? (['ns', 1] as const);
  return [String(Number((ns / size).toPrecision(4))), unit];
}

/** A limit without digits that it does not need: `400 µs`, `1.5 ms`, `1 s`. */
export function limitText(ns: number): string {
  return limitParts(ns).join(' ');
}
