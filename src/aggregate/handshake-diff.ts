import { isFailure, lostSyn, type Handshake } from '../model/handshake.js';
import { LatencyHistogram } from '../model/histogram.js';
import { commonIntervalNs } from '../model/statistics/counts.js';
import { Blocks, type Mergeable } from './blocks.js';
import {
  Diff,
  LEAST_BLOCKS,
  LEAST_EVENTS,
  missingTime,
  type DiffRow,
  type DiffStrategy,
  type DiffTest,
  type Side,
  type Sides,
} from './diff.js';
import { durationTest, rateTest, shareTest } from './diff-tests.js';
import type { GroupKey } from './grouping.js';
import { HandshakeStats } from './handshake-stats.js';

/** Blocks of time a group has at most, on a side: enough to see bursts. */
const MOST_BLOCKS = 64;
/** The same where attempts are counted by interval: recordings of very different length have to have a common one. */
const MOST_INTERVALS = 4096;

/** Attempts that ended in one stretch of time. */
class HandshakeBlock implements Mergeable<HandshakeBlock> {
  finished = 0;
  failed = 0;
  lostSyn = 0;
  readonly latency = new LatencyHistogram();

  add(attempt: Handshake): void {
    this.finished++;
    if (isFailure(attempt)) this.failed++;
    if (lostSyn(attempt)) this.lostSyn++;
    if (attempt.outcome === 'ok') this.latency.record(attempt.endNs - attempt.startNs);
  }

  merge(other: HandshakeBlock): void {
    this.finished += other.finished;
    this.failed += other.failed;
    this.lostSyn += other.lostSyn;
    this.latency.merge(other.latency);
  }
}

/** One side of a group: its counts, and the same by block of time. */
export class HandshakeSide extends HandshakeStats {
  readonly #blocks: Blocks<HandshakeBlock>;

  constructor(startNs: number, mostBlocks: number) {
    super();
    this.#blocks = new Blocks(startNs, mostBlocks, () => new HandshakeBlock());
  }

  /** Blocks in which an attempt ended. */
  get blocks(): HandshakeBlock[] {
    return this.#blocks.all();
  }

  /** Attempts that ended in each full interval of a recording. */
  intervals(lengthNs: number, durationNs: number): number[] {
    const blocks = this.#blocks.series(lengthNs, Math.floor(durationNs / lengthNs)) ?? [];
    return blocks.map((block) => block?.finished ?? 0);
  }

  override finish(attempt: Handshake): void {
    super.finish(attempt);
    this.#blocks.at(attempt.endNs).add(attempt);
  }
}

export type HandshakeTest = 'latency' | 'failures' | 'syn_loss' | 'attempts';
export type HandshakeDiffRow = DiffRow<HandshakeSide, HandshakeTest>;

function both<Value>(
  { before, after }: Sides<HandshakeSide>,
  of: (side: HandshakeSide) => Value,
): Sides<Value> {
  return { before: of(before), after: of(after) };
}

function latencyTest(sides: Sides<HandshakeSide>): DiffTest<HandshakeTest> | undefined {
  return durationTest<HandshakeTest>(
    'latency',
    ['slower', 'faster'],
    both(sides, ({ latency, blocks }) => ({ all: latency, blocks: blocks.map((block) => block.latency) })),
  );
}

const byOutcome: DiffStrategy<HandshakeSide, HandshakeTest> = {
  create: (startNs) => new HandshakeSide(startNs, MOST_BLOCKS),
  isEmpty: ({ finished }) => finished === 0,
  isShown: ({ before, after }) => before.finished + after.finished > 0,
  weight: ({ finished }) => finished,
  shortage({ before, after }) {
    const events = Math.min(before.finished, after.finished);
    if (events < LEAST_EVENTS) return `${events} of ${LEAST_EVENTS}`;
    const blocks = Math.min(before.blocks.length, after.blocks.length);
    return blocks < LEAST_BLOCKS ? `${blocks} of ${LEAST_BLOCKS} times` : undefined;
  },
  tests(sides) {
    const tests = [
      latencyTest(sides),
      shareTest<HandshakeTest>(
        'failures',
        ['more failures', 'fewer failures'],
        both(sides, ({ blocks }) => blocks.map(({ failed, finished }) => ({ part: failed, all: finished }))),
      ),
      shareTest<HandshakeTest>(
        'syn_loss',
        ['more SYN loss', 'less SYN loss'],
        both(sides, ({ blocks }) => blocks.map((block) => ({ part: block.lostSyn, all: block.finished }))),
      ),
    ];
    return tests.filter((test) => test !== undefined);
  },
};

/** Groups of one result each have no share of failures: how many there are is what can change. */
const ofOneResult: DiffStrategy<HandshakeSide, HandshakeTest> = {
  ...byOutcome,
  create: (startNs) => new HandshakeSide(startNs, MOST_INTERVALS),
  shortage({ before, after }, durationsNs) {
    const events = Math.max(before.finished, after.finished);
    return events < LEAST_EVENTS ? `${events} of ${LEAST_EVENTS}` : missingTime(durationsNs);
  },
  tests(sides, durationsNs) {
    const lengthNs = commonIntervalNs(durationsNs.before, durationsNs.after);
    if (lengthNs === undefined) return [];
    const intervals = {
      before: sides.before.intervals(lengthNs, durationsNs.before),
      after: sides.after.intervals(lengthNs, durationsNs.after),
    };
    const attempts = rateTest<HandshakeTest>('attempts', ['more attempts', 'fewer attempts'], intervals, {
      before: { count: sides.before.finished, durationNs: durationsNs.before },
      after: { count: sides.after.finished, durationNs: durationsNs.after },
    });
    // More of them is good news or bad, whatever the result.
    const tests = [latencyTest(sides), attempts && { ...attempts, worse: false }];
    return tests.filter((test) => test !== undefined);
  },
};

/** Handshakes of two recordings. Attempts that still hang count for nothing. */
export class HandshakeDiff extends Diff<Handshake, HandshakeSide, HandshakeTest> {
  constructor(keys: readonly GroupKey<Handshake>[], startedNs: Sides<number>, limit?: number) {
    super(keys, startedNs, keys.some(({ name }) => name === 'result') ? ofOneResult : byOutcome, limit);
  }

  override add(side: Side, attempt: Handshake): void {
    if (attempt.outcome !== 'pending') this.statsOf(side, attempt).finish(attempt);
  }
}
