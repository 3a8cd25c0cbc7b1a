/** The fleet by labels: a row for each combination of their values. */
import type { Series } from './answer.js';
import type { PrometheusClient } from './prometheus.js';
import { increaseOf, METRICS, NO_HANDSHAKES, quantileOf, type Question } from './promql.js';

/** As many bars as a sparkline has. */
const MOST_POINTS = 60;
/** The least that two scrapes, a minute apart, surely lie in. */
const LEAST_WINDOW_S = 120;
const LEAST_STEP_S = 60;

export const QUANTILES = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;
export type QuantileName = keyof typeof QUANTILES;

/** Counts are over the range, and extrapolated by the server to its ends: no whole numbers. */
export interface FleetRow {
  /** Values of the labels that the question names, in its order; '' where a series has no such label. */
  keys: readonly string[];
  attempts: number;
  failed: number;
  lostSyn: number;
  /** Of ok handshakes; undefined where there were none. */
  quantilesNs: Readonly<Record<QuantileName, number | undefined>>;
  /** Segments sent again, but for SYN and SYN-ACK. */
  retransmitted: number;
  sent: number;
  /** P99 of each part of the range, if asked for. */
  trendNs: readonly (number | undefined)[];
}

/** When the points of a trend are. */
export interface Steps {
  count: number;
  stepS: number;
}

export function trendSteps(rangeS: number): Steps {
  const stepS = Math.max(LEAST_STEP_S, rangeS / MOST_POINTS);
  return { count: Math.max(1, Math.floor(rangeS / stepS)), stepS };
}

/** Rows by their keys. */
class Rows {
  private readonly rows = new Map<string, { -readonly [Key in keyof FleetRow]: FleetRow[Key] }>();

  constructor(private readonly by: readonly string[]) {}

  of({ labels }: Series): { -readonly [Key in keyof FleetRow]: FleetRow[Key] } {
    const keys = this.by.map((label) => labels[label] ?? '');
    const name = JSON.stringify(keys);
    const known = this.rows.get(name);
    if (known) return known;
    const counts = { attempts: 0, failed: 0, lostSyn: 0, retransmitted: 0, sent: 0 };
    const unknown = { p50: undefined, p95: undefined, p99: undefined };
    const row = { keys, ...counts, quantilesNs: unknown, trendNs: [] };
    this.rows.set(name, row);
    return row;
  }

  /** Those that anything happened in, from A to Z: servers have no order. */
  busy(): FleetRow[] {
    const named = [...this.rows].filter(([, { attempts, sent }]) => attempts > 0 || sent > 0);
    return named.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  }
}

/** Asks for everything at once. `trend` asks for P99 over time as well. @throws {Failure} */
export async function fleetRows(
  client: PrometheusClient,
  question: Question,
  trend: Steps | undefined,
): Promise<FleetRow[]> {
  const { atS } = question;
  const rows = new Rows(question.by);
  const count = async (
    field: 'attempts' | 'failed' | 'lostSyn' | 'retransmitted' | 'sent',
    expression: string,
  ): Promise<void> => {
    for (const series of await client.query(expression, atS)) rows.of(series)[field] = valueOf(series) ?? 0;
  };
  const quantile = async ([name, q]: [string, number]): Promise<void> => {
    for (const series of await client.query(quantileOf(q, question), atS)) {
      const row = rows.of(series);
      row.quantilesNs = { ...row.quantilesNs, [name]: nanoseconds(valueOf(series)) };
    }
  };
  await Promise.all([
    count('attempts', increaseOf(METRICS.attempts, question)),
    count('failed', increaseOf(METRICS.failures, question)),
    count('lostSyn', increaseOf(METRICS.synLost, question)),
    count('retransmitted', increaseOf(METRICS.retransmits, question, NO_HANDSHAKES)),
    count('sent', increaseOf(METRICS.sent, question)),
    ...Object.entries(QUANTILES).map(quantile),
    ...(trend ? [addTrend(client, question, trend, rows)] : []),
  ]);
  return rows.busy();
}

async function addTrend(
  client: PrometheusClient,
  question: Question,
  { count, stepS }: Steps,
  rows: Rows,
): Promise<void> {
  const { atS } = question;
  const startS = atS - (count - 1) * stepS;
  const expression = quantileOf(QUANTILES.p99, { ...question, rangeS: Math.max(stepS, LEAST_WINDOW_S) });
  for (const series of await client.queryRange(expression, { startS, endS: atS, stepS })) {
    const values = new Array<number | undefined>(count).fill(undefined);
    for (const [timeS, value] of series.points)
      values[Math.round((timeS - startS) / stepS)] = nanoseconds(value);
    rows.of(series).trendNs = values;
  }
}

/** The value of an instant query. */
export function valueOf({ points }: Series): number | undefined {
  return points[0]?.[1];
}

/** Seconds as nanoseconds; undefined where there is no number: the quantile of nothing. */
export function nanoseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined || !Number.isFinite(seconds) ? undefined : seconds * 1e9;
}
