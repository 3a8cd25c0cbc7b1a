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

/** Text of a time in whole Unix milliseconds. */
type MsText = (ms: number) => string;

/** Thousands of rows share a millisecond, and many more a second, whose text `ofSecond` makes. */
function keptText(ofSecond: (second: number) => string, end: string): MsText {
  let kept = { second: NaN, text: '' };
  let last = { ms: NaN, text: '' };
  return (ms) => {
    if (last.ms === ms) return last.text;
    const second = Math.floor(ms / 1000);
    if (kept.second !== second) kept = { second, text: ofSecond(second) };
    last = { ms, text: `${kept.text}.${pad(ms - second * 1000, 3)}${end}` };
    return last.text;
  };
}

/**
 * Text of a time as `--time` wants it: `10:02:11.204`, `10:02:11.204Z`, `1785571331.204`, `11.204`. Makes a function because
 * rows share texts, which it keeps.
 */
export function createTimeText(): (ns: number, context: TextContext) => string {
  const texts = {
    local: keptText((second) => clockText(second, false), ''),
    utc: keptText((second) => clockText(second, true), 'Z'),
    epoch: keptText(String, ''),
  };
  return (ns, context) =>
    context.timeFormat === 'relative'
      ? (relativeMs(ns, context) / 1000).toFixed(3)
      : texts[context.timeFormat](unixMs(ns, context));
}

/** Makes the same for machines: ISO 8601 in UTC with milliseconds, or seconds as a number for `epoch` and `relative`. */
export function createTimeValue(): (ns: number, context: TextContext) => Plain {
  const utcText = keptText((second) => new Date(second * 1000).toISOString().slice(0, 19), 'Z');
  return (ns, context) => {
    if (context.timeFormat === 'relative') return relativeMs(ns, context) / 1000;
    const ms = unixMs(ns, context);
    return context.timeFormat === 'epoch' ? ms / 1000 : utcText(ms);
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
