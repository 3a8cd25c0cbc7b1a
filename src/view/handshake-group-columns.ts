import type { GroupKey } from '../aggregate/grouping.js';
import type { HandshakeGroup } from '../aggregate/handshake-groups.js';
import type { Column } from '../model/column.js';
import { OUTCOMES, type Handshake } from '../model/handshake.js';
import type { LatencyHistogram } from '../model/histogram.js';
import { formatCount, formatElapsed, formatPercent, formatRate } from '../model/units.js';
import { keyColumns } from './key-columns.js';
import { durationText } from './quantiles.js';
import { sparkline } from './scale.js';

const MOST_INTERVALS = 60;

type GroupColumn = Column<HandshakeGroup>;
/** A quotient without digits that mean nothing. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

type Count = (group: HandshakeGroup) => number;

function count(key: string, header: string, description: string, of: Count): GroupColumn {
  const width = Math.max(5, header.length);
  return {
    key,
    header,
    description,
    align: 'right',
    width,
    text: (group) => formatCount(of(group)),
    value: of,
  };
}

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
    ...count(
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
      key: 'rate_per_s',
      header: 'RATE/s',
      description: 'Attempts that ended a second, in the last interval.',
      align: 'right',
      width: 6,
      dropFirst: 3,
      text: ({ stats }) => formatRate(stats.recent.ratePerSecond),
      value: ({ stats }) => rounded(stats.recent.ratePerSecond),
    },
    { ...count('attempts', 'ATTEMPTS', 'Attempts that ended.', ({ stats }) => stats.finished), hidden: true },
    { ...count('ok', 'OK', 'Attempts that succeeded.', ({ stats }) => stats.ok), dropFirst: -1 },
    {
      ...count('fail', 'FAIL', 'Attempts that failed, in any way.', ({ stats }) => stats.failed),
      dropFirst: -2,
      tone: ({ stats }) => (stats.failed > 0 ? 'bad' : undefined),
    },
    ...outcomeColumns(),
    {
      ...count('pending', 'PEND', 'Attempts that hang now.', ({ stats }) => stats.pending),
      width: 4,
      dropFirst: 6,
      tone: ({ stats }) => (stats.pending > 0 ? 'warn' : undefined),
    },
    {
      ...count(
        'lost_syn',
        'LOST SYN',
        'Attempts that had to send their SYN again.',
        ({ stats }) => stats.lostSyn,
      ),
      hidden: true,
    },
    {
      key: 'syn_loss_percent',
      header: 'SYN LOSS',
      description: 'Share of the attempts that ended which had to send their SYN again.',
      align: 'right',
      width: 8,
      dropFirst: 1,
      text: ({ stats }) => (stats.synLossPercent === undefined ? '-' : formatPercent(stats.synLossPercent)),
      value: ({ stats }) => (stats.synLossPercent === undefined ? null : rounded(stats.synLossPercent)),
      tone: ({ stats }) => (stats.lostSyn > 0 ? 'warn' : undefined),
    },
  ];
}

/** p95 and not counts: latency is what the user came for. */
function lastColumns(intervalSeconds: () => number): GroupColumn[] {
  return [
    {
      key: 'last',
      header: 'LAST',
      description:
        'p95 latency of each of the last intervals (up to 60), newest right, blank where none succeeded. The lowest bar ' +
        'is the smallest of them, each step at least doubles it.',
      align: 'left',
      width: MOST_INTERVALS,
      minWidth: 10,
      stretchTo: MOST_INTERVALS,
      dropFirst: 7,
      headerAt: (width) => {
        const shown = Math.min(width, MOST_INTERVALS) * intervalSeconds();
        const header = shown >= 99.95 ? formatElapsed(shown * 1e9) : `${Math.round(shown * 10) / 10} s`;
        return shown > 0 ? `LAST ${header}` : 'LAST';
      },
      text: ({ stats }, _context, width) =>
        sparkline(stats.recent.p95Series(Math.min(width, MOST_INTERVALS))),
      parts: ['interval_p95_us'],
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
