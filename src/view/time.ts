import type { Column, Plain, TextContext } from '../model/column.js';

type TimeFormat = TextContext['timeFormat'];

const WIDTHS: Readonly<Record<TimeFormat, number>> = { local: 12, utc: 13, epoch: 14, relative: 8 };

function unixMs(ns: number, context: TextContext): number {
  return Math.floor((ns + context.clockOffsetNs) / 1e6);
}

function relativeMs(ns: number, context: TextContext): number {
  return Math.round((ns - context.startedNs) / 1e6);
}

const pad = (value: number, length: number): string => String(value).padStart(length, '0');

/** `hh:mm:ss` of a whole Unix second. */
function clockText(second: number, utc: boolean): string {
  const date = new Date(second * 1000);
  if (utc) return date.toISOString().slice(11, 19);
  return `${pad(date.getHours(), 2)}:${pad(date.getMinutes(), 2)}:${pad(date.getSeconds(), 2)}`;
}

/**
 * Text of a time as `--time` wants it: `10:02:11.204`, `10:02:11.204Z`, `1785571331.204`, `11.204`. Makes a function because
 * thousands of rows share a second, and its text is kept.
 */
export function createTimeText(): (ns: number, context: TextContext) => string {
  let cached = { second: NaN, utc: false, text: '' };
  return (ns, context) => {
    if (context.timeFormat === 'relative') return (relativeMs(ns, context) / 1000).toFixed(3);
    const ms = unixMs(ns, context);
    const second = Math.floor(ms / 1000);
    const fraction = pad(ms - second * 1000, 3);
    if (context.timeFormat === 'epoch') return `${second}.${fraction}`;
    const utc = context.timeFormat === 'utc';
    if (cached.second !== second || cached.utc !== utc)
      cached = { second, utc, text: clockText(second, utc) };
    return utc ? `${cached.text}.${fraction}Z` : `${cached.text}.${fraction}`;
  };
}

/** Makes the same for machines: ISO 8601 in UTC with milliseconds, or seconds as a number for `epoch` and `relative`. */
export function createTimeValue(): (ns: number, context: TextContext) => Plain {
  let cached = { second: NaN, text: '' };
  return (ns, context) => {
    if (context.timeFormat === 'relative') return relativeMs(ns, context) / 1000;
    const ms = unixMs(ns, context);
    if (context.timeFormat === 'epoch') return ms / 1000;
    const second = Math.floor(ms / 1000);
    if (cached.second !== second)
      cached = { second, text: new Date(second * 1000).toISOString().slice(0, 20) };
    return `${cached.text}${pad(ms - second * 1000, 3)}Z`;
  };
}

/** The TIME column of a command: when `ns` of an item was. */
export function timeColumn<Item>(
  format: TimeFormat,
  description: string,
  ns: (item: Item) => number,
): Column<Item> {
  const text = createTimeText();
  const value = createTimeValue();
  return {
    key: 'time',
    header: 'TIME',
    description,
    align: format === 'relative' ? 'right' : 'left',
    width: WIDTHS[format],
    text: (item, context) => text(ns(item), context),
    value: (item, context) => value(ns(item), context),
  };
}
