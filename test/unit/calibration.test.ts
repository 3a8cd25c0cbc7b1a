/** Tests say "different" of what is the same as often as they claim, and no more often where things come in bursts. */
import assert from 'node:assert/strict';
import { fisherOfBlocks, rankSumOfBlocks, type BlockedValues } from '#tcpscope/model/statistics/clusters.js';
import { compareCounts } from '#tcpscope/model/statistics/counts.js';
import { fisherExact, type Share } from '#tcpscope/model/statistics/fisher.js';
import { quantileDifference } from '#tcpscope/model/statistics/intervals.js';
import { LatencyHistogram } from '#tcpscope/model/histogram.js';
import { rankSum, tallyOf } from '#tcpscope/model/statistics/rank-sum.js';
import { seededRandom } from './random.js';

const RUNS = 1000;
/** A binomial of 1,000 with 5 % is outside of this once in a thousand times. */
const [FEWEST, MOST] = [28, 74];

function below(p: (random: () => number) => number, level = 0.05): number {
  const random = seededRandom(7);
  let count = 0;
  for (let run = 0; run < RUNS; run++) if (p(random) < level) count++;
  return count;
}

function repeat<T>(count: number, make: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => make(at));
}

/** Exponential latencies around 400 µs. */
const latency = (random: () => number, scale = 1): number =>
  Math.round(-scale * 4e5 * Math.log(1 - random()));

const histogramOf = (values: readonly number[]): LatencyHistogram => {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
};

function blocked(blocks: readonly number[][]): BlockedValues {
  const all = histogramOf(blocks.flat());
  return { all: [...all.buckets()], blocks: blocks.map((block) => [...histogramOf(block).buckets()]) };
}

/** Failures of 20 attempts a block; in a burst most of them. */
function shares(random: () => number, probability: () => number, blocks = 60): Share[] {
  return repeat(blocks, () => {
    const failing = probability();
    return { all: 20, part: repeat(20, random).filter((value) => value < failing).length };
  });
}

describe('calibration, 1,000 comparisons of the same with the same', () => {
  it('of the rank-sum test on latencies in buckets', () => {
    const count = below((random) => {
      const side = (size: number): LatencyHistogram => histogramOf(repeat(size, () => latency(random)));
      return rankSum(side(60).buckets(), side(90).buckets())!.p;
    });
    assert.ok(count >= FEWEST && count <= MOST, `${count} of ${RUNS}`);
  });

  it('of the rank-sum test on small samples with many ties', () => {
    const count = below((random) => {
      const side = (): [number, number][] => tallyOf(repeat(15, () => Math.floor(random() * 8)));
      return rankSum(side(), side())!.p;
    });
    // What is exact on discrete values claims at most 5 %.
    assert.ok(count > 0 && count <= MOST, `${count} of ${RUNS}`);
  });

  it("of Fisher's test", () => {
    const count = below((random) => {
      const side = (all: number): Share => ({ all, part: repeat(all, random).filter((x) => x < 0.2).length });
      return fisherExact(side(300), side(200));
    });
    assert.ok(count > 0 && count <= MOST, `${count} of ${RUNS}`);
  });

  it('of counts that come in bursts', () => {
    const count = below((random) => {
      const bins = (): number[] => repeat(30, () => (random() < 0.2 ? Math.floor(random() * 300) : 0));
      return compareCounts(bins(), bins())!.p;
    });
    assert.ok(count >= FEWEST && count <= MOST, `${count} of ${RUNS}`);
  });

  it('of latencies that are slow together: single ones claim far too much, blocks do not', () => {
    const side = (random: () => number): BlockedValues =>
      blocked(
        repeat(30, () => {
          const scale = 2 ** (2 * random());
          return repeat(10, () => latency(random, scale));
        }),
      );
    const single = below((random) => rankSumOfBlocks(side(random), side(random))!.independentP);
    const blocks = below((random) => rankSumOfBlocks(side(random), side(random))!.p);
    assert.ok(single > 100, `${single} of ${RUNS}`);
    assert.ok(blocks <= MOST, `${blocks} of ${RUNS}`);
  });

  it('of latencies that are independent, in blocks', () => {
    const side = (random: () => number): BlockedValues =>
      blocked(repeat(30, () => repeat(10, () => latency(random))));
    const count = below((random) => rankSumOfBlocks(side(random), side(random))!.p);
    // It only ever raises p, so that it claims less than 5 %, but not much less.
    assert.ok(count >= 15 && count <= MOST, `${count} of ${RUNS}`);
  });

  it('of failures in bursts: single ones claim far too much, blocks do not', () => {
    const bursts = (random: () => number): Share[] => shares(random, () => (random() < 0.15 ? 0.8 : 0.005));
    const single = below((random) => fisherOfBlocks(bursts(random), bursts(random)).independentP);
    const blocks = below((random) => fisherOfBlocks(bursts(random), bursts(random)).p);
    assert.ok(single > 200, `${single} of ${RUNS}`);
    assert.ok(blocks <= MOST, `${blocks} of ${RUNS}`);
  });

  it('of intervals of a quantile: 95 % hold what is true, or more', () => {
    const outside = below((random) => {
      const side = (size: number): LatencyHistogram => histogramOf(repeat(size, () => latency(random)));
      const interval = quantileDifference(side(200), side(150), 0.5)!;
      return interval.low <= 0 && interval.high >= 0 ? 1 : 0;
    });
    assert.ok(outside <= MOST, `${outside} of ${RUNS}`);
  });
});

describe('power: what is different is found', () => {
  it('by rank sums of blocks: half as slow again, in bursts too', () => {
    const side = (random: () => number, scale: number): BlockedValues =>
      blocked(repeat(60, () => repeat(20, () => latency(random, scale * 2 ** random()))));
    const found = below((random) => rankSumOfBlocks(side(random, 1), side(random, 1.5))!.p, 0.01);
    assert.ok(found > 990, `${found} of ${RUNS}`);
  });

  it('by shares of blocks: 1 % and 4 %', () => {
    const found = below(
      (random) =>
        fisherOfBlocks(
          shares(random, () => 0.01),
          shares(random, () => 0.04),
        ).p,
      0.01,
    );
    assert.ok(found > 950, `${found} of ${RUNS}`);
  });

  it('a single burst among many blocks is one observation', () => {
    const quiet = repeat<Share>(60, () => ({ all: 100, part: 0 }));
    const burst = quiet.map((block, at) => (at === 30 ? { all: 100, part: 90 } : block));
    const { p, independentP, designEffect } = fisherOfBlocks(quiet, burst);
    assert.ok(independentP < 1e-20);
    assert.equal(p, 1);
    assert.ok(designEffect > 50);
  });
});
