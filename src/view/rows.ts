import type { Column, TextContext } from '../model/column.js';
import { fit, GAP, slotHeader, type Slot } from './layout.js';
import { createPaint, type Paint } from './paint.js';
import type { View, ViewOptions } from './view.js';
import { textWidth } from './width.js';

export interface RowsOptions<Item> extends ViewOptions {
  columns: readonly Column<Item>[];
}

/** `SPACES[n]` is n spaces: as many as most cells need in front of them. */
const SPACES = Array.from({ length: 128 }, (_, length) => ' '.repeat(length));

/**
 * Puts cells into a line. A text that is wider than its column is not cut: it takes the spaces that follow it, and the columns
 * after it are back in their places as soon as there is room. Nothing is padded behind the last text.
 */
class Line {
  #text = '';
  /** Where the text ends, where the next column begins. */
  #end = 0;
  #target = 0;

  add(text: string, width: number, align: 'left' | 'right', painted = text): void {
    const own = textWidth(text);
    const start = align === 'right' ? this.#target + width - own : this.#target;
    this.#target += width + GAP;
    if (own === 0) return;
    const spaces = Math.max(start - this.#end, this.#end > 0 ? 1 : 0);
    this.#text += (SPACES[spaces] ?? ' '.repeat(spaces)) + painted;
    this.#end += spaces + own;
  }

  toString(): string {
    return this.#text;
  }
}

export function headerLine<Item>(slots: readonly Slot<Item>[], paint: Paint): string {
  const line = new Line();
  for (const slot of slots) line.add(slotHeader(slot), slot.width, slot.column.align);
  return paint.header(line.toString());
}

export function rowLine<Item>(
  slots: readonly Slot<Item>[],
  item: Item,
  context: TextContext,
  paint: Paint,
): string {
  const line = new Line();
  for (const { column, width } of slots) {
    const text = column.text(item, context, width);
    const tone = column.tone?.(item);
    line.add(text, width, column.align, tone ? paint.tone(tone, text) : text);
  }
  return line.toString();
}

/** One aligned line an item, as it happens. Another terminal width gives another header. */
export function createRowsView<Item>({ columns, display, context }: RowsOptions<Item>): View<Item> {
  const paint = createPaint(display.colorLevel);
  let width = display.width;
  let slots = fit(columns, width);
  const header = (): string => `${headerLine(slots, paint)}\n`;
  return {
    begin: header,
    hasRow: () => true,
    items(items, clockOffsetNs) {
      const now = { ...context, clockOffsetNs };
      let text = '';
      if (display.width !== width) {
        width = display.width;
        slots = fit(columns, width);
        text = header();
      }
      for (const item of items) text += `${rowLine(slots, item, now, paint)}\n`;
      return text;
    },
    frame: () => undefined,
  };
}
