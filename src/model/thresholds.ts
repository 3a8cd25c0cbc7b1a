/** What `health` compares its figures with, and what comes of it. */
import { nearest } from './nearest.js';
import { formatCount, formatDuration, parseDuration, sanitize } from './units.js';

/** Exit code of a run that crossed a threshold: it did what it was asked for, so this is none of the failures of EXIT. */
export const CROSSED_EXIT_CODE = 3;

/** Of a part of the whole, of a time, of a time in each second, of a number in the window. */
type Unit = 'share' | 'duration' | 'per-second' | 'count';

interface Kind {
  /** As a sentence names it. */
  readonly label: string;
  readonly unit: Unit;
}

const quantile = (label: string, side: string): Kind => ({
  label: `${label} ${side}`,
  unit: 'duration',
});

/** Every threshold by its name. */
export const THRESHOLD_KINDS = {
  'syn-loss': { label: 'SYN loss', unit: 'share' },
  failures: { label: 'failures', unit: 'share' },
  'p50-internal': quantile('P50', 'inside'),
  'p95-internal': quantile('P95', 'inside'),
  'p99-internal': quantile('P99', 'inside'),
  'p50-external': quantile('P50', 'outside'),
  'p95-external': quantile('P95', 'outside'),
  'p99-external': quantile('P99', 'outside'),
  retransmits: { label: 'segments sent again', unit: 'share' },
  stall: { label: 'standstill', unit: 'per-second' },
  'accept-overflows': { label: 'accept queue overflows', unit: 'count' },
} as const satisfies Record<string, Kind>;

export type ThresholdName = keyof typeof THRESHOLD_KINDS;
export const THRESHOLD_NAMES = Object.keys(THRESHOLD_KINDS) as ThresholdName[];

const MIN_ATTEMPTS = 'min-attempts';
const NO_LIMIT = 'off';
/** What can be set: each threshold, and the least number of attempts. */
export const THRESHOLD_SETTINGS = [...THRESHOLD_NAMES, MIN_ATTEMPTS];

export interface Thresholds {
  /** Shares from 0 to 1, nanoseconds (of each second for `stall`), counts. What has none is not judged. */
  readonly limits: Readonly<Partial<Record<ThresholdName, number | undefined>>>;
  /** Of fewer attempts (handshakes, segments) no share or quantile is judged. */
  readonly minAttempts: number;
}

/** Pingmesh (SIGCOMM 2015) tells its operators of a drop rate above 1e-3 and of a P99 above 5 ms within a data centre. */
export const DEFAULT_THRESHOLDS: Thresholds = {
  limits: { 'syn-loss': 1e-3, 'p99-internal': 5e6 },
  minAttempts: 100,
};

/**
 * The same with one of them set anew: to a value such as `0.1%`, `5ms`, `10`, or to `off`.
 * @throws {RangeError} with a line that says what would be right
 */
export function withThreshold(thresholds: Thresholds, name: string, text: string): Thresholds {
  if (name === MIN_ATTEMPTS) return { ...thresholds, minAttempts: parseCount(text) };
  if (!isThreshold(name))
    throw new RangeError(
      `unknown threshold "${sanitize(name)}"; nearest: ${nearest(name, THRESHOLD_SETTINGS)}; thresholds: ${THRESHOLD_SETTINGS.join(', ')}`,
    );
  const limit = text === NO_LIMIT ? undefined : parseLimit(name, text);
  return { ...thresholds, limits: { ...thresholds.limits, [name]: limit } };
}

function isThreshold(name: string): name is ThresholdName {
  return Object.hasOwn(THRESHOLD_KINDS, name);
}

function parseLimit(name: ThresholdName, text: string): number {
  const { unit } = THRESHOLD_KINDS[name];
  if (unit === 'count') return parseCount(text);
  if (unit === 'share') return parseShare(text);
  try {
    return parseDuration(text);
  } catch {
    throw wrong(text, `duration; write 5ms, or ${NO_LIMIT}`);
  }
}

function parseCount(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value)) return value;
  throw wrong(text, 'whole number; write 100');
}

/** `0.1%`, `0.001` and `1e-3` are the same. */
function parseShare(text: string): number {
  const match = /^(\d*\.?\d+(?:e-\d+)?)(%?)$/.exec(text);
  const value = match ? Number(match[1]) / (match[2] === '%' ? 100 : 1) : NaN;
  if (value <= 1) return value;
  throw wrong(text, `share; write 0.1% or 0.001, or ${NO_LIMIT}`);
}

const wrong = (text: string, wanted: string): RangeError =>
  new RangeError(`"${sanitize(text)}" is no ${wanted}`);

/** From this share of a threshold on, a figure is near it: Pingmesh draws a P99 from 4 to 5 ms yellow. */
const NEAR = 0.8;

/** How a figure stands to its threshold; `few`: there is too little of it to tell. */
export const STANDINGS = ['few', 'ok', 'near', 'crossed'] as const;
export type Standing = (typeof STANDINGS)[number];

/** A figure, and of how many attempts it is; these are undefined where it is no share or quantile. */
export interface Figure {
  readonly name: ThresholdName;
  /** In the unit of its threshold; undefined if there is nothing that it could be of. */
  readonly value: number | undefined;
  readonly samples: number | undefined;
}

export interface Judgement {
  readonly name: ThresholdName;
  readonly value: number;
  readonly limit: number;
  readonly standing: Standing;
  /** How many times its limit it is. */
  readonly excess: number;
}

/** Undefined for a figure that has no threshold, or that is of nothing at all. */
export function judge({ name, value, samples }: Figure, thresholds: Thresholds): Judgement | undefined {
  const limit = thresholds.limits[name];
  if (limit === undefined || value === undefined) return undefined;
  const few = samples !== undefined && samples < thresholds.minAttempts;
  return {
    name,
    value,
    limit,
    standing: few ? 'few' : standingOf(value, limit),
    excess: excessOf(value, limit),
  };
}

function standingOf(value: number, limit: number): Standing {
  if (value > limit) return 'crossed';
  return value > 0 && value >= NEAR * limit ? 'near' : 'ok';
}

function excessOf(value: number, limit: number): number {
  if (value === 0) return 0;
  return limit === 0 ? Infinity : value / limit;
}

/** The worst of them; `ok` of none. */
export function worstOf(standings: readonly Standing[]): Standing {
  const ranks = standings.map((standing) => STANDINGS.indexOf(standing));
  return STANDINGS[Math.max(...ranks)] ?? 'ok';
}

/** `0.12%`, `7.3%`, `12%`: the digits that tell a share from its threshold. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent < 0.001 && percent > 0) return '<0.001%';
  return `${Number(percent.toPrecision(percent < 10 ? 2 : 3))}%`;
}

/** A value or limit of a threshold as a person reads it. */
export function formatFigure(name: ThresholdName, value: number): string {
  switch (THRESHOLD_KINDS[name].unit) {
    case 'share':
      return formatShare(value);
    case 'duration':
      return formatDuration(value);
    case 'per-second':
      return `${formatDuration(value)} a second`;
    case 'count':
      return formatCount(value);
  }
}

/** The same without digits that a limit does not need: `5 ms` and not `5.00 ms`. */
export function formatLimit(name: ThresholdName, limit: number): string {
  return formatFigure(name, limit)
    .replace(/(\.\d*?)0+(?= )/, '$1')
    .replace(/\.(?= )/, '');
}
