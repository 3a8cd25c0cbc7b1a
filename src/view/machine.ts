import type { Column, Plain, TextContext } from '../model/column.js';

/** Turns the values of a row into a line. */
export type LineWriter = (values: readonly Plain[]) => string;

export function valueOf<Item>(column: Column<Item>, item: Item, context: TextContext): Plain {
  return column.value?.(item, context) ?? null;
}

/** ASCII without what JSON escapes. */
const PLAIN_TEXT = /^[ !#-[\]-~]*$/;

function jsonValue(value: Plain): string {
  // JSON.stringify() takes its time, also for what needs nothing.
  if (value === null) return 'null';
  if (typeof value === 'string' && PLAIN_TEXT.test(value)) return `"${value}"`;
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : JSON.stringify(value);
}

/** NDJSON: `{"time":"…","pid":2817}`. Keys are escaped once. */
function jsonWriter(keys: readonly string[]): LineWriter {
  const names = keys.map((key, at) => `${at === 0 ? '' : ','}${JSON.stringify(key)}:`);
  return (values) => {
    let line = '{';
    for (let at = 0; at < names.length; at++) line += (names[at] ?? '') + jsonValue(values[at] ?? null);
    return `${line}}\n`;
  };
}

function csvCell(value: Plain): string {
  if (value === null) return '';
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** RFC 4180 with the line end that grep, sort and awk expect; null is an empty cell. */
const csvWriter: LineWriter = (values) => `${values.map(csvCell).join(',')}\n`;

/** The two machine formats: what comes first, and how a line is written. */
export interface MachineFormat {
  header(keys: readonly string[]): string;
  writer(keys: readonly string[]): LineWriter;
}

export const JSON_FORMAT: MachineFormat = { header: () => '', writer: jsonWriter };
export const CSV_FORMAT: MachineFormat = { header: csvWriter, writer: () => csvWriter };
