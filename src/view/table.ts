import Table, { type Cell } from 'cli-table3';
import type { Column, TextContext } from '../model/column.js';
import { besideSorted, type Order, type Sorting } from '../model/select.js';
import { formatCount } from '../model/units.js';
import { hasHints, helpText, hintLine, KeyState, topHint, type KeyHelp } from './key-state.js';
import { fit, GAP, slotHeader, totalWidth, type Slot } from './layout.js';
import { createPaint, type Paint } from './paint.js';
import { headerLine, rowLine } from './rows.js';
import { selectRows, type TableOptions } from './table-rows.js';
import { createTimeText } from './time.js';
import { isAppended, type View } from './view.js';
import { filled, folded, textWidth } from './width.js';

/** Lines of a frame that are not rows: header, `… 212 more`, and the cursor's. */
const OTHER_LINES = 3;
/** A column of names takes at most this share of a terminal. A longer text gets a line of its own. */
const LONGEST_SHARE = 0.35;

const PIECE = 32;

/** Behind the header of the column that a live table is sorted by. */
const MARK: Readonly<Record<Order, string>> = { ascending: '▲', descending: '▼' };

const KEYS: readonly KeyHelp[] = [
  ['s, S', 'sort by the next column, or the one before'],
  ['r', 'reverse the order'],
  ['1-9', 'show so many rows: 25 is 2 and 5; 0: all that fit'],
];

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

/** A column of names, whose width nothing but its texts limits. */
function isName({ align, stretchTo }: Column<never>): boolean {
  return align === 'left' && stretchTo === undefined;
}

/** How wide a column of names may get on a terminal: its usual width at least, as long as all have their share. */
function longestName(column: Column<never>, names: number, available: number): number {
  const usual = Math.max(column.width, Math.floor(available * LONGEST_SHARE));
  return Math.min(usual, Math.floor((available + GAP) / names) - GAP);
}

/** The same columns, with a mark at the header of one. */
function marked<Row>(columns: readonly Column<Row>[], { column }: Sorting<Row>, order: Order): Column<Row>[] {
  return columns.map((each) =>
    each.key === column.key ? { ...each, header: `${each.header}${MARK[order]}` } : each,
  );
}

/** Finds the columns' widths from what they hold in this frame; a column is at least as wide as it states. */
function place<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  available: number | undefined,
  context: TextContext,
): Slot<Row>[] {
  const names = columns.filter(isName).length;
  const limit = (column: Column<Row>): number =>
    available !== undefined && isName(column) ? longestName(column, names, available) : Infinity;
  const held = new Map<Column<Row>, number>();
  for (const column of columns) {
    let width = column.minWidth ?? 0;
    if (column.stretchTo === undefined) {
      width = Math.max(width, textWidth(column.header));
      const longest = limit(column);
      for (const row of rows) {
        const own = textWidth(column.text(row, context, column.width));
        if (own <= longest) width = Math.max(width, own);
      }
    }
    held.set(column, width);
  }
  const least = (column: Column<Row>): number => held.get(column) ?? column.width;
  const usual = (column: Column<Row>): number =>
    Math.max(least(column), Math.min(column.width, limit(column)));
  return fit(columns, available, { least, usual });
}

