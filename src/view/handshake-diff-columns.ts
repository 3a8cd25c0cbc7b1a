import type { GroupKey } from '../aggregate/grouping.js';
import type { HandshakeDiffRow, HandshakeSide, HandshakeTest } from '../aggregate/handshake-diff.js';
import type { Column } from '../model/column.js';
import type { Handshake } from '../model/handshake.js';
import { quantileDifference, shareDifference } from '../model/statistics/intervals.js';
import { diffColumns, intervalColumns, measureOf, type DiffMeasure, type Durations } from './diff-columns.js';

function quantile(q: number, name: string, dropFirst: number): DiffMeasure<HandshakeSide> {
  const pairKey = `p${q * 100}`;
  return {
    ...measureOf.duration,
    key: `${pairKey}_us`,
    pairKey,
    header: pairKey.toUpperCase(),
    name: `${name} of the latency of ok attempts`,
    of: ({ latency }) => latency.quantile(q),
    dropFirst,
  };
}

const MEASURES: readonly DiffMeasure<HandshakeSide>[] = [
  quantile(0.5, 'median', 1),
  quantile(0.95, '95th percentile', 3),
  quantile(0.99, '99th percentile', 4),
  {
    ...measureOf.percent,
    key: 'fail_percent',
    pairKey: 'fail',
    header: 'FAIL',
    name: 'share of the attempts that failed',
    of: ({ failed, finished }) => (finished === 0 ? undefined : (100 * failed) / finished),
    dropFirst: 2,
  },
  {
    ...measureOf.percent,
    key: 'syn_loss_percent',
    pairKey: 'syn_loss',
    header: 'SYN LOSS',
    name: 'share of the attempts that had to send their SYN again',
    of: ({ synLossPercent }) => synLossPercent,
    dropFirst: 5,
  },
  {
    ...measureOf.rate,
    key: 'rate_per_s',
    pairKey: 'rate',
    header: 'RATE/s',
    name: 'attempts that ended a second',
    of: ({ finished }, durationNs) => (durationNs > 0 ? finished / (durationNs / 1e9) : undefined),
    dropFirst: 6,
  },
  {
    ...measureOf.count,
    key: 'count',
    pairKey: 'count',
    header: 'COUNT',
    name: 'attempts that ended',
    of: ({ finished }) => finished,
    dropFirst: 7,
  },
  {
    ...measureOf.count,
    key: 'failed',
    pairKey: 'failed',
    header: 'FAILED',
    name: 'attempts that failed',
    of: ({ failed }) => failed,
    dropFirst: 8,
    hidden: true,
  },
];

const TESTS = {
  latency: {
    name: 'the latency of ok attempts',
    measure: ({ quantile = 0.5 }: { quantile?: number }) => `p${quantile * 100}`,
  },
  failures: { name: 'the share that failed', measure: () => 'fail' },
  syn_loss: { name: 'the share that lost a SYN', measure: () => 'syn_loss' },
  attempts: { name: 'attempts an interval, where groups are of one result each', measure: () => 'rate' },
} as const;

/** 95 % intervals, for machines. */
function intervals(): Column<HandshakeDiffRow>[] {
  const share = ({ failed, finished }: HandshakeSide): { part: number; all: number } => ({
    part: failed,
    all: finished,
  });
  return [
    ...[50, 95].flatMap((percent) =>
      intervalColumns<HandshakeDiffRow>(
        (end) => `p${percent}_change_${end}_us`,
        `the p${percent} of the latency (order statistics, as if attempts were independent)`,
        ({ stats: { before, after } }) => {
          const interval = quantileDifference(before.latency, after.latency, percent / 100);
          return interval && { low: interval.low / 1000, high: interval.high / 1000 };
        },
      ),
    ),
    ...intervalColumns<HandshakeDiffRow>(
      (end) => `fail_change_${end}_points`,
      'the percentage that failed (Newcombe, as if attempts were independent)',
      ({ stats: { before, after } }) => {
        if (before.finished === 0 || after.finished === 0) return undefined;
        const { low, high } = shareDifference(share(before), share(after));
        return { low: 100 * low, high: 100 * high };
      },
    ),
  ];
}

/** Columns of a comparison of handshakes. */
export function handshakeDiffColumns(
  keys: readonly GroupKey<Handshake>[],
  durationsNs: Durations,
): Column<HandshakeDiffRow>[] {
  return [
    ...diffColumns<Handshake, HandshakeSide, HandshakeTest>({
      keys,
      durationsNs,
      measures: MEASURES,
      tests: TESTS,
      usual: ['p50', 'fail'],
    }),
    ...intervals(),
  ];
}
