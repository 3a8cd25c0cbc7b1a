import type { GroupKey } from '../aggregate/grouping.js';
import type { RetransmitGroup } from '../aggregate/retransmit-groups.js';
import type { Column } from '../model/column.js';
import { KINDS, type RetransItem } from '../model/retransmit.js';
import { formatCount, formatElapsed } from '../model/units.js';
import { countColumn, lastColumn, percentColumn, rateColumn } from './group-columns.js';
import { keyColumns } from './key-columns.js';

type GroupColumn = Column<RetransmitGroup>;

/** Retransmitted of all segments: from here on people notice. */
const HIGH_RATIO_PERCENT = 1;

function kindColumns(): GroupColumn[] {
  return KINDS.map((kind) => ({
    ...countColumn<RetransmitGroup>(
      kind,
      kind.toUpperCase(),
      `Segments sent again as ${kind}.`,
      ({ stats }) => stats.count(kind),
    ),
    width: Math.max(4, kind.length),
    dropFirst: 3,
  }));
}

function countColumns(): GroupColumn[] {
  return [
    {
      ...rateColumn<RetransmitGroup>(
        'Segments sent again a second, in the last interval.',
        ({ stats }) => stats.recent.ratePerSecond,
      ),
      dropFirst: 4,
    },
    {
      ...countColumn<RetransmitGroup>(
        'sent',
        'SENT',
        'Segments sent since the start, the ones sent again and bare ACKs included, by all sockets of the group; - where ' +
          'groups divide sockets (kind, state).',
        ({ stats }) => stats.sent,
      ),
      text: ({ stats }) => (stats.sent === 0 ? '-' : formatCount(stats.sent)),
      value: ({ stats }) => (stats.sent === 0 ? null : stats.sent),
      dropFirst: 2,
    },
    countColumn<RetransmitGroup>('retrans', 'RETRANS', 'Segments sent again.', ({ stats }) => stats.segments),
    {
      ...percentColumn<RetransmitGroup>(
        'ratio_percent',
        'RATIO',
        'Retransmit ratio: segments sent again of all that were sent.',
        ({ stats }) => stats.ratioPercent,
      ),
      tone: ({ stats }) => ((stats.ratioPercent ?? 0) >= HIGH_RATIO_PERCENT ? 'warn' : undefined),
    },
    ...kindColumns(),
    {
      key: 'stall_us',
      header: 'STALL',
      description: 'How long flows stood still, summed up: each moment counts once a flow.',
      align: 'right',
      width: 7,
      text: ({ stats }) => (stats.stallNs === 0 ? '-' : formatElapsed(stats.stallNs)),
      value: ({ stats }) => Math.round(stats.stallNs / 1000),
    },
    {
      ...countColumn<RetransmitGroup>(
        'spurious',
        'SPURIOUS',
        'Segments that had arrived the first time, as the other end reported (DSACK).',
        ({ stats }) => stats.spurious,
      ),
      dropFirst: 5,
    },
    {
      ...countColumn<RetransmitGroup>(
        'undone',
        'UNDONE',
        'Recoveries that the kernel took back, because nothing had been lost; from Linux 5.19 on.',
        ({ stats }) => stats.undone,
      ),
      hidden: true,
    },
    {
      ...countColumn<RetransmitGroup>(
        'failed',
        'FAILED',
        'Segments that could not leave this host; from Linux 6.17 on.',
        ({ stats }) => stats.failed,
      ),
      hidden: true,
      tone: ({ stats }) => (stats.failed > 0 ? 'bad' : undefined),
    },
  ];
}

/** Columns of `retrans --by`. */
export function retransmitGroupColumns(
  keys: readonly GroupKey<RetransItem>[],
  intervalSeconds: () => number,
): GroupColumn[] {
  return [
    ...keyColumns<RetransItem, RetransmitGroup['stats']>(keys),
    ...countColumns(),
    {
      ...lastColumn<RetransmitGroup>(
        'Segments sent again in each of the last intervals (up to 60), newest right, blank where there was none.',
        ['rate_per_s'],
        intervalSeconds,
        ({ stats }, length) => stats.recent.series(length),
      ),
      dropFirst: 6,
    },
  ];
}
