/** A value as a machine wants it: what JSON and CSV carry. */
export type Plain = string | number | boolean | null;

/** Why a cell stands out where there is colour. The text says the same without it. */
export type Tone = 'bad' | 'warn';

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
  /** Takes the room that remains, up to this width: a sparkline. Its text fills the width it is given. */
  stretchTo?: number;
  /** Columns with a higher number leave a narrow terminal first; absent: the column always stays. */
  dropFirst?: number;
  /** True: only in JSON and CSV, or when `--columns` asks for it. */
  hidden?: boolean;
  /** Header of a stretching column that shows `width` characters: `LAST 42 s`; absent: `header`. */
  headerAt?(width: number): string;
  /** What a person reads. `width` is the room the column has; only a stretching column needs it. */
  text(item: Item, context: TextContext, width: number): string;
  /** What a machine reads; absent: JSON and CSV carry the columns named in `parts` instead of this one. */
  value?(this: void, item: Item, context: TextContext): Plain;
  /**
   * What of an item alone decides `value`, where many items have the same of it, compared by ===: then what is written of the value is
   * kept. Columns that have this function in common are compared once.
   */
  decidedBy?(this: void, item: Item): unknown;
  /** Keys of the columns that stand for this one in JSON and CSV: LOCAL is local_address and local_port. */
  parts?: readonly string[];
  /** Why this cell stands out, undefined where it does not. */
  tone?(item: Item): Tone | undefined;
}

/** What formatting needs to know beside the item itself. */
export interface TextContext {
  /** Add to a CLOCK_MONOTONIC nanosecond to get a Unix time in nanoseconds. */
  clockOffsetNs: number;
  /** `--time`. */
  timeFormat: 'local' | 'utc' | 'epoch' | 'relative';
  /** CLOCK_MONOTONIC at the start of the session, for `--time relative`. */
  startedNs: number;
}
