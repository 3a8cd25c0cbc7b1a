/** From where to where: one number for each pair of places, as in Pingmesh (Guo et al., SIGCOMM 2015). */
import type { PrometheusClient } from './prometheus.js';
import { increaseOf, METRICS, quantileOf, type Question } from './promql.js';
import { nanoseconds, QUANTILES, valueOf } from './rows.js';

/** What a cell may tell: nanoseconds of ok handshakes, or the share of attempts that had to send their SYN again. */
export const MATRIX_METRICS = ['p99', 'drop-rate'] as const;
export type MatrixMetric = (typeof MATRIX_METRICS)[number];

/** Green below `warn`, yellow up to `crit`, red above; in the unit of the metric. */
export interface Limits {
  warn: number;
  crit: number;
}

/** Pingmesh's: 4 and 5 ms of P99; a drop rate of 1e-4 to 1e-5 is normal, above 1e-3 is an alert. */
export const USUAL_LIMITS: Readonly<Record<MatrixMetric, Limits>> = {
  p99: { warn: 4e6, crit: 5e6 },
  'drop-rate': { warn: 1e-4, crit: 1e-3 },
};

export type CellState = 'green' | 'yellow' | 'red' | 'white';

export interface Cell {
  source: string;
  destination: string;
  attempts: number;
  /** Undefined where there is no data, or too little. */
  value: number | undefined;
  state: CellState;
}

/** Each source has a cell for each destination. */
export interface Matrix {
  sources: readonly string[];
  destinations: readonly string[];
  rows: readonly (readonly Cell[])[];
}

export interface MatrixOptions {
  limits: Limits;
  /** Pairs with fewer attempts are white: a quantile of few is chance. */
  leastAttempts: number;
  /** Only so many places: those with the most attempts. */
  top?: number;
}

/** A pair with what was measured of it. */
export type Pair = Pick<Cell, 'source' | 'destination' | 'attempts' | 'value'>;

export function stateOf(value: number | undefined, { warn, crit }: Limits): CellState {
  if (value === undefined) return 'white';
  if (value < warn) return 'green';
  return value <= crit ? 'yellow' : 'red';
}

/** Asks for the pairs of the two labels in `by`: source, destination. @throws {Failure} */
export async function fleetPairs(
  client: PrometheusClient,
  question: Question,
  metric: MatrixMetric,
): Promise<Pair[]> {
  const { atS, by } = question;
  const [from = '', to = ''] = by;
  const [attempts, measured] = await Promise.all([
    client.query(increaseOf(METRICS.attempts, question), atS),
    client.query(
      metric === 'p99' ? quantileOf(QUANTILES.p99, question) : increaseOf(METRICS.synLost, question),
      atS,
    ),
  ]);
  const name = (labels: Readonly<Record<string, string>>): string =>
    JSON.stringify([labels[from], labels[to]]);
  const values = new Map(measured.map((series) => [name(series.labels), valueOf(series)]));
  return attempts.map((series) => {
    const count = valueOf(series) ?? 0;
    const value = values.get(name(series.labels));
    const { [from]: source = '', [to]: destination = '' } = series.labels;
    const share = count > 0 && value !== undefined ? value / count : undefined;
    return { source, destination, attempts: count, value: metric === 'p99' ? nanoseconds(value) : share };
  });
}

/**
 * The matrix of pairs. Where sources and destinations are places of one kind, as regions are, both axes have all of them, so that the
 * diagonal is what stays in a place.
 */
export function matrixOf(pairs: readonly Pair[], { limits, leastAttempts, top }: MatrixOptions): Matrix {
  const sources = attemptsBy(pairs, 'source');
  const destinations = attemptsBy(pairs, 'destination');
  const isOneKind = [...sources.keys()].some((place) => destinations.has(place));
  const both = new Map([...sources, ...destinations]);
  for (const [place, attempts] of sources) both.set(place, attempts + (destinations.get(place) ?? 0));
  const kept = (places: ReadonlyMap<string, number>): string[] => busiest(isOneKind ? both : places, top);
  const matrix = { sources: kept(sources), destinations: kept(destinations) };
  const known = new Map(pairs.map((pair) => [JSON.stringify([pair.source, pair.destination]), pair]));
  const cell = (source: string, destination: string): Cell => {
    const { attempts = 0, value } = known.get(JSON.stringify([source, destination])) ?? {};
    const enough = attempts >= leastAttempts ? value : undefined;
    return { source, destination, attempts, value: enough, state: stateOf(enough, limits) };
  };
  const rows = matrix.sources.map((source) => matrix.destinations.map((to) => cell(source, to)));
  return { ...matrix, rows };
}

function attemptsBy(pairs: readonly Pair[], side: 'source' | 'destination'): Map<string, number> {
  const sums = new Map<string, number>();
  for (const pair of pairs) sums.set(pair[side], (sums.get(pair[side]) ?? 0) + pair.attempts);
  return sums;
}

/** The places with the most attempts, from A to Z. */
function busiest(places: ReadonlyMap<string, number>, top = Infinity): string[] {
  const byAttempts = [...places].sort(([, a], [, b]) => b - a).map(([place]) => place);
  return byAttempts.slice(0, top).sort();
}
