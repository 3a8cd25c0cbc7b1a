import { LatencyHistogram } from '../model/histogram.js';
import {
  isFailed,
  isRetransmit,
  stallNs,
  type RetransItem,
  type Retransmit,
  type SocketGrowth,
} from '../model/retransmit.js';
import { commonIntervalNs } from '../model/statistics/counts.js';
import { fisherExact, type Share } from '../model/statistics/fisher.js';
import { rankSum, tallyOf } from '../model/statistics/rank-sum.js';
import { Blocks, type Mergeable } from './blocks.js';
import {
  Diff,
  LEAST_EVENTS,
  missingTime,
  type DiffRow,
  type DiffStrategy,
  type DiffTest,
  type Side,
  type Sides,
} from './diff.js';
import { doublings, durationTest, intervalTest, rateTest } from './diff-tests.js';
import type { GroupKey } from './grouping.js';
import { keepSocketsWhole } from './retransmit-keys.js';
import { RetransmitStats } from './retransmit-stats.js';
import { StallClock } from './stall-clock.js';

/** Intervals are short, so that recordings of very different length have a common one; only those that hold something take memory. */
const MOST_INTERVALS = 65_536;
const MOST_STALL_BLOCKS = 64;

/** Segments in one stretch of time. */
class SegmentCounts implements Mergeable<SegmentCounts> {
  again = 0;
  sent = 0;

  merge({ again, sent }: SegmentCounts): void {
    this.again += again;
    this.sent += sent;
  }
}

/** One side of a group: its counts, and the same by interval. */
export class RetransmitSide extends RetransmitStats {
  readonly #intervals: Blocks<SegmentCounts>;
  readonly #stallBlocks: Blocks<LatencyHistogram>;

  constructor(startNs: number) {
    super();
    this.#intervals = new Blocks(startNs, MOST_INTERVALS, () => new SegmentCounts());
    this.#stallBlocks = new Blocks(startNs, MOST_STALL_BLOCKS, () => new LatencyHistogram());
  }

  get stallBlocks(): LatencyHistogram[] {
    return this.#stallBlocks.all();
  }

  /** Segments in each full interval of a recording; undefined where nothing happened. */
  intervals(lengthNs: number, durationNs: number): (SegmentCounts | undefined)[] {
    return this.#intervals.series(lengthNs, Math.floor(durationNs / lengthNs)) ?? [];
  }

  override add(segment: Retransmit, addedStallNs: number): void {
    super.add(segment, addedStallNs);
    if (isFailed(segment)) return;
    this.#intervals.at(segment.timeNs).again += segment.segments;
    const stalled = stallNs(segment);
    if (stalled !== undefined) this.#stallBlocks.at(segment.timeNs).record(stalled);
  }

  override addSocket(socket: SocketGrowth): void {
    super.addSocket(socket);
    this.#intervals.at(socket.timeNs).sent += socket.segsOut;
  }
}

export type RetransmitTest = 'retransmits' | 'ratio' | 'stalls';
export type RetransmitDiffRow = DiffRow<RetransmitSide, RetransmitTest>;

type Intervals = Sides<readonly (SegmentCounts | undefined)[]>;

/** Segments sent again in each interval. */
function again(intervals: Intervals[Side]): number[] {
  return intervals.map((interval) => interval?.again ?? 0);
}

/** Whether more of what is sent is sent again: the ratio of each interval in which the sockets sent. */
function ratioTest(
  { before, after }: Intervals,
  sides: Sides<RetransmitSide>,
): DiffTest<RetransmitTest> | undefined {
  const ratios = (side: Intervals[Side]): number[] =>
    side.flatMap((interval) =>
      interval && interval.sent > 0 ? [Math.min(1, interval.again / interval.sent)] : [],
    );
  const [first, second] = [ratios(before), ratios(after)];
  if (Math.min(first.length, second.length) < LEAST_EVENTS) return undefined;
  const test = rankSum(tallyOf(first), tallyOf(second));
  if (!test) return undefined;
  const ratio = ({ segments, sent }: RetransmitSide): number => (segments + 0.5) / (sent + 1);
  const share = ({ segments, sent }: RetransmitSide): Share => ({
    part: Math.min(segments, sent),
    all: sent,
  });
  return intervalTest<RetransmitTest>('ratio', ['higher ratio', 'lower ratio'], test, {
    independentP: fisherExact(share(sides.before), share(sides.after)),
    change: doublings(ratio(sides.before), ratio(sides.after)),
  });
}

const strategy: DiffStrategy<RetransmitSide, RetransmitTest> = {
  create: (startNs) => new RetransmitSide(startNs),
  isEmpty: ({ segments, failed, sent }) => segments + failed + sent === 0,
  isShown: ({ before, after }) => before.segments + before.failed + after.segments + after.failed > 0,
  weight: ({ segments }) => segments,
  shortage({ before, after }, durationsNs) {
    // Segments on one side and none on the other can be a change, so that it is the greater number which counts.
    const events = Math.max(before.segments, after.segments);
    if (events < LEAST_EVENTS) return `${events} of ${LEAST_EVENTS}`;
    return missingTime(durationsNs);
  },
  tests(sides, durationsNs) {
    const lengthNs = commonIntervalNs(durationsNs.before, durationsNs.after);
    if (lengthNs === undefined) return [];
    const intervals: Intervals = {
      before: sides.before.intervals(lengthNs, durationsNs.before),
      after: sides.after.intervals(lengthNs, durationsNs.after),
    };
    const durations = ({
      stalls,
      stallBlocks,
    }: RetransmitSide): Parameters<typeof durationTest>[2][Side] => ({
      all: stalls,
      blocks: stallBlocks,
    });
    const tests = [
      rateTest<RetransmitTest>(
        'retransmits',
        ['more retransmits', 'fewer retransmits'],
        { before: again(intervals.before), after: again(intervals.after) },
        {
          before: { count: sides.before.segments, durationNs: durationsNs.before },
          after: { count: sides.after.segments, durationNs: durationsNs.after },
        },
      ),
      ratioTest(intervals, sides),
      durationTest<RetransmitTest>('stalls', ['longer stalls', 'shorter stalls'], {
        before: durations(sides.before),
        after: durations(sides.after),
      }),
    ];
    return tests.filter((test) => test !== undefined);
  },
};

/** Retransmissions of two recordings. */
export class RetransmitDiff extends Diff<RetransItem, RetransmitSide, RetransmitTest> {
  readonly #stalls: Sides<StallClock> = { before: new StallClock(), after: new StallClock() };
  readonly #withSent: boolean;

  constructor(keys: readonly GroupKey<RetransItem>[], startedNs: Sides<number>, limit?: number) {
    super(keys, startedNs, strategy, limit);
    this.#withSent = keepSocketsWhole(keys);
  }

  override add(side: Side, item: RetransItem): void {
    if (isRetransmit(item)) this.statsOf(side, item).add(item, this.#stalls[side].added(item));
    else if (this.#withSent) this.statsOf(side, item).addSocket(item);
  }
}
