import type { GroupKey } from '../aggregate/grouping.js';
import type { HandshakeGroup } from '../aggregate/handshake-groups.js';
import type { Column } from '../model/column.js';
import { OUTCOMES, type Handshake } from '../model/handshake.js';
import type { LatencyHistogram } from '../model/histogram.js';
import { countColumn, lastColumn, percentColumn, rateColumn } from './group-columns.js';
import { keyColumns } from './key-columns.js';
import { durationText } from './quantiles.js';

type GroupColumn = Column<HandshakeGroup>;

function quantile(
  name: string,
  description: string,
  dropFirst: number,
  of: (latency: LatencyHistogram) => number | undefined,
): GroupColumn {
  return {
    key: `${name}_us`,
    header: name.toUpperCase(),
    description,
    align: 'right',
    width: 7,
    dropFirst,
    text: ({ stats }) => durationText(of(stats.latency)),
    value: ({ stats }) => {
      const ns = of(stats.latency);
      return ns === undefined ? null : ns / 1000;
    },
  };
}

/** Failures by kind: there to be asked for. */
function outcomeColumns(): GroupColumn[] {
  return OUTCOMES.filter((outcome) => outcome !== 'ok' && outcome !== 'pending').map((outcome) => ({
    ...countColumn<HandshakeGroup>(
      outcome.replaceAll('-', '_'),
      outcome.toUpperCase(),
      `Attempts that ended ${outcome}.`,
      ({ stats }) => stats.count(outcome),
    ),
    hidden: true,
  }));
}

function countColumns(): GroupColumn[] {
  return [
    {
      ...rateColumn<HandshakeGroup>(
        'Attempts that ended a second, in the last interval.',
        ({ stats }) => stats.recent.ratePerSecond,
      ),
      dropFirst: 3,
    },
    {
      ...countColumn<HandshakeGroup>(
        'attempts',
        'ATTEMPTS',
        'Attempts that ended.',
        ({ stats }) => stats.finished,
      ),
      hidden: true,
    },
    {
      ...countColumn<HandshakeGroup>('ok', 'OK', 'Attempts that succeeded.', ({ stats }) => stats.ok),
      dropFirst: -1,
    },
    {
      ...countColumn<HandshakeGroup>(
        'fail',
        'FAIL',
        'Attempts that failed, in any way.',
        ({ stats }) => stats.failed,
      ),
      dropFirst: -2,
      tone: ({ stats }) => (stats.failed > 0 ? 'bad' : undefined),
    },
    ...outcomeColumns(),
    {
      ...countColumn<HandshakeGroup>(
        'pending',
        'PEND',
        'Attempts that hang now.',
        ({ stats }) => stats.pending,
      ),
      width: 4,
      dropFirst: 6,
      tone: ({ stats }) => (stats.pending > 0 ? 'warn' : undefined),
    },
    {
      ...countColumn<HandshakeGroup>(
        'lost_syn',
        'LOST SYN',
        'Attempts that had to send their SYN again.',
        ({ stats }) => stats.lostSyn,
      ),
      hidden: true,
    },
    {
      ...percentColumn<HandshakeGroup>(
        'syn_loss_percent',
        'SYN LOSS',
        'Share of the attempts that ended which had to send their SYN again.',
        ({ stats }) => stats.synLossPercent,
      ),
      dropFirst: 1,
      tone: ({ stats }) => (stats.lostSyn > 0 ? 'warn' : undefined),
    },
  ];
}

/** p95 and not counts: latency is what the user came for. */
function lastColumns(intervalSeconds: () => number): GroupColumn[] {
  return [
    {
      ...lastColumn<HandshakeGroup>(
        'p95 latency of each of the last intervals (up to 60), newest right, blank where none succeeded. The lowest bar ' +
          'is the smallest of them, each step at least doubles it.',
        ['interval_p95_us'],
        intervalSeconds,
        ({ stats }, length) => stats.recent.series(length),
      ),
      dropFirst: 7,
    },
    {
      key: 'interval_p95_us',
      header: 'P95 NOW',
      description: '95th percentile of the latency of ok attempts in the last interval alone.',
      align: 'right',
      width: 7,
      hidden: true,
      text: ({ stats }) => durationText(stats.recent.p95Ns),
      value: ({ stats }) => (stats.recent.p95Ns === undefined ? null : stats.recent.p95Ns / 1000),
    },
  ];
}

/** Columns of `connlat --by`. */
export function handshakeGroupColumns(
  keys: readonly GroupKey<Handshake>[],
  intervalSeconds: () => number,
): GroupColumn[] {
  return [
    ...keyColumns<Handshake, HandshakeGroup['stats']>(keys),
    ...countColumns(),
    quantile('p50', 'Median latency of ok attempts.', 2, (latency) => latency.quantile(0.5)),
    quantile('p95', '95th percentile of the latency of ok attempts.', 5, (latency) => latency.quantile(0.95)),
    quantile('p99', '99th percentile of the latency of ok attempts.', 0, (latency) => latency.quantile(0.99)),
    quantile('max', 'Highest latency of ok attempts.', 4, (latency) => latency.max),
    ...lastColumns(intervalSeconds),
  ];
}
