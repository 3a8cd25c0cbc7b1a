/** Numbers and outside text as a person reads them, and durations as a person types them. */

import { sanitize } from '../events/primitives.js';

export { sanitize };

/** `.0` to `.9`, `.00` to `.99`. */
const TENTHS = Array.from({ length: 10 }, (_, digit) => `.${digit}`);
const HUNDREDTHS = Array.from({ length: 100 }, (_, digits) => `.${String(digits).padStart(2, '0')}`);
/** Nearer to the middle between two texts than this, the double's own digits decide. */
const CLOSE_CALL = 1e-6;

/** The same as toFixed(), which takes its time, of a number up to 1,000. */
function fixed(value: number, decimals: readonly string[]): string {
  const scaled = value * decimals.length;
  const rounded = Math.round(scaled);
  if (Math.abs(scaled - rounded) > 0.5 - CLOSE_CALL) return value.toFixed(decimals[0]!.length - 1);
  const whole = Math.floor(rounded / decimals.length);
  return String(whole) + decimals[rounded - whole * decimals.length]!;
}

/** Three significant digits of a number from 1 up to 999.4. */
function threeDigits(value: number): string {
  if (value < 9.995) return fixed(value, HUNDREDTHS);
  return value < 99.95 ? fixed(value, TENTHS) : String(Math.round(value));
}

/** From 100 s up: `1m 40s`, `2h 05m`, `4d 04h`, `123 d`. */
function longDuration(ns: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const seconds = Math.round(ns / 1e9);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes < 100) return `${minutes}m ${two(seconds % 60)}s`;
  if (hours < 100) return `${hours}h ${two(minutes % 60)}m`;
  const days = Math.floor(hours / 24);
  return days < 100 ? `${days}d ${two(hours % 24)}h` : `${days} d`;
}

/**
 * A duration with the unit that fits: `412 ns`, `9.87 µs`, `38.2 ms`, `1.003 s`, `1m 40s`. Below a second it has three
 * digits; seconds have milliseconds, because a lost SYN shows there. Never wider than 8 characters.
 */
export function formatDuration(ns: number): string {
  if (ns < 999.5) return `${Math.round(ns)} ns`;
  if (ns < 999.5e3) return `${threeDigits(ns / 1e3)} µs`;
  if (ns < 999.5e6) return `${threeDigits(ns / 1e6)} ms`;
  if (ns < 99.9995e9) return `${(ns / 1e9).toFixed(3)} s`;
  return longDuration(ns);
}

/** A duration whose milliseconds mean nothing, since it still grows or is a session's length: `2.1 s`, `42.0 s`. */
export function formatElapsed(ns: number): string {
  if (ns < 999.5e6) return formatDuration(ns);
  return ns < 99.95e9 ? `${(ns / 1e9).toFixed(1)} s` : longDuration(ns);
}

/** `1,204`. */
export function formatCount(count: number): string {
  const digits = String(Math.round(count));
  return digits.length < 4 ? digits : digits.replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `0`, `0.8`, `28.7`, `212`, `35.1k`, `1.2M`; what is too small to show is `<0.1`. */
export function formatRate(perSecond: number): string {
  if (perSecond <= 0) return '0';
  if (perSecond < 0.05) return '<0.1';
  if (perSecond < 99.95) return perSecond.toFixed(1);
  if (perSecond < 999.5) return perSecond.toFixed(0);
  if (perSecond < 999.95e3) return `${(perSecond / 1e3).toFixed(1)}k`;
  return `${(perSecond / 1e6).toFixed(1)}M`;
}

/** A number of percent: `0%`, `0.4%`, `100%`; never rounded to none or to all. */
export function formatPercent(percent: number): string {
  if (percent <= 0) return '0%';
  if (percent >= 100) return '100%';
  if (percent < 0.05) return '<0.1%';
  return `${Math.min(percent, 99.9).toFixed(1)}%`;
}

const BINARY_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `512 B`, `64 KiB`, `5.26 MiB`. */
export function formatBytes(bytes: number): string {
  const power = Math.min(Math.max(0, Math.floor(Math.log2(bytes) / 10)), BINARY_UNITS.length - 1);
  const value = bytes / 1024 ** power;
  return `${Number.isInteger(value) ? value : threeDigits(value)} ${BINARY_UNITS[power]}`;
}

const UNIT_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/**
 * Nanoseconds of `500us`, `250ms`, `1.5s`, `5m`, `1h`; a bare `0` needs no unit.
 * @throws RangeError with one line that says what a duration looks like.
 */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)$/.exec(text.trim());
  const unit = UNIT_NS[match?.[2] ?? ''];
  if (match && unit !== undefined) return Math.round(Number(match[1]) * unit);
  if (/^0+$/.test(text.trim())) return 0;
  throw new RangeError(
    `"${sanitize(text)}" is not a duration: write a number and a unit, as in 500us 250ms 30s 5m 1h`,
  );
}
