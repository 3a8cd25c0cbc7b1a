/** Statistics against published values, and against the definitions worked out in full. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { bucketStart, LatencyHistogram, type BucketCount } from '#tcpscope/model/histogram.js';
import { commonIntervalNs, compareCounts } from '#tcpscope/model/statistics/counts.js';
import { fisherExact } from '#tcpscope/model/statistics/fisher.js';
import {
  quantileDifference,
  quantileInterval,
  shareDifference,
  shareInterval,
} from '#tcpscope/model/statistics/intervals.js';
import { adjusted } from '#tcpscope/model/statistics/multiple.js';
import { rankSum, tallyOf } from '#tcpscope/model/statistics/rank-sum.js';
import { logGamma, normalTwoSided, studentTwoSided } from '#tcpscope/model/statistics/special.js';

function near(actual: number | undefined, expected: number, tolerance: number): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

function relative(actual: number, expected: number, tolerance: number): void {
  near(actual / expected, 1, tolerance);
}

const ranked = (before: readonly number[], after: readonly number[]): ReturnType<typeof rankSum> =>
  rankSum(tallyOf(before), tallyOf(after));

/** All ways to choose `size` positions of `all`. */
function* choices(all: number, size: number, from = 0): Generator<number[]> {
  if (size === 0) yield [];
  else
    for (let first = from; first <= all - size; first++)
      for (const rest of choices(all, size - 1, first + 1)) yield [first, ...rest];
}

/** U by its definition: pairs in which the second is greater, ties half. */
function pairsGreater(before: readonly number[], after: readonly number[]): number {
  let sum = 0;
  for (const a of before) for (const b of after) sum += b > a ? 1 : b === a ? 0.5 : 0;
  return sum;
}

/** The permutation test by trying every arrangement. */
function everyArrangement(before: readonly number[], after: readonly number[]): number {
  const all = [...before, ...after];
  const middle = (before.length * after.length) / 2;
  const seen = Math.abs(pairsGreater(before, after) - middle);
  let [far, total] = [0, 0];
  for (const chosen of choices(all.length, after.length)) {
    const marked = new Set(chosen);
    const u = pairsGreater(
      all.filter((_, at) => !marked.has(at)),
      all.filter((_, at) => marked.has(at)),
    );
    total++;
    if (Math.abs(u - middle) >= seen - 1e-9) far++;
  }
  return far / total;
}

const factorial = (n: bigint): bigint => (n <= 1n ? 1n : n * factorial(n - 1n));
const choose = (n: number, k: number): bigint =>
  k < 0 || k > n ? 0n : factorial(BigInt(n)) / (factorial(BigInt(k)) * factorial(BigInt(n - k)));

/** Fisher's test on whole numbers of any size. */
function everyTable(a: number, first: number, b: number, second: number): number {
  const weight = (k: number): bigint => choose(first, k) * choose(second, a + b - k);
  let [far, total] = [0n, 0n];
  for (let k = 0; k <= a + b; k++) {
    total += weight(k);
    if (weight(k) <= weight(a)) far += weight(k);
  }
  return Number((far * 10n ** 18n) / total) / 1e18;
}

describe('special functions', () => {
  it('know ln Γ', () => {
    near(logGamma(0.5), Math.log(Math.sqrt(Math.PI)), 1e-14);
    near(logGamma(0.1), 2.252712651734206, 1e-13); // Abramowitz and Stegun, 6.1
    for (let n = 2; n < 150; n++) relative(logGamma(n + 1), Math.log(Number(factorial(BigInt(n)))), 1e-13);
  });

  it('know the normal distribution, far tails too', () => {
    assert.equal(normalTwoSided(0), 1);
    // erfc(z / √2) of the C library
    const known = [
      [0.1, 0.920344325445942],
      [1, 0.317310507862914],
      [1.7, 0.08913092551708615],
      [1.959963984540054, 0.05],
      [5, 5.733031437583892e-7],
      [10, 1.523970604832105e-23],
      [30, 9.813427854297528e-198],
    ] as const;
    for (const [z, p] of known) {
      relative(normalTwoSided(z), p, 1e-10);
      assert.equal(normalTwoSided(-z), normalTwoSided(z));
    }
  });

  it("know Student's distribution, which has a formula for 1, 2 and 4 degrees of freedom", () => {
    for (const t of [0.01, 0.5, 1, 2.5, 12.7, 400]) {
      relative(studentTwoSided(t, 1), (2 / Math.PI) * Math.atan(1 / t), 1e-11);
      // The numerically stable form of 1 - t / √(2 + t²).
      const root = Math.sqrt(2 + t * t);
      relative(studentTwoSided(t, 2), 2 / (root * (root + t)), 1e-11);
    }
    near(studentTwoSided(2.776445105, 4), 0.05, 1e-9); // table of critical values
    near(studentTwoSided(2.228138852, 10), 0.05, 1e-9);
    near(studentTwoSided(-2.423256779, 40), 0.02, 1e-9);
    relative(studentTwoSided(3, 1e7), normalTwoSided(3), 1e-5);
  });
});

