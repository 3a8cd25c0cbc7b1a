import type { GroupKey } from '../aggregate/grouping.js';
import type { RetransmitGroup } from '../aggregate/retransmit-groups.js';
import { keepSocketsWhole } from '../aggregate/retransmit-keys.js';
import type { Column } from '../model/column.js';
import { KINDS, type Kind, type RetransItem } from '../model/retransmit.js';
import { formatCount, formatElapsed } from '../model/units.js';
import { countColumn, lastColumn, percentColumn, rateColumn } from './group-columns.js';
import { keyColumns } from './key-columns.js';

type GroupColumn = Column<RetransmitGroup>;

/** Retransmitted of all segments: from here on people notice. */
const HIGH_RATIO_PERCENT = 1;

/** Kinds leave a narrow terminal one by one, from the end: what makes programs wait stays. */
const STAYING: readonly Kind[] = ['rto', 'syn', 'synack', 'fast', 'tlp', 'loss'];

function kindColumns(hidden: boolean): GroupColumn[] {
  return KINDS.map((kind) => ({
    ...countColumn<RetransmitGroup>(
      kind,
      kind.toUpperCase(),
      `Segments sent again as ${kind}.`,
      ({ stats }) => stats.count(kind),
    ),
    width: Math.max(4, kind.length),
    dropFirst: 1 + STAYING.indexOf(kind),
    hidden,
  }));
}

/** A count that only whole sockets tell: not known where groups divide them, or of a handshake alone. */
function socketColumn(
  column: Pick<GroupColumn, 'key' | 'header' | 'description' | 'hidden'> & { dropFirst?: number },
  of: (stats: RetransmitGroup['stats']) => number,
): GroupColumn {
  const { key, header, description } = column;
  const known = ({ stats }: RetransmitGroup): number | null => (stats.sent === 0 ? null : of(stats));
  return {
    ...countColumn<RetransmitGroup>(key, header, description, ({ stats }) => of(stats)),
    ...column,
    text: (row) => {
      const count = known(row);
      return count === null ? '-' : formatCount(count);
    },
    value: known,
  };
}

function sentColumns(hidden: boolean): GroupColumn[] {
  return [
    socketColumn(
      {
        key: 'sent',
        header: 'SENT',
        description:
          'Segments sent since the start, the ones sent again and bare ACKs included, by all sockets of the group; - where ' +
          'groups divide sockets (kind, state).',
        dropFirst: 7,
        hidden,
      },
      ({ sent }) => sent,
    ),
    {
      ...countColumn<RetransmitGroup>(
        'retrans',
        'RETRANS',
        'Segments sent again.',
        ({ stats }) => stats.segments,
      ),
      dropFirst: -2,
    },
    {
      ...percentColumn<RetransmitGroup>(
        'ratio_percent',
        'RATIO',
        'Retransmit ratio: segments sent again of all that were sent.',
        ({ stats }) => stats.ratioPercent,
      ),
      dropFirst: 0,
      hidden,
      tone: ({ stats }) => ((stats.ratioPercent ?? 0) >= HIGH_RATIO_PERCENT ? 'warn' : undefined),
    },
  ];
}

function unneededColumns(hidden: boolean): GroupColumn[] {
  return [
    socketColumn(
      {
        key: 'spurious',
        header: 'SPURIOUS',
        description: 'Segments that had arrived the first time, as the other end reported (DSACK).',
        dropFirst: 9,
        hidden,
      },
      ({ spurious }) => spurious,
    ),
    socketColumn(
      {
        key: 'undone',
        header: 'UNDONE',
        description:
          'Recoveries that the kernel took back, because nothing had been lost; from Linux 5.19 on.',
        hidden: true,
      },
      ({ undone }) => undone,
    ),
  ];
}

/** Columns of `retrans --by`. What the keys make constant is there to be asked for. */
export function retransmitGroupColumns(
  keys: readonly GroupKey<RetransItem>[],
  intervalSeconds: () => number,
): GroupColumn[] {
  const divided = !keepSocketsWhole(keys);
  return [
    ...keyColumns<RetransItem, RetransmitGroup['stats']>(keys),
    {
      ...rateColumn<RetransmitGroup>(
        'Segments sent again a second, in the last interval.',
        ({ stats }) => stats.recent.ratePerSecond,
      ),
      dropFirst: 8,
    },
    ...sentColumns(divided),
    ...kindColumns(keys.some(({ name }) => name === 'kind')),
    {
      key: 'stall_us',
      header: 'STALL',
      description: 'How long flows stood still, summed up: each moment counts once a flow.',
      align: 'right',
      width: 7,
      dropFirst: -1,
      text: ({ stats }) => (stats.stallNs === 0 ? '-' : formatElapsed(stats.stallNs)),
      value: ({ stats }) => Math.round(stats.stallNs / 1000),
    },
    ...unneededColumns(divided),
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
    {
      ...lastColumn<RetransmitGroup>(
        'Segments sent again in each of the last intervals (up to 60), newest right, blank where there was none.',
        ['rate_per_s'],
        intervalSeconds,
        ({ stats }, length) => stats.recent.series(length),
      ),
      dropFirst: 10,
    },
  ];
}
