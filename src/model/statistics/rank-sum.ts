import { normalTwoSided } from './special.js';

/** Values in rising order, and how often each occurred: what LatencyHistogram.buckets() gives. */
export type Tally = Iterable<readonly [value: number, count: number]>;

/** What the test of Mann, Whitney and Wilcoxon finds. */
export interface RankSum {
  /** Two-sided: how often chance alone makes the sides differ this much or more. */
  p: number;
  /**
   * How often a value of the after side exceeds one of the before side, equal ones counted half: 0.5 is no difference, 1 all
   * greater (Vargha and Delaney's A, the common-language effect size).
   */
  effect: number;
  /** Distance from no difference in standard deviations, signed, after the continuity correction. */
  z: number;
  /** True if p comes from all arrangements of these values, false if from the normal approximation. */
  exact: boolean;
}

/** One value, and how often either side has it. */
export interface Tie {
  value: number;
  before: number;
  after: number;
}

/** Above this product of the numbers of values the normal approximation takes over. */
const EXACT_LIMIT = 400;

/** The tally of numbers in any order. */
export function tallyOf(values: Iterable<number>): [value: number, count: number][] {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a - b);
}

/** The values of both sides in rising order. */
export function ties(before: Tally, after: Tally): Tie[] {
  const merged: Tie[] = [];
  const rest = [...after];
  let at = 0;
  const takeUpTo = (limit: number): void => {
    for (; (rest[at]?.[0] ?? Infinity) < limit; at++) {
      const [value, count] = rest[at]!;
      merged.push({ value, before: 0, after: count });
    }
  };
  for (const [value, count] of before) {
    takeUpTo(value);
    const same = rest[at]?.[0] === value ? rest[at++]![1] : 0;
    merged.push({ value, before: count, after: same });
  }
  takeUpTo(Infinity);
  return merged;
}

/** Twice the statistic U: pairs in which the after side is greater, times two, and equal pairs. */
function doubleU(all: readonly Tie[]): number {
  let lower = 0;
  let sum = 0;
  for (const { before, after } of all) {
    sum += after * (2 * lower + before);
    lower += before;
  }
  return sum;
}

/** Binomial coefficients of one row, small enough to be exact. */
function chooseRow(all: number, most: number): number[] {
  const row = [1];
  for (let chosen = 1; chosen <= Math.min(all, most); chosen++)
    row.push(Math.round((row[chosen - 1]! * (all - chosen + 1)) / chosen));
  return row;
}

/**
 * How many arrangements of the tied values give each value of 2U, when `chosen` of them are the second side: the usual
 * recurrence, a tie at a time. Exact, since there are less than 2^53 of them.
 */
function arrangements(sizes: readonly number[], chosen: number): Float64Array {
  const all = sizes.reduce((sum, size) => sum + size, 0);
  const width = 2 * chosen * (all - chosen) + 1;
  // ways[taken * width + twice U] after the ties so far
  let ways = new Float64Array((chosen + 1) * width);
  ways[0] = 1;
  let seen = 0;
  for (const size of sizes) {
    const next = new Float64Array(ways.length);
    const choose = chooseRow(size, chosen);
    for (let taken = 0; taken <= Math.min(chosen, seen); taken++) {
      const others = seen - taken;
      if (others > all - chosen) continue;
      const reach = 2 * taken * others;
      for (let more = 0; more <= Math.min(size, chosen - taken); more++) {
        if (others + size - more > all - chosen) continue;
        const added = more * (2 * others + size - more);
        const from = taken * width;
        const to = (taken + more) * width + added;
        const factor = choose[more]!;
        for (let u = 0; u <= reach; u++) {
          const count = ways[from + u]!;
          if (count > 0) next[to + u]! += count * factor;
        }
      }
    }
    ways = next;
    seen += size;
  }
  return ways.subarray(chosen * width);
}

/** Share of all arrangements whose U is at least as far from its mean as this one. */
function exactP(all: readonly Tie[], beforeCount: number, afterCount: number): number {
  const middle = beforeCount * afterCount;
  const distance = Math.abs(doubleU(all) - middle);
  const counts = arrangements(
    all.map(({ before, after }) => before + after),
    Math.min(beforeCount, afterCount),
  );
  let [far, total] = [0, 0];
  for (const [u, count] of counts.entries()) {
    total += count;
    // Exchanging the sides turns U around its mean, so it does not matter which of them was chosen.
    if (Math.abs(u - middle) >= distance) far += count;
  }
  return far / total;
}

/** Standard deviation of U where nothing differs, with the correction for ties. */
function deviation(all: readonly Tie[], beforeCount: number, afterCount: number): number {
  const total = beforeCount + afterCount;
  let tied = 0;
  for (const { before, after } of all) {
    const size = before + after;
    tied += ((size / total) * (size * size - 1)) / (total - 1);
  }
  return Math.sqrt(((beforeCount * afterCount) / 12) * (total + 1 - tied));
}

/**
 * Compares two samples by ranks alone, so that neither the shape of a distribution nor outliers matter. Small samples are
 * compared exactly, ties included; large ones by the normal approximation with the corrections for ties and continuity.
 * Undefined where a side has no value.
 */
export function rankSum(before: Tally, after: Tally): RankSum | undefined {
  const all = ties(before, after);
  const beforeCount = all.reduce((sum, tie) => sum + tie.before, 0);
  const afterCount = all.reduce((sum, tie) => sum + tie.after, 0);
  const pairs = beforeCount * afterCount;
  if (pairs === 0) return undefined;
  const u = doubleU(all) / 2;
  const effect = u / pairs;
  const spread = all.length > 1 ? deviation(all, beforeCount, afterCount) : 0;
  const distance = u - pairs / 2;
  const z = spread > 0 ? (Math.sign(distance) * Math.max(0, Math.abs(distance) - 0.5)) / spread : 0;
  const exact = pairs <= EXACT_LIMIT;
  return { p: exact ? exactP(all, beforeCount, afterCount) : normalTwoSided(z), effect, z, exact };
}
