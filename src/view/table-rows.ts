import type { Column, TextContext } from '../model/column.js';
import { sorted, type Order, type Sorting } from '../model/select.js';
import type { ViewOptions } from './view.js';

/** A table of whatever rows a reducer has. */
export interface TableOptions<Row> extends ViewOptions {
  /** The state: read anew for every frame. */
  rows(): readonly Row[];
  columns: readonly Column<Row>[];
  sorting?: Sorting<Row>;
  /** `--top`. */
  top?: number;
  /** True for a table that is drawn once, or within another text: no time above it, no blank line and no keys below. */
  once?: boolean;
  /** Lines below the table. */
  notes?(): readonly string[];
}

/** The rows to show, how many are not, and which way they are sorted, if they are. */
export interface SelectedRows<Row> {
  rows: Row[];
  hidden: number;
  order: Order | undefined;
}

export function selectRows<Row>(
  options: Pick<TableOptions<Row>, 'rows' | 'sorting'>,
  limit: number | undefined,
  context: TextContext,
): SelectedRows<Row> {
  const all = options.rows();
  const { items, order } = options.sorting
    ? sorted(all, options.sorting, context)
    : { items: [...all], order: undefined };
  const rows = limit === undefined ? items : items.slice(0, limit);
  return { rows, hidden: items.length - rows.length, order };
}
