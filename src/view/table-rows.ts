import type { Column, TextContext } from '../model/column.js';
import { sorted, type Sorting } from '../model/select.js';
import type { ViewOptions } from './view.js';

/** A table of whatever rows a reducer has. */
export interface TableOptions<Row> extends ViewOptions {
  /** The state: read anew for every frame. */
  rows(): readonly Row[];
  columns: readonly Column<Row>[];
  sorting?: Sorting<Row>;
  /** `--top`. */
  top?: number;
  /** True for a table that is drawn once: on a pipe it has no time above it and no blank line below. */
  once?: boolean;
  /** Lines below the table. */
  notes?(): readonly string[];
}

/** The rows to show, and how many are not. */
export function selectRows<Row>(
  options: TableOptions<Row>,
  limit: number | undefined,
  context: TextContext,
): { rows: Row[]; hidden: number } {
  const all = options.rows();
  const rows = options.sorting ? sorted(all, options.sorting, context) : [...all];
  const shown = limit === undefined ? rows : rows.slice(0, limit);
  return { rows: shown, hidden: rows.length - shown.length };
}
