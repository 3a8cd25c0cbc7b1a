import Table, { type Cell } from 'cli-table3';
import type { Column, TextContext } from '../model/column.js';
import { formatCount } from '../model/units.js';
import { fit, GAP, slotHeader, type Slot } from './layout.js';
import { createPaint, type Paint } from './paint.js';
import { headerLine, rowLine } from './rows.js';
import { selectRows, type TableOptions } from './table-rows.js';
import { createTimeText } from './time.js';
import type { View } from './view.js';
import { textWidth } from './width.js';

/** Lines of a frame that are not rows: header, `… 212 more`, and the cursor's. */
const OTHER_LINES = 3;
/** A left column takes at most this share of a terminal. A longer text gets a line of its own. */
const LONGEST_SHARE = 0.35;

const PIECE = 32;

const BORDERLESS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' '.repeat(GAP),
} as const;

function longestText(column: Column<unknown>, available: number | undefined): number {
  if (available === undefined || column.align === 'right') return Infinity;
  return Math.max(Math.floor(available * LONGEST_SHARE), Math.min(column.width, available));
}

/** Finds the columns' widths from what they hold in this frame; a column is at least as wide as it states. */
function place<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  available: number | undefined,
  context: TextContext,
): Slot<Row>[] {
  const held = new Map<Column<Row>, number>();
  for (const column of columns) {
    let width = Math.max(column.minWidth ?? 0, column.stretchTo === undefined ? textWidth(column.header) : 0);
    if (column.stretchTo === undefined) {
      const longest = longestText(column, available);
      for (const row of rows) {
        const own = textWidth(column.text(row, context, column.width));
        if (own <= longest) width = Math.max(width, own);
      }
    }
    held.set(column, width);
  }
  const least = (column: Column<Row>): number => held.get(column) ?? column.width;
  return fit(columns, available, { least, usual: (column) => Math.max(least(column), column.width) });
}

/** The cells of a row. Where a text is wider than its column they are two lines: the left texts, then the numbers. */
function rowCells<Row>(slots: readonly Slot<Row>[], row: Row, context: TextContext, paint: Paint): Cell[][] {
  let wide = false;
  const cells = slots.map(({ column, width }) => {
    const text = column.text(row, context, width);
    wide ||= textWidth(text) > width;
    return paint.tone(column.tone?.(row), text);
  });
  if (!wide) return [cells];
  const isName = slots.map(({ column }) => column.align === 'left' && column.stretchTo === undefined);
  const names = cells.filter((_, at) => isName[at]).join(' '.repeat(GAP));
  return [[{ content: names, colSpan: slots.length }], cells.map((cell, at) => (isName[at] ? '' : cell))];
}

function drawCells<Row>(slots: readonly Slot<Row>[], lines: readonly Cell[][]): string[] {
  const table = new Table({
    chars: BORDERLESS,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colWidths: slots.map(({ width }) => width),
    colAligns: slots.map(({ column }) => column.align),
  });
  table.push(...lines);
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** On a pipe nothing has to be broken, and there may be ten thousand rows, which would take cli-table3 seconds. */
function plainLines<Row>(
  slots: readonly Slot<Row>[],
  rows: readonly Row[],
  context: TextContext,
  paint: Paint,
): string[] {
  return [headerLine(slots, paint), ...rows.map((row) => rowLine(slots, row, context, paint).trimEnd())];
}

function tableLines<Row>(
  slots: readonly Slot<Row>[],
  rows: readonly Row[],
  context: TextContext,
  paint: Paint,
): string[] {
  const cells: Cell[][] = rows.flatMap((row) => rowCells(slots, row, context, paint));
  const [header = ''] = drawCells(slots, [slots.map((slot) => slotHeader(slot))]);
  const lines = [paint.header(header)];
  // In pieces, because the time that cli-table3 takes grows with the square of a table's length.
  for (let at = 0; at < cells.length; at += PIECE)
    lines.push(...drawCells(slots, cells.slice(at, at + PIECE)));
  return lines;
}

/** A table that is drawn anew each interval. On a pipe each has the time above it and a blank line below. */
export function createTableView<Item, Row>(options: TableOptions<Row>): View<Item> {
  const { display, columns, top = Infinity } = options;
  const paint = createPaint(display.colorLevel);
  const timeText = createTimeText();
  return {
    begin: () => '',
    items: () => '',
    frame(nowNs, clockOffsetNs) {
      const now = { ...options.context, clockOffsetNs };
      const notes = options.notes?.() ?? [];
      const room = display.height === undefined ? Infinity : display.height - OTHER_LINES - notes.length;
      const limit = Math.max(1, Math.min(top, room));
      const { rows, hidden } = selectRows(options, limit, now);
      const slots = place(columns, rows, display.width, now);
      const lines =
        display.width === undefined
          ? plainLines(slots, rows, now, paint)
          : tableLines(slots, rows, now, paint);
      if (hidden > 0) lines.push(`… ${formatCount(hidden)} more`);
      lines.push(...notes);
      if (display.width === undefined) return [timeText(nowNs, now), ...lines, '', ''].join('\n');
      return `${lines.join('\n')}\n`;
    },
  };
}
