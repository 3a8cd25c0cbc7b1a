import type { GroupKey } from '../aggregate/grouping.js';
import type { RetransmitDiffRow, RetransmitSide, RetransmitTest } from '../aggregate/retransmit-diff.js';
import type { Column } from '../model/column.js';
import type { RetransItem } from '../model/retransmit.js';
import { formatElapsed } from '../model/units.js';
import { diffColumns, measureOf, type DiffMeasure, type Durations } from './diff-columns.js';

function stallQuantile(q: number, name: string, dropFirst: number): DiffMeasure<RetransmitSide> {
  const percent = q * 100;
  return {
    ...measureOf.duration,
    key: `stall_p${percent}_us`,
    pairKey: `stall_p${percent}`,
    header: `STALL P${percent}`,
    name: `${name} of how long flows had stood still when a timer sent again`,
    of: ({ stalls }) => stalls.quantile(q),
    dropFirst,
  };
}

const MEASURES: readonly DiffMeasure<RetransmitSide>[] = [
  {
    ...measureOf.rate,
    key: 'retrans_per_s',
    pairKey: 'rate',
    header: 'RETRANS/s',
    name: 'segments sent again a second',
    of: ({ segments }, durationNs) => (durationNs > 0 ? segments / (durationNs / 1e9) : undefined),
    dropFirst: 1,
  },
  {
    ...measureOf.percent,
    key: 'ratio_percent',
    pairKey: 'ratio',
    header: 'RATIO',
    name: 'segments sent again of all that were sent',
    of: ({ ratioPercent }) => ratioPercent,
    dropFirst: 2,
  },
  stallQuantile(0.5, 'median', 3),
  stallQuantile(0.95, '95th percentile', 4),
  stallQuantile(0.99, '99th percentile', 7),
  {
    key: 'stall_us',
    pairKey: 'stall',
    header: 'STALL',
    name: 'how long flows stood still, summed up',
    of: ({ stallNs }) => stallNs,
    text: (ns) => (ns === 0 ? '0' : formatElapsed(ns)),
    plain: (ns) => Math.round(ns / 1000),
    dropFirst: 6,
  },
  {
    ...measureOf.count,
    key: 'count',
    pairKey: 'count',
    header: 'RETRANS',
    name: 'segments sent again',
    of: ({ segments }) => segments,
    dropFirst: 5,
  },
  {
    ...measureOf.count,
    key: 'sent',
    pairKey: 'sent',
    header: 'SENT',
    name: 'segments sent, the ones sent again included',
    of: ({ sent }) => (sent === 0 ? undefined : sent),
    dropFirst: 8,
  },
  {
    ...measureOf.count,
    key: 'failed',
    pairKey: 'failed',
    header: 'FAILED',
    name: 'segments that could not leave this host',
    of: ({ failed }) => failed,
    dropFirst: 9,
    hidden: true,
  },
];

const TESTS = {
  retransmits: { name: 'segments sent again an interval', measure: () => 'rate' },
  ratio: { name: 'the retransmit ratio of an interval', measure: () => 'ratio' },
  stalls: {
    name: 'how long flows stood still',
    measure: ({ quantile = 0.5 }: { quantile?: number }) => `stall_p${quantile * 100}`,
  },
} as const;

/** Columns of a comparison of retransmissions. */
export function retransmitDiffColumns(
  keys: readonly GroupKey<RetransItem>[],
  durationsNs: Durations,
): Column<RetransmitDiffRow>[] {
  return diffColumns<RetransItem, RetransmitSide, RetransmitTest>({
    keys,
    durationsNs,
    measures: MEASURES,
    tests: TESTS,
    usual: ['rate'],
  });
}
