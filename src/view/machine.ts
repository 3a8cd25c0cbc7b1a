import type { Column, Plain, TextContext } from '../model/column.js';

/** Turns the values of a row into a line. */
export type LineWriter = (values: readonly Plain[]) => string;

export function valueOf<Item>(column: Column<Item>, item: Item, context: TextContext): Plain {
  return column.value?.(item, context) ?? null;
}

/** `.001` to `.999`; '' at 0. */
const DECIMALS = Array.from({ length: 1000 }, (_, thousandths) => String(thousandths / 1000).slice(1));

/**
 * String(value), which takes its time for a number with decimals. Up to three are written here: numbers of 15 digits are all different
 * as doubles, so there is no shorter text that means the same.
 */
export function numberText(value: number): string {
  const thousandths = Math.round(value * 1000);
  const isShort = thousandths > 0 && thousandths < 1e15 && thousandths / 1000 === value;
  if (!isShort || Number.isInteger(value)) return String(value);
  const whole = Math.floor(value);
  return String(whole) + DECIMALS[thousandths - whole * 1000]!;
}

/** ASCII without what JSON escapes. */
const PLAIN_TEXT = /^[ !#-[\]-~]*$/;

function jsonValue(value: Plain): string {
  // JSON.stringify() takes its time, also for what needs nothing.
  if (typeof value === 'number') return Number.isFinite(value) ? numberText(value) : 'null';
  if (typeof value === 'string') return PLAIN_TEXT.test(value) ? `"${value}"` : JSON.stringify(value);
  return String(value);
}

function csvCell(value: Plain): string {
  if (value === null) return '';
  const text = typeof value === 'number' ? numberText(value) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The two machine formats: what comes first, and what a line is made of. */
export interface MachineFormat {
  header(keys: readonly string[]): string;
  /** What stands before the value of each key. */
  before(keys: readonly string[]): string[];
  value(value: Plain): string;
  /** What ends a line. */
  readonly end: string;
}

/** NDJSON: `{"time":"…","pid":2817}`. */
export const JSON_FORMAT: MachineFormat = {
  header: () => '',
  before: (keys) => keys.map((key, at) => `${at === 0 ? '{' : ','}${JSON.stringify(key)}:`),
  value: jsonValue,
  end: '}\n',
};

/** RFC 4180 with the line end that grep, sort and awk expect; null is an empty cell. */
export const CSV_FORMAT: MachineFormat = {
  header: (keys) => `${keys.map(csvCell).join(',')}\n`,
  before: (keys) => keys.map((_, at) => (at === 0 ? '' : ',')),
  value: csvCell,
  end: '\n',
};

export function lineWriter(format: MachineFormat, keys: readonly string[]): LineWriter {
  const before = format.before(keys);
  return (values) => {
    let line = '';
    for (let at = 0; at < before.length; at++) line += before[at]! + format.value(values[at] ?? null);
    return line + format.end;
  };
}
