import type { HealthReport, HealthRow, HealthSectionRows } from '../aggregate/health.js';
import type { TextContext } from '../model/column.js';
import { formatElapsed } from '../model/units.js';
import { healthColumns } from './health-columns.js';
import { drawHostLines, hostLines } from './health-host.js';
import { MARKS, toneOf, verdictOf } from './health-words.js';
import { hasHints, helpText, hintLine, KeyState, topHint, type KeyHelp } from './key-state.js';
import { createPaint } from './paint.js';
import { createTableView } from './table.js';
import { createTimeText } from './time.js';
import { isAppended, type Display, type View, type ViewOptions } from './view.js';
import { filled, wrapped } from './width.js';

/** A table is worth its place if it has a blank line, a header, a row, and a line for how many more there are. */
const LEAST_TABLE = 4;
/** The cursor's. */
const CURSOR_LINE = 1;
/** What the regions get of a screen that is too small for both tables. */
const REGIONS_SHARE = 1 / 3;

const KEYS: readonly KeyHelp[] = [
  ['s, S', 'sort by the next column, or the one before; at first: the worst'],
  ['r', 'reverse the order'],
  ['1-9', 'show so many groups: 12 is 1 and 2; 0: all that fit'],
];

/** What the screen means: the legend, and more of it with the keys. */
const LEGEND = '✓ ok  ! near its threshold  ✗ over it  · too few to tell';
const SIDES_LEGEND = 'IN, inside: internal addresses; OUT, outside: external ones';
/** From this height on it is all there. */
const LEGEND_HEIGHT = 30;
const NO_REGIONS = 'no regions: none is configured; see tcpscope config check --help';
const WORDS_HELP = [
  SIDES_LEGEND,
  'SYN LOSS: attempts that had to send their SYN again: it or its answer got lost',
  'RESENT: segments sent again, of all that were sent',
  'STALL: how long flows stood still until a timer sent again, summed up',
  'OVERFLOW: connections that found the accept queue of their listener full',
  'Curves: P95 of each interval, newest right, each step at least the double',
];

export interface HealthViewOptions extends ViewOptions {
  report(nowNs: number): HealthReport;
  /** Length of an interval; 0 before there is one. */
  intervalSeconds: () => number;
  /** Attempts of the host that hang now. */
  pending: () => number;
  /** Rows of each table. */
  top?: number | undefined;
  /** One report at the end, and nothing before. */
  once: boolean;
}

/** Whole seconds, where these tell enough. */
const windowText = (seconds: number): string =>
  seconds < 9.95 || seconds >= 99.5 ? formatElapsed(seconds * 1e9) : `${Math.round(seconds)} s`;

/** On a screen of usual height only what does not explain itself; ? explains the rest. */
function legend({ width = Infinity, height = Infinity }: Readonly<Display>): string[] {
  return height < LEGEND_HEIGHT ? [LEGEND] : filled([LEGEND, SIDES_LEGEND], '; ', width);
}

/** Lines that break between clauses, unless that takes more of them. */
function verdictLines(text: string, { width = Infinity }: Readonly<Display>): string[] {
  const byClause = filled(text.split(/(?<=[,:]) /), ' ', width).flatMap((line) => wrapped(line, width));
  const byWord = wrapped(text, width);
  return byClause.length > byWord.length ? byWord : byClause;
}

/** One table, and the display that says how much room it has. */
function createSection(options: HealthViewOptions, header: string) {
  const display = { ...options.display };
  let section: HealthSectionRows = { scope: '', rows: [], notes: [] };
  const view = createTableView<never, HealthRow>({
    display,
    context: options.context,
    columns: healthColumns({ header, plain: display.plain, intervalSeconds: options.intervalSeconds }).filter(
      (column) => column.hidden !== true,
    ),
    rows: () => section.rows,
    notes: () => section.notes,
    once: true,
    ...(options.top === undefined ? {} : { top: options.top }),
  });
  return {
    view,
    /** @param room lines that it may fill */
    draw(newest: HealthSectionRows, room: number, now: { nowNs: number; clockOffsetNs: number }): string[] {
      const need = needOf(newest);
      if (need === 0 || room < Math.min(need, LEAST_TABLE)) return [];
      section = newest;
      display.width = options.display.width;
      display.keys = options.display.keys === true;
      // A table keeps a line for `… 12 more`, and one for the cursor.
      display.height = room + (need <= room ? 2 : 0);
      const text = view.frame(now.nowNs, now.clockOffsetNs) ?? '';
      return ['', ...text.trimEnd().split('\n')];
    },
  };
}