/** The cells of a row. Where a text is wider than its column they are more lines: the left texts, then the numbers. */
function rowCells<Row>(slots: readonly Slot<Row>[], row: Row, context: TextContext, paint: Paint): Cell[][] {
  const texts = slots.map(({ column, width }) => ({ column, width, text: column.text(row, context, width) }));
  const painted = (column: Column<Row>, text: string): string => paint.tone(column.tone?.(row), text);
  const cells = texts.map(({ column, text }) => painted(column, text));
  if (texts.every(({ text, width }) => textWidth(text) <= width)) return [cells];
  // Between the columns that a cell spans cli-table3 counts one space, whatever there is.
  const width = totalWidth(slots) - (slots.length - 1) * (GAP - 1);
  const names = texts.filter(({ column }) => isName(column));
  const words = names.flatMap(({ column, text }, at) => [
    // One space more between two columns.
    ...(at > 0 ? [''] : []),
    ...text.split(' ').flatMap((word) => folded(word, width).map((piece) => painted(column, piece))),
  ]);
  return [
    ...filled(words, ' ', width).map((content) => [{ content, colSpan: slots.length }]),
    texts.map(({ column }, at) => (isName(column) ? '' : (cells[at] ?? ''))),
  ];
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

/** The lines of a table, and how many rows they show. */
interface Drawing {
  lines: string[];
  shown: number;
}

/** On a pipe nothing has to be broken, and there may be ten thousand rows, which would take cli-table3 seconds. */
function drawForPipe<Row>(
  slots: readonly Slot<Row>[],
  rows: readonly Row[],
  context: TextContext,
  paint: Paint,
): Drawing {
  const lines = rows.map((row) => rowLine(slots, row, context, paint).trimEnd());
  return { lines: [headerLine(slots, paint), ...lines], shown: rows.length };
}

/** On a terminal: as many of the rows as `room` lines hold, at least one. */
function drawForTerminal<Row>(
  slots: readonly Slot<Row>[],
  rows: readonly Row[],
  context: TextContext,
  paint: Paint,
  room: number,
): Drawing {
  const cells: Cell[][] = [];
  let shown = 0;
  for (const row of rows) {
    const more = rowCells(slots, row, context, paint);
    if (shown > 0 && cells.length + more.length > room) break;
    cells.push(...more);
    shown++;
  }
  const [header = ''] = drawCells(slots, [slots.map((slot) => slotHeader(slot))]);
  const lines = [paint.header(header)];
  // In pieces, because the time that cli-table3 takes grows with the square of a table's length.
  for (let at = 0; at < cells.length; at += PIECE)
    lines.push(...drawCells(slots, cells.slice(at, at + PIECE)));
  return { lines, shown };
}

/**
 * A table that is drawn anew each interval. On a pipe each has the time above it and a blank line below. Keys change the sorting
 * and the number of rows.
 */
export function createTableView<Item, Row>(options: TableOptions<Row>): View<Item> {
  const { display, once = false } = options;
  const all = display.plain
    ? options.columns.filter(({ stretchTo }) => stretchTo === undefined)
    : options.columns;
  const paint = createPaint(display.colorLevel);
  const timeText = createTimeText();
  const state = new KeyState(options.top);
  let { sorting } = options;
  /** Columns of the last frame: the others had no room. */
  let shown: readonly Column<Row>[] = all;

  const sortBeside = (step: 1 | -1): void => {
    const column = besideSorted(shown, sorting?.column, step);
    if (column) sorting = { column };
  };
  const hints = (): string =>
    hintLine([sorting ? `s sort: ${sorting.column.header}` : 's sort', 'r reverse', topHint(state)], paint);

  return {
    begin: () => '',
    items: () => '',
    frame(nowNs, clockOffsetNs) {
      if (state.helpShown && display.keys) return helpText(KEYS, paint);
      const now = { ...options.context, clockOffsetNs };
      const appended = isAppended(display);
      const below = [...(options.notes?.() ?? []), ...(hasHints(display) && !once ? [hints()] : [])];
      const { height } = display;
      const room = appended || height === undefined ? Infinity : height - OTHER_LINES - below.length;
      const limit = Math.max(1, Math.min(state.top ?? Infinity, room));
      const { rows, hidden, order } = selectRows(
        { rows: () => options.rows(), ...(sorting ? { sorting } : {}) },
        limit,
        now,
      );
      const columns = display.keys && sorting && order ? marked(all, sorting, order) : all;
      const slots = place(columns, rows, display.width, now);
      const placed = new Set(slots.map(({ column }) => column.key));
      shown = all.filter(({ key }) => placed.has(key));
      const drawn =
        display.width === undefined
          ? drawForPipe(slots, rows, now, paint)
          : drawForTerminal(slots, rows, now, paint, room);
      const { lines } = drawn;
      const more = hidden + rows.length - drawn.shown;
      if (more > 0) lines.push(`… ${formatCount(more)} more`);
      lines.push(...below);
      if (appended && !once) return [timeText(nowNs, now), ...lines, '', ''].join('\n');
      return `${lines.join('\n')}\n`;
    },
    key(key, nowNs) {
      if (state.take(key, nowNs)) return true;
      if (key === 's' || key === 'S') sortBeside(key === 's' ? 1 : -1);
      else if (key === 'r' && sorting) sorting = { ...sorting, reversed: sorting.reversed !== true };
      else return false;
      return true;
    },
  };
}
