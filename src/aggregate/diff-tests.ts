import type { LatencyHistogram } from '../model/histogram.js';
import { compareCounts, independentRates, type Rate } from '../model/statistics/counts.js';
import type { RankSum } from '../model/statistics/rank-sum.js';
import { fisherOfBlocks, rankSumOfBlocks, type BlockedValues } from '../model/statistics/clusters.js';
import type { Share } from '../model/statistics/fisher.js';
import { LEAST_BLOCKS, LEAST_EVENTS, type DiffTest, type Sides } from './diff.js';

/** Durations that changed by less than this factor are the same to a person, however certain the change. */
const LEAST_RATIO = 1.05;
/** Ten points of a share weigh as much as a doubling of a duration. */
const SIZE_OF_SHARE = 10;
/** A ratio beyond 2 to this power is not bigger: it comes from next to nothing. */
const MOST_DOUBLINGS = 10;

/** Findings in words: where there is more after, where there is less. */
export type Findings = readonly [more: string, less: string];

/** Doublings from one number to the other, at most ten either way; 0 where either is not known. */
export function doublings(before: number | undefined, after: number | undefined): number {
  if (before === undefined || after === undefined || before === after) return 0;
  const found = Math.log2(after / before);
  return Math.max(-MOST_DOUBLINGS, Math.min(MOST_DOUBLINGS, found));
}

/** The quantile that moved most in a direction (1 or -1), and by how many doublings. */
function biggestMove(
  before: LatencyHistogram,
  after: LatencyHistogram,
  direction: number,
): { quantile: number; size: number } {
  const moves = [0.5, 0.95].map((quantile) => ({
    quantile,
    size: Math.max(0, direction * doublings(before.quantile(quantile), after.quantile(quantile))),
  }));
  return moves.reduce((most, move) => (move.size > most.size ? move : most));
}

function blocked(histogram: LatencyHistogram, blocks: readonly LatencyHistogram[]): BlockedValues {
  return {
    all: [...histogram.buckets()],
    blocks: blocks.filter(({ count }) => count > 0).map((block) => [...block.buckets()]),
  };
}

/** Durations of one side: all together, and by block of time. */
export interface Durations {
  all: LatencyHistogram;
  blocks: readonly LatencyHistogram[];
}

/** Compares durations by ranks; undefined where a side has too few of them. */
export function durationTest<Name extends string>(
  name: Name,
  [longer, shorter]: Findings,
  { before, after }: Sides<Durations>,
): DiffTest<Name> | undefined {
  if (Math.min(before.all.count, after.all.count) < LEAST_EVENTS) return undefined;
  const [first, second] = [blocked(before.all, before.blocks), blocked(after.all, after.blocks)];
  if (Math.min(first.blocks.length, second.blocks.length) < LEAST_BLOCKS) return undefined;
  const test = rankSumOfBlocks(first, second);
  if (!test) return undefined;
  const { p, independentP, effect, designEffect } = test;
  const move = biggestMove(before.all, after.all, effect >= 0.5 ? 1 : -1);
  return {
    name,
    ...{ p, independentP, effect, designEffect },
    ...move,
    finding: effect >= 0.5 ? longer : shorter,
    worse: effect >= 0.5,
    relevant: 2 ** move.size >= LEAST_RATIO,
  };
}

function shareOf(blocks: readonly Share[]): number {
  const [part, all] = blocks.reduce<[number, number]>(
    (sum, block) => [sum[0] + block.part, sum[1] + block.all],
    [0, 0],
  );
  return all === 0 ? 0 : part / all;
}

/** Compares shares, given by block of time; undefined where both are none or both all, which no test could tell apart. */
export function shareTest<Name extends string>(
  name: Name,
  [more, less]: Findings,
  { before, after }: Sides<readonly Share[]>,
): DiffTest<Name> | undefined {
  const [first, second] = [shareOf(before), shareOf(after)];
  if (first === second && (first === 0 || first === 1)) return undefined;
  const difference = second - first;
  return {
    name,
    ...fisherOfBlocks(before, after),
    finding: difference >= 0 ? more : less,
    worse: difference > 0,
    size: SIZE_OF_SHARE * Math.abs(difference),
    relevant: difference !== 0,
  };
}

/**
 * A test by ranks of intervals. `change`: doublings of the whole. Where it goes in the other direction than the ranks, it comes from
 * few intervals and is no finding.
 */
export function intervalTest<Name extends string>(
  name: Name,
  [more, less]: Findings,
  { p, effect }: RankSum,
  { independentP, change }: { independentP: number; change: number },
): DiffTest<Name> {
  return {
    name,
    ...{ p, effect },
    independentP: Math.min(p, independentP),
    finding: change >= 0 ? more : less,
    worse: change > 0,
    size: Math.abs(change),
    relevant: change !== 0 && (effect - 0.5) * change >= 0,
  };
}

/** Compares how often something happened, by what was counted in intervals of one length; undefined where there are too few. */
export function rateTest<Name extends string>(
  name: Name,
  findings: Findings,
  intervals: Sides<readonly number[]>,
  { before, after }: Sides<Rate>,
): DiffTest<Name> | undefined {
  const test = compareCounts(intervals.before, intervals.after);
  if (!test) return undefined;
  // Half an event on each side keeps a quotient with nothing finite.
  const change = doublings((before.count + 0.5) / before.durationNs, (after.count + 0.5) / after.durationNs);
  return intervalTest(name, findings, test, { independentP: independentRates(before, after), change });
}
