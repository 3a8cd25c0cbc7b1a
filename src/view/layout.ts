import type { Column } from '../model/column.js';
import { textWidth } from './width.js';

/** Spaces between columns. */
export const GAP = 2;

/** A column that has its place. */
export interface Slot<Item> {
  column: Column<Item>;
  width: number;
}

export function slotHeader<Item>({ column, width }: Slot<Item>): string {
  return column.headerAt?.(width) ?? column.header;
}

export function totalWidth(slots: readonly { width: number }[]): number {
  return slots.reduce((sum, { width }) => sum + width + GAP, -GAP);
}

/** Index of the column that leaves first, -1 if all have to stay. Of equal ones the rightmost leaves. */
function firstToLeave<Item>(slots: readonly Slot<Item>[]): number {
  let leaving = -1;
  for (const [at, { column }] of slots.entries()) {
    if (column.dropFirst === undefined) continue;
    if (leaving < 0 || column.dropFirst >= (slots[leaving]?.column.dropFirst ?? 0)) leaving = at;
  }
  return leaving;
}

/** Gives what is left of `available` to the slots below `target`: first to those that need little to be complete. */
function grow<Item>(slots: Slot<Item>[], available: number, target: (column: Column<Item>) => number): void {
  let left = available - totalWidth(slots);
  const missing = ({ column, width }: Slot<Item>): number => Math.max(0, target(column) - width);
  for (const slot of [...slots].sort((a, b) => missing(a) - missing(b))) {
    const given = Math.max(0, Math.min(missing(slot), left));
    slot.width += given;
    left -= given;
  }
}

/** How wide columns are: at least, and where there is room. */
export interface WidthRules<Item> {
  least(column: Column<Item>): number;
  usual(column: Column<Item>): number;
}

/** Widths that the columns themselves state, for rows that are written before the next ones are known. */
function statedWidths<Item>(): WidthRules<Item> {
  const least = (column: Column<Item>): number =>
    Math.max(column.minWidth ?? column.width, column.stretchTo === undefined ? textWidth(column.header) : 0);
  return { least, usual: (column) => Math.max(column.width, least(column)) };
}

/**
 * Finds the columns' widths. On a terminal the columns that are the most dispensable leave until the rest fits, then the
 * rest share what is left. On a pipe (`available` undefined) every column stays and has its usual width.
 */
export function fit<Item>(
  columns: readonly Column<Item>[],
  available: number | undefined,
  rules: WidthRules<Item> = statedWidths<Item>(),
): Slot<Item>[] {
  const stretched = (column: Column<Item>): number => Math.max(rules.usual(column), column.stretchTo ?? 0);
  if (available === undefined) return columns.map((column) => ({ column, width: stretched(column) }));
  const slots = columns.map((column) => ({ column, width: rules.least(column) }));
  while (totalWidth(slots) > available) {
    const leaving = firstToLeave(slots);
    if (leaving < 0) break;
    slots.splice(leaving, 1);
  }
  grow(slots, available, (column) => rules.usual(column));
  grow(slots, available, stretched);
  return slots;
}
