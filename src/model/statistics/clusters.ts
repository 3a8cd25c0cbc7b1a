/**
 * What happens at one time is not independent: a burst of failures has one cause, a busy second slows all its handshakes. Here
 * the unit is the block, a stretch of time. How much more blocks differ than they would if all in them were independent is the
 * design effect; it says how many independent observations the data are worth.
 */
import { fisherExact, type Share } from './fisher.js';
import { rankSum, ties, type RankSum, type Tally } from './rank-sum.js';
import { studentTwoSided } from './special.js';

/** A test of values or shares that come in blocks of time. */
export interface Clustered {
  /** Two-sided; never below `independentP`. */
  p: number;
  /** The same if all were independent of each other. */
  independentP: number;
  /** How many times greater the variance is than if all were independent; at least 1. */
  designEffect: number;
}

/** Blocks have too few things in them to differ by chance alone where there is one block: n / (n - 1) makes up for the mean. */
function smallSample(blocks: number): number {
  return blocks / (blocks - 1);
}

/** A sum of squares, and what it would be if all in the blocks were independent. */
interface Variances {
  blocks: number;
  single: number;
}

/** Variance of the mean placement of one side (Obuchowski 1997), and the same if its values were independent (DeLong 1988). */
function placementVariances(
  blocks: readonly Tally[],
  placement: ReadonlyMap<number, number>,
  mean: number,
): Variances {
  let [count, squares, blockSquares] = [0, 0, 0];
  for (const block of blocks) {
    let sum = 0;
    for (const [value, times] of block) {
      const distance = (placement.get(value) ?? mean) - mean;
      count += times;
      squares += times * distance * distance;
      sum += times * distance;
    }
    blockSquares += sum * sum;
  }
  return {
    blocks: (blockSquares * smallSample(blocks.length)) / (count * count),
    single: (squares * smallSample(count)) / (count * count),
  };
}

/** For each value of a side: the share of the other side that it exceeds (equal ones counted half). */
function placements(before: Tally, after: Tally): [Map<number, number>, Map<number, number>] {
  const all = ties(before, after);
  const beforeCount = all.reduce((sum, tie) => sum + tie.before, 0);
  const afterCount = all.reduce((sum, tie) => sum + tie.after, 0);
  const [ofBefore, ofAfter] = [new Map<number, number>(), new Map<number, number>()];
  let [lowerBefore, lowerAfter] = [0, 0];
  for (const tie of all) {
    ofBefore.set(tie.value, (lowerAfter + tie.after / 2) / afterCount);
    ofAfter.set(tie.value, (lowerBefore + tie.before / 2) / beforeCount);
    lowerBefore += tie.before;
    lowerAfter += tie.after;
  }
  return [ofBefore, ofAfter];
}

function designEffectOf(variances: readonly Variances[]): number {
  const blocks = variances.reduce((sum, variance) => sum + variance.blocks, 0);
  const single = variances.reduce((sum, variance) => sum + variance.single, 0);
  return single > 0 ? Math.max(1, blocks / single) : 1;
}

/** Values of one side: all together, and by block. */
export interface BlockedValues {
  all: Tally;
  /** Blocks that have a value. */
  blocks: readonly Tally[];
}

/**
 * The rank-sum test of values in blocks: its distance from no difference shrinks by the root of the design effect, and the
 * t distribution of the number of blocks takes the place of the normal one. With fewer than two blocks on a side nothing is
 * known of bursts, and p is that of independent values. Undefined where a side has no value.
 */
export function rankSumOfBlocks(
  before: BlockedValues,
  after: BlockedValues,
): (RankSum & Clustered) | undefined {
  const test = rankSum(before.all, after.all);
  if (!test) return undefined;
  const blocks = before.blocks.length + after.blocks.length;
  if (before.blocks.length < 2 || after.blocks.length < 2)
    return { ...test, independentP: test.p, designEffect: 1 };
  const [ofBefore, ofAfter] = placements(before.all, after.all);
  const designEffect = designEffectOf([
    placementVariances(before.blocks, ofBefore, 1 - test.effect),
    placementVariances(after.blocks, ofAfter, test.effect),
  ]);
  const p = Math.max(test.p, studentTwoSided(test.z / Math.sqrt(designEffect), blocks - 2));
  return { ...test, p, independentP: test.p, designEffect };
}

/** Spread of the parts of one side's blocks around what its share makes one expect, and the binomial variance. */
function shareVariances(blocks: readonly Share[]): Variances {
  const part = blocks.reduce((sum, block) => sum + block.part, 0);
  const all = blocks.reduce((sum, block) => sum + block.all, 0);
  const share = all === 0 ? 0 : part / all;
  const squares = blocks.reduce((sum, block) => sum + (block.part - share * block.all) ** 2, 0);
  return {
    blocks: blocks.length > 1 ? squares * smallSample(blocks.length) : 0,
    single: all * share * (1 - share),
  };
}

function total(blocks: readonly Share[]): Share {
  return {
    part: blocks.reduce((sum, block) => sum + block.part, 0),
    all: blocks.reduce((sum, block) => sum + block.all, 0),
  };
}

function shrunk({ part, all }: Share, designEffect: number): Share {
  const fewer = Math.round(all / designEffect);
  return { part: Math.min(fewer, Math.round(part / designEffect)), all: fewer };
}

/**
 * Fisher's exact test of shares in blocks, on the counts divided by the design effect that both sides have in common (Rao and
 * Scott 1992).
 */
export function fisherOfBlocks(before: readonly Share[], after: readonly Share[]): Clustered {
  const [first, second] = [total(before), total(after)];
  const designEffect = designEffectOf([shareVariances(before), shareVariances(after)]);
  const independentP = fisherExact(first, second);
  const p =
    designEffect > 1 ? fisherExact(shrunk(first, designEffect), shrunk(second, designEffect)) : independentP;
  return { p: Math.max(p, independentP), independentP, designEffect };
}