/** Lines that a table would fill: a blank one, the header, rows and notes. */
const needOf = ({ rows, notes }: HealthSectionRows): number =>
  rows.length === 0 ? 0 : 2 + rows.length + notes.length;

/** Lines for the groups, which come first, and for the regions. */
function divide(room: number, groups: number, regions: number): [groups: number, regions: number] {
  const forRegions = Math.min(regions, Math.max(LEAST_TABLE, Math.floor(room * REGIONS_SHARE)));
  const forGroups = Math.min(groups, room - forRegions);
  if (groups > 0 && forGroups < LEAST_TABLE) return [room, 0];
  return [forGroups, Math.min(regions, room - forGroups)];
}

/**
 * The state of the host on one screen: what is wrong, the whole host, its groups and the regions that it talks to. On a pipe the
 * frames come below each other.
 */
export function createHealthView<Item>(options: HealthViewOptions): View<Item> {
  const { display, once } = options;
  const paint = createPaint(display.colorLevel);
  const timeText = createTimeText();
  const state = new KeyState(options.top);
  const sections = new Map<string, ReturnType<typeof createSection>>();
  const sectionOf = ({ scope }: HealthSectionRows): ReturnType<typeof createSection> => {
    let section = sections.get(scope);
    if (!section) sections.set(scope, (section = createSection(options, scope.toUpperCase())));
    return section;
  };

  const headLines = (report: HealthReport): string[] => {
    const { standing, text } = verdictOf(report);
    const mark = display.plain ? '' : `${MARKS[standing]} `;
    const verdict = verdictLines(`${mark}${text}`, display);
    const title = report.seconds > 0 ? `THIS HOST, last ${windowText(report.seconds)}` : 'THIS HOST';
    const lines = hostLines(report.host, options.pending(), display.plain);
    return [
      ...verdict.map((line) => paint.tone(toneOf(standing), line)),
      '',
      paint.header(title),
      ...drawHostLines(lines, display, paint),
    ];
  };

  const footLines = (report: HealthReport): string[] => {
    const lines = report.regions ? [] : [NO_REGIONS];
    if (!display.plain) lines.push(...legend(display));
    const hints = hasHints(display) ? [hintLine(['s sort', 'r reverse', topHint(state)], paint)] : [];
    return ['', ...lines.map((line) => paint.hint(line)), ...hints];
  };

  const frame = (nowNs: number, clockOffsetNs: number): string => {
    if (state.helpShown && display.keys) return helpText(KEYS, paint) + WORDS_HELP.join('\n') + '\n';
    const report = options.report(nowNs);
    const context: TextContext = { ...options.context, clockOffsetNs };
    const appended = isAppended(display);
    const head = headLines(report);
    const foot = footLines(report);
    const height = appended || once ? Infinity : (display.height ?? Infinity);
    const room = height - CURSOR_LINE - head.length - foot.length;
    const { groups, regions } = report;
    const needs = [groups, regions].map((section) => (section ? needOf(section) : 0));
    const rooms = divide(room, needs[0] ?? 0, needs[1] ?? 0);
    const tables = [groups, regions].flatMap((section, at) =>
      section ? sectionOf(section).draw(section, rooms[at] ?? 0, { nowNs, clockOffsetNs }) : [],
    );
    const lines = [...head, ...tables, ...foot];
    return appended && !once
      ? [timeText(nowNs, context), ...lines, '', ''].join('\n')
      : `${lines.join('\n')}\n`;
  };

  const key = (pressed: string, nowNs: number): boolean => {
    const wasHelp = state.helpShown;
    const taken = state.take(pressed, nowNs);
    if (wasHelp || state.helpShown) return true;
    const moved = [...sections.values()].map(({ view }) => view.key?.(pressed, nowNs) === true);
    return taken || moved.includes(true);
  };

  const view = { begin: () => '', items: () => '' };
  return once ? { ...view, frame: () => undefined, end: frame } : { ...view, frame, key };
}