describe('rank-sum test', () => {
  it('agrees with published examples', () => {
    // scipy.stats.mannwhitneyu, documentation: U = 17 of 20, p = 0.1111 exact
    const scipy = ranked([20, 11, 17, 12], [19, 22, 16, 29, 24]);
    near(scipy?.p, 1 / 9, 1e-12);
    assert.equal(scipy?.effect, 17 / 20);
    // the same page: p = 0.11134688653314041 by the normal approximation
    near(normalTwoSided(scipy.z), 0.11134688653314041, 1e-12);
    // R, wilcox.test: permeability constants (Hollander and Wolfe), W = 35, one-sided 0.1272
    const before = [1.15, 0.88, 0.9, 0.74, 1.21];
    const after = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
    near((ranked(before, after)?.p ?? 0) / 2, 0.1272, 5e-5);
    assert.equal(ranked(before, after)?.effect, 35 / 50);
  });

  it('agrees with every arrangement of small samples, ties included', () => {
    const sample = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(sample, sample, (before, after) => {
        const test = ranked(before, after);
        near(test?.p, everyArrangement(before, after), 1e-12);
        near(test?.effect, pairsGreater(before, after) / (before.length * after.length), 1e-12);
        assert.ok(test?.exact);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('is symmetric, and ignores how far apart values are', () => {
    const sample = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(sample, sample, (before, after) => {
        const [one, other] = [ranked(before, after)!, ranked(after, before)!];
        near(one.p, other.p, 1e-9);
        near(one.effect + other.effect, 1, 1e-12);
        const cubes = (values: readonly number[]): number[] => values.map((value) => value ** 3);
        assert.equal(ranked(cubes(before), cubes(after))?.p, one.p);
        assert.ok(one.p > 0 && one.p <= 1 + 1e-12, String(one.p));
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  it('goes on smoothly where the approximation takes over', () => {
    const before = Array.from({ length: 20 }, (_, at) => at * 3);
    const after = Array.from({ length: 20 }, (_, at) => at * 3 + 10);
    const exact = ranked(before, after)!;
    assert.ok(exact.exact);
    relative(normalTwoSided(exact.z), exact.p, 0.05);
    assert.equal(ranked(before, [...after, 31])?.exact, false);
  });

  it('sees no difference in values that are all the same, and no test without values', () => {
    const same = Array.from({ length: 50 }, () => 7);
    assert.deepEqual(ranked(same, same), { p: 1, effect: 0.5, z: 0, exact: false });
    near(ranked([7], [7, 7])?.p, 1, 0);
    assert.equal(ranked([], [1]), undefined);
    assert.equal(ranked([1], []), undefined);
  });

  it('compares histograms of millions', () => {
    const [before, after] = [new LatencyHistogram(), new LatencyHistogram()];
    const counts = (first: number): BucketCount[] =>
      Array.from({ length: 3000 }, (_, at) => {
        const bucket = first + at;
        return { bucket, count: 1000, minNs: bucketStart(bucket), maxNs: bucketStart(bucket + 1) - 1 };
      });
    before.addBuckets(counts(0));
    after.addBuckets(counts(30));
    const test = rankSum(before.buckets(), after.buckets())!;
    // Uniform on 3000 values, shifted by 30: 1/2 + 0.01 - 0.01²/2
    near(test.effect, 0.50995, 1e-9);
    assert.ok(test.p < 1e-300, String(test.p));
  });
});

describe("Fisher's exact test", () => {
  it('agrees with published examples', () => {
    const p = (a: number, first: number, b: number, second: number): number =>
      fisherExact({ part: a, all: first }, { part: b, all: second });
    near(p(3, 4, 1, 4), 0.4857, 5e-5); // R, fisher.test(TeaTasting, two.sided)
    near(p(2, 12, 15, 18), 0.0005367, 5e-8); // R, fisher.test(Convictions): twins of criminals
    near(p(8, 10, 1, 6), 0.03496503496503495, 1e-12); // scipy.stats.fisher_exact, [[8, 2], [1, 5]]
  });

  it('agrees with the sum over all tables', () => {
    const share = fc
      .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 60 }))
      .map(([all, part]) => ({ all, part: Math.min(all, part) }));
    fc.assert(
      fc.property(share, share, (before, after) => {
        const p = fisherExact(before, after);
        near(p, everyTable(before.part, before.all, after.part, after.all), 1e-11);
        near(fisherExact(after, before), p, 1e-11);
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it('sees no difference in nothing', () => {
    assert.equal(fisherExact({ part: 0, all: 10 }, { part: 0, all: 20 }), 1);
    assert.equal(fisherExact({ part: 10, all: 10 }, { part: 20, all: 20 }), 1);
    assert.equal(fisherExact({ part: 0, all: 0 }, { part: 3, all: 20 }), 1);
  });

  it('is fast and right for large counts', () => {
    // Exact on whole numbers (python3 fractions): 1,200 of 100,000 and 1,300 of 100,000.
    relative(fisherExact({ part: 1200, all: 1e5 }, { part: 1300, all: 1e5 }), 0.04629598610578372, 1e-8);
    const started = process.cpuUsage().user;
    const p = fisherExact({ part: 4e8, all: 1e9 }, { part: 4.001e8, all: 1e9 });
    assert.ok(process.cpuUsage().user - started < 500_000, 'half a second');
    // Of so many the normal approximation is right: difference 1e-4, deviation √(2 · 0.24 / 1e9).
    relative(p, normalTwoSided(1e-4 / Math.sqrt((2 * 0.40005 * 0.59995) / 1e9)), 0.01);
    const far = fisherExact({ part: 0, all: 1e6 }, { part: 1e6, all: 1e6 });
    assert.ok(far >= 0 && far < 1e-300);
  });
});

describe('confidence intervals', () => {
  it("agree with Newcombe's tables (Statistics in Medicine 17, 1998)", () => {
    const wilson = [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
      [1, 29, 0.0061, 0.1718],
    ] as const;
    for (const [part, all, low, high] of wilson) {
      near(shareInterval({ part, all }).low, low, 5e-5);
      near(shareInterval({ part, all }).high, high, 5e-5);
    }
    const differences = [
      [56, 70, 48, 80, 0.0524, 0.3339],
      [9, 10, 3, 10, 0.1705, 0.809],
      [6, 7, 2, 7, 0.0582, 0.8062],
      [5, 56, 0, 29, -0.0381, 0.1926],
    ] as const;
    for (const [a, first, b, second, low, high] of differences) {
      const interval = shareDifference({ part: b, all: second }, { part: a, all: first });
      near(interval.low, low, 5e-5);
      near(interval.high, high, 5e-5);
    }
  });

  it('of a quantile are order statistics', () => {
    const of = (count: number): LatencyHistogram => {
      const histogram = new LatencyHistogram();
      // Up to 127 ns buckets hold one value.
      for (let value = 1; value <= count; value++) histogram.record(value);
      return histogram;
    };
    // Median, 95 %: ranks 10 and 21 of 30, 40 and 61 of 100 (Conover, Practical Nonparametric Statistics, table of the binomial)
    assert.deepEqual(quantileInterval(of(30), 0.5), { low: 10, high: 21 });
    assert.deepEqual(quantileInterval(of(100), 0.5), { low: 40, high: 61 });
    assert.equal(quantileInterval(of(5), 0.5), undefined);
    assert.deepEqual(quantileInterval(of(6), 0.5), { low: 1, high: 6 });
    assert.equal(quantileInterval(of(71), 0.95), undefined);
    assert.ok(quantileInterval(of(72), 0.95));
    assert.equal(quantileInterval(of(0), 0.5), undefined);
    assert.equal(quantileDifference(of(5), of(100), 0.5), undefined);
    // 50.5 - 15.5 (nearest rank: 50 - 15), the ends by MOVER
    const difference = quantileDifference(of(30), of(100), 0.5);
    near(difference?.low, 35 - Math.hypot(50 - 40, 21 - 15), 1e-9);
    near(difference?.high, 35 + Math.hypot(61 - 50, 15 - 10), 1e-9);
  });
});

describe('adjusted p values', () => {
  it('agree with the example of Benjamini and Hochberg (1995), as p.adjust of R has it', () => {
    const values = [
      0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528,
      0.759, 1,
    ];
    const expected = [
      0.0015, 0.003, 0.0095, 0.035625, 0.0603, 0.06385714, 0.06385714, 0.0645, 0.0765, 0.486, 0.58118182,
      0.714875, 0.75323077, 0.81321429, 1,
    ];
    for (const [at, p] of adjusted(values).entries()) near(p, expected[at]!, 1e-8);
    // The order does not matter.
    const turned = adjusted([...values].reverse()).reverse();
    for (const [at, p] of turned.entries()) near(p, expected[at]!, 1e-8);
    assert.deepEqual(adjusted([]), []);
  });
});

describe('counts in intervals', () => {
  it('have the longest common length that leaves twenty', () => {
    assert.equal(commonIntervalNs(19.9e9, 3600e9), undefined);
    assert.equal(commonIntervalNs(20e9, 3600e9), 1e9);
    assert.equal(commonIntervalNs(3600e9, 39.9e9), 1e9);
    assert.equal(commonIntervalNs(60e9, 60e9), 2e9);
    assert.equal(commonIntervalNs(3600e9, 3600e9), 128e9);
  });

  it('are too few below twenty, and differ where they do', () => {
    const quiet = Array.from({ length: 20 }, (_, at) => at % 3);
    assert.equal(compareCounts(quiet.slice(1), quiet), undefined);
    near(compareCounts(quiet, quiet)?.p, 1, 1e-9);
    assert.ok(
      compareCounts(
        quiet,
        quiet.map((count) => count + 2),
      )!.p < 1e-4,
    );
  });
});
