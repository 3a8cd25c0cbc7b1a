/** A value as a machine wants it: what JSON and CSV carry. */
export type Plain = string | number | boolean | null;

/**
 * One column of a command, defined once: it feeds rows, tables, CSV headers, JSON keys, `--columns`, `--sort`,
 * `--help` and the man page.
 */
export interface Column<Item> {
  /** Snake-case key for `--columns`, `--sort`, JSON and CSV, with the unit in it where there is one: `latency_us`. */
  key: string;
  /** Header in rows and tables: `LATENCY`. */
  header: string;
  /** One sentence for the man page. */
  description: string;
  align: 'left' | 'right';
  /** Usual width in characters. A longer text is never cut in rows. */
  width: number;
  /** Narrowest useful width on a small terminal; absent: `width`. */
  minWidth?: number;
  /** Columns with a higher number leave a narrow terminal first; absent: the column always stays. */
  dropFirst?: number;
  /** True: only in JSON and CSV, or when `--columns` asks for it. */
  hidden?: boolean;
  /** What a person reads. */
  text(item: Item, context: TextContext): string;
  /** What a machine reads. */
  value(item: Item, context: TextContext): Plain;
}

/** What formatting needs to know beside the item itself. */
export interface TextContext {
  /** Add to a CLOCK_MONOTONIC nanosecond to get a Unix time in nanoseconds. */
  clockOffsetNs: number;
  /** `--time`. */
  timeFormat: 'local' | 'utc' | 'epoch' | 'relative';
  /** CLOCK_MONOTONIC at the start of the session, for `--time relative`. */
  startedNs: number;
  /** `--numeric`: no service names. */
  numeric: boolean;
}
