/** Columns of `tcpscope fleet`. */
import type { Cell, MatrixMetric } from '../fleet/matrix.js';
import type { FleetRow, QuantileName, Steps } from '../fleet/rows.js';
import type { Column, Tone } from '../model/column.js';
import { HANDSHAKE_EDGES_S } from '../model/network.js';
import { formatDuration, formatPercent, sanitize } from '../model/units.js';
import { countColumn, lastColumn, percentColumn } from './group-columns.js';

type FleetColumn = Column<FleetRow>;

const LAST_EDGE_NS = (HANDSHAKE_EDGES_S.at(-1) ?? Infinity) * 1e9;
/** Shares of attempts: what Pingmesh takes for normal, and for an alert. */
const NORMAL_LOSS = 1e-4;
const HIGH_LOSS = 1e-3;
/** Retransmitted of all segments: from here on people notice. */
const HIGH_RATIO = 0.01;

/** A quantile above the last edge is unknown; the server gives the edge. */
export function latencyText(ns: number | undefined): string {
  if (ns === undefined) return '-';
  return ns >= LAST_EDGE_NS ? `≥${formatDuration(LAST_EDGE_NS)}` : formatDuration(ns);
}

/** Two digits of what is below 1 %: drop rates are a few in ten thousand. */
export function shareText(share: number): string {
  const percent = share * 100;
  if (percent <= 0 || percent >= 0.995) return formatPercent(percent);
  return percent < 0.001 ? '<0.001%' : `${Number(percent.toPrecision(2))}%`;
}

function shareColumn(
  key: string,
  header: string,
  description: string,
  of: (row: FleetRow) => number | undefined,
  tone: (share: number) => Tone | undefined,
): FleetColumn {
  const percentOf = (row: FleetRow): number | undefined => {
    const share = of(row);
    return share === undefined ? undefined : share * 100;
  };
  return {
    ...percentColumn<FleetRow>(key, header, description, percentOf),
    width: Math.max(7, header.length),
    text: (row) => {
      const share = of(row);
      return share === undefined ? '-' : shareText(share);
    },
    // Three decimals of a percentage are too few here.
    value: (row) => {
      const percent = percentOf(row);
      return percent === undefined ? null : Number(percent.toPrecision(6));
    },
    tone: (row) => tone(of(row) ?? 0),
  };
}

function ofAll(part: number, all: number): number | undefined {
  return all > 0 ? part / all : undefined;
}

const lossTone = (share: number): Tone | undefined =>
  share > HIGH_LOSS ? 'bad' : share > NORMAL_LOSS ? 'warn' : undefined;

/** The number that a machine reads: what the server extrapolates is no whole one. */
function countedColumn(
  key: string,
  header: string,
  description: string,
  of: (row: FleetRow) => number,
): FleetColumn {
  return {
    ...countColumn<FleetRow>(key, header, description, of),
    value: (row) => Math.round(of(row) * 1000) / 1000,
  };
}

function quantileColumn(name: QuantileName, description: string, dropFirst: number): FleetColumn {
  return {
    key: `${name}_us`,
    header: name.toUpperCase(),
    description,
    align: 'right',
    width: 7,
    dropFirst,
    text: ({ quantilesNs }) => latencyText(quantilesNs[name]),
    value: ({ quantilesNs }) => {
      const ns = quantilesNs[name];
      return ns === undefined ? null : Math.round(ns) / 1000;
    },
  };
}

/** One for each label of `--by`. */
function labelColumns(by: readonly string[]): FleetColumn[] {
  return by.map((label, at) => ({
    key: label,
    header: label.toUpperCase().replaceAll('_', ' '),
    description: `The label ${label}.`,
    align: 'left',
    width: 12,
    minWidth: 6,
    text: ({ keys }) => sanitize(keys[at] ?? '') || '-',
    value: ({ keys }) => sanitize(keys[at] ?? '') || null,
  }));
}

/** P99 as bars. There is no value of it for machines, which can ask the server themselves. */
function trendColumn({ count, stepS }: Steps): FleetColumn {
  const column = lastColumn<FleetRow>(
    'P99 of each part of the range, newest right, blank where none succeeded: with --trend.',
    ['p99_us'],
    () => stepS,
    ({ trendNs }, length) => trendNs.slice(-length),
  );
  return { ...column, width: count, minWidth: Math.min(count, 10), stretchTo: count, dropFirst: 7 };
}

/** Columns of a table by these labels. */
export function fleetColumns(by: readonly string[], trend?: Steps): FleetColumn[] {
  return [
    ...labelColumns(by),
    countedColumn('attempts', 'ATTEMPTS', 'Attempts that ended.', ({ attempts }) => attempts),
    {
      ...countedColumn('fail', 'FAIL', 'Attempts that failed, in any way.', ({ failed }) => failed),
      tone: ({ failed, attempts }) => lossTone(ofAll(failed, attempts) ?? 0),
    },
    {
      ...countedColumn(
        'lost_syn',
        'LOST SYN',
        'Attempts that had to send their SYN again.',
        ({ lostSyn }) => lostSyn,
      ),
      hidden: true,
    },
    {
      ...shareColumn(
        'syn_loss_percent',
        'SYN LOSS',
        'Share of the attempts that ended which had to send their SYN again: Pingmesh’s drop rate.',
        ({ lostSyn, attempts }) => ofAll(lostSyn, attempts),
        lossTone,
      ),
      dropFirst: 1,
    },
    quantileColumn('p50', 'Median latency of ok attempts of all hosts.', 2),
    quantileColumn('p95', '95th percentile of the latency of ok attempts of all hosts.', 5),
    quantileColumn('p99', '99th percentile of the latency of ok attempts of all hosts.', 0),
    {
      ...shareColumn(
        'ratio_percent',
        'RETRANS',
        'Retransmit ratio: segments sent again of all that were sent; SYN and SYN-ACK are not counted as sent again.',
        ({ retransmitted, sent }) => ofAll(retransmitted, sent),
        (share) => (share > HIGH_RATIO ? 'warn' : undefined),
      ),
      dropFirst: 3,
    },
    ...(trend ? [trendColumn(trend)] : []),
  ];
}

/** Columns of the pairs of a heatmap, for JSON and CSV. */
export function pairColumns(metric: MatrixMetric): Column<Cell>[] {
  const text = (value: unknown): string => String(value);
  const column = (
    key: string,
    description: string,
    value: NonNullable<Column<Cell>['value']>,
  ): Column<Cell> => ({
    key,
    header: key.toUpperCase(),
    description,
    align: 'left',
    width: 12,
    text: (cell, context) => text(value(cell, context)),
    value,
  });
  return [
    column('source', 'Where attempts come from.', ({ source }) => sanitize(source) || null),
    column('destination', 'Where they go to.', ({ destination }) => sanitize(destination) || null),
    column('attempts', 'Attempts that ended.', ({ attempts }) => Math.round(attempts * 1000) / 1000),
    metric === 'p99'
      ? column('p99_us', '99th percentile of the latency of ok attempts of all hosts.', ({ value }) =>
          value === undefined ? null : Math.round(value) / 1000,
        )
      : column(
          'drop_rate',
          'Share of attempts that had to send their SYN again.',
          ({ value }) => value ?? null,
        ),
    column('state', 'green, yellow, red, or white: no data.', ({ state }) => state),
  ];
}
