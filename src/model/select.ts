import type { Column, Plain, TextContext } from './column.js';
import { sanitize } from './units.js';

/**
 * The column that `--columns` or `--sort` names: by its key, or by its header as it stands on the screen, in any case.
 * @throws RangeError with one line that lists the keys.
 */
export function findColumn<Item>(columns: readonly Column<Item>[], name: string): Column<Item> {
  const wanted = name.toLowerCase();
  const column =
    columns.find(({ key }) => key === wanted) ??
    columns.find(({ header }) => header.toLowerCase().replaceAll(' ', '_') === wanted);
  if (column) return column;
  throw new RangeError(
    `unknown column "${sanitize(name)}"; columns: ${columns.map(({ key }) => key).join(', ')}`,
  );
}

/** Columns of rows and tables: those named by `--columns`, in that order, or all that are not hidden. */
export function textColumns<Item>(
  columns: readonly Column<Item>[],
  names?: readonly string[],
): Column<Item>[] {
  if (names) return names.map((name) => findColumn(columns, name));
  return columns.filter((column) => column.hidden !== true);
}

/** The same column, which no terminal is too narrow for. */
function staying<Item>(column: Column<Item>): Column<Item> {
  const copy = { ...column };
  delete copy.dropFirst;
  return copy;
}

/** All columns, but one text for what is several values; on a narrow terminal too, where lines get longer than it. */
export function wideColumns<Item>(columns: readonly Column<Item>[]): Column<Item>[] {
  const parts = new Set(columns.flatMap((column) => column.parts ?? []));
  return columns.filter(({ key }) => !parts.has(key)).map(staying);
}

/** Columns of JSON and CSV: those named by `--columns`, each text-only one replaced by its parts, or all. */
export function machineColumns<Item>(
  columns: readonly Column<Item>[],
  names?: readonly string[],
): Column<Item>[] {
  if (!names) return columns.filter((column) => column.value !== undefined);
  const keys = names.flatMap((name) => {
    const column = findColumn(columns, name);
    return column.value ? [column.key] : (column.parts ?? []);
  });
  return [...new Set(keys)].map((key) => findColumn(columns, key));
}

export type Order = 'ascending' | 'descending';

/** Order of `--sort`. */
export interface Sorting<Item> {
  column: Column<Item>;
  /** Default: numbers from high to low, text from A to Z. */
  order?: Order;
  /** The other way round. */
  reversed?: boolean;
}

/** A sorted copy, and how it is sorted; undefined if no item has a value. */
export interface Sorted<Item> {
  items: Item[];
  order: Order | undefined;
}

function compare(a: Plain, b: Plain): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [textA, textB] = [String(a), String(b)];
  return textA < textB ? -1 : textA > textB ? 1 : 0;
}

function otherOrder(order: Order): Order {
  return order === 'ascending' ? 'descending' : 'ascending';
}

/** Items without a value come last in either order; equal items keep their order. */
export function sorted<Item>(
  items: Iterable<Item>,
  { column, order, reversed = false }: Sorting<Item>,
  context: TextContext,
): Sorted<Item> {
  const keyed = Array.from(items, (item) => ({
    item,
    key: column.value ? column.value(item, context) : column.text(item, context, column.width),
  }));
  const known = keyed.filter(({ key }) => key !== null);
  const unknown = keyed.filter(({ key }) => key === null);
  const numeric = known.some(({ key }) => typeof key === 'number');
  const usual = order ?? (numeric ? 'descending' : 'ascending');
  const wanted = reversed ? otherOrder(usual) : usual;
  const sign = wanted === 'ascending' ? 1 : -1;
  known.sort((a, b) => sign * compare(a.key, b.key));
  const all = [...known, ...unknown].map(({ item }) => item);
  return { items: all, order: known.length > 0 ? wanted : undefined };
}

/** The column beside the one that is sorted by, `step` to the right, among those that are shown; round the ends. */
export function besideSorted<Item>(
  shown: readonly Column<Item>[],
  current: Column<Item> | undefined,
  step: 1 | -1,
): Column<Item> | undefined {
  // A curve has no order.
  const sortable = shown.filter(({ stretchTo }) => stretchTo === undefined);
  const at = sortable.findIndex(({ key }) => key === current?.key);
  if (at < 0) return sortable.at(step > 0 ? 0 : -1);
  return sortable.at((at + step) % sortable.length);
}
