import type { HealthReport, HealthRow, HealthSectionRows } from '../aggregate/health.js';
import type { Side } from '../aggregate/health-sums.js';
import type { TextContext } from '../model/column.js';
import { formatLimit, formatShare, worstOf, type Standing, type ThresholdName } from '../model/thresholds.js';
import { formatCount, formatDuration, formatElapsed, formatRate } from '../model/units.js';
import { healthColumns } from './health-columns.js';
import { judgementOf, MARKS, toneOf, verdictOf, WORDS } from './health-words.js';
import { hasHints, helpText, hintLine, KeyState, topHint, type KeyHelp } from './key-state.js';
import { createPaint, type Paint } from './paint.js';
import { durationText } from './quantiles.js';
import { sparkline } from './scale.js';
import { createTableView } from './table.js';
import { createTimeText } from './time.js';
import { isAppended, type Display, type View, type ViewOptions } from './view.js';
import { filled, textWidth, wrapped } from './width.js';

const LABEL_WIDTH = 15;
const CURVE = { least: 10, most: 60 };
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
const WORDS_HELP = [
  SIDES_LEGEND,
  'SYN LOSS: attempts that had to send their SYN again: it or its answer got lost',
  'RESENT: segments sent again, of all that were sent',
  'STALL: how long flows stood still until a timer sent again, summed up',
  'OVERFLOW: connections that found the accept queue of their listener full',
  'Curves: P95 of each interval, newest right, each step at least the double',
];

/** A line of what the host did. */
interface HostLine {
  label: string;
  text: string;
  standing?: Standing | undefined;
  /** Values for a curve behind it. */
  recent?: (length: number) => readonly (number | undefined)[];
}

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

const standingsOf = (row: HealthRow, names: readonly ThresholdName[]): Standing | undefined => {
  const standings = names.flatMap((name) => judgementOf(row, name)?.standing ?? []);
  return standings.length === 0 ? undefined : worstOf(standings);
};

const listed = (counts: readonly (readonly [string, number])[]): string =>
  counts.map(([word, count]) => `${formatCount(count)} ${word}`).join(', ');

function attemptsLine(host: HealthRow, pending: number): HostLine {
  const { attempts, failed } = host.sums;
  const rate = host.seconds > 0 && attempts > 0 ? ` (${formatRate(attempts / host.seconds)}/s)` : '';
  const failures = failed === 0 ? 'none failed' : listed(host.sums.failures());
  const hanging = pending > 0 ? `; ${formatCount(pending)} hang now` : '';
  const text =
    attempts === 0 ? `none ended${hanging}` : `${formatCount(attempts)}${rate}, ${failures}${hanging}`;
  return { label: 'Attempts', text, standing: standingsOf(host, ['failures']) };
}

function sideLine(host: HealthRow, side: Side, plain: boolean): HostLine {
  const names = ([50, 95, 99] as const).map((percent) => [percent, `p${percent}-${side}`] as const);
  const latency = host.sums.latency(side);
  const quantiles = names.map(([percent, name]) => {
    const judgement = judgementOf(host, name);
    const value = durationText(latency.quantile(percent / 100));
    const over = judgement?.standing === 'crossed' ? ` (> ${formatLimit(name, judgement.limit)})` : '';
    return `P${percent} ${over === '' || plain ? '' : MARKS.crossed}${value}${over}`;
  });
  const label = side === 'internal' ? 'Inside' : 'Outside';
  const text = latency.count === 0 ? 'none' : `${formatCount(latency.count)} ok, ${quantiles.join('  ')}`;
  const standing = standingsOf(
    host,
    names.map(([, name]) => name),
  );
  return { label, text, standing, recent: (length) => host.recent(length, side) };
}

function lossLines(host: HealthRow): HostLine[] {
  const { attempts, lostSyn, sent, resent, stallNs, acceptOverflows } = host.sums;
  const kinds = listed(host.sums.kinds());
  const ratio =
    sent === 0 ? '' : `${formatShare(Math.min(1, resent / sent))} of ${formatCount(sent)} segments`;
  const perSecond = host.seconds > 0 ? `, ${formatDuration(stallNs / host.seconds)} a second` : '';
  return [
    {
      label: 'SYN loss',
      text:
        attempts === 0 || lostSyn === 0
          ? 'none'
          : `${formatShare(lostSyn / attempts)}, ${formatCount(lostSyn)} had to send their SYN again`,
      standing: standingsOf(host, ['syn-loss']),
    },
    {
      label: 'Sent again',
      text: [ratio, kinds].filter((text) => text !== '').join(': ') || 'nothing',
      standing: standingsOf(host, ['retransmits']),
    },
    {
      label: 'Standstill',
      text: stallNs === 0 ? 'none' : `flows stood still for ${formatElapsed(stallNs)}${perSecond}`,
      standing: standingsOf(host, ['stall']),
    },
    {
      label: 'Accept queues',
      text: acceptOverflows === 0 ? 'none was full' : `full for ${formatCount(acceptOverflows)} connections`,
      standing: standingsOf(host, ['accept-overflows']),
    },
  ];
}

function plainLine({ label, text, standing }: HostLine): string {
  return `${label}: ${text}${standing ? ` (${WORDS[standing]})` : ''}`;
}

/** `✓ Inside  …` with a curve behind it where there is room; all curves begin in one column. */
function drawHostLines(
  lines: readonly HostLine[],
  { width, plain }: Readonly<Display>,
  paint: Paint,
): string[] {
  if (plain) return lines.map(plainLine);
  const texts = lines.map(({ label, text, standing }) => {
    const mark = standing ? MARKS[standing] : ' ';
    return `${mark} ${label.padEnd(LABEL_WIDTH)}${text}`;
  });
  const curved = texts.filter((_, at) => lines[at]?.recent);
  const begin = Math.max(...curved.map(textWidth)) + 2;
  const room = width === undefined ? CURVE.most : Math.min(CURVE.most, width - begin);
  return lines.map(({ standing, recent }, at) => {
    const text = texts[at] ?? '';
    const painted = paint.tone(toneOf(standing), text);
    if (!recent || room < CURVE.least) return painted;
    const curve = sparkline(recent(room)).trimEnd();
    return curve === '' ? painted : painted + ' '.repeat(begin - textWidth(text)) + curve;
  });
}

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
    const { host } = report;
    const lines = [
      attemptsLine(host, options.pending()),
      sideLine(host, 'internal', display.plain),
      sideLine(host, 'external', display.plain),
      ...lossLines(host),
    ];
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
    const height = appended ? Infinity : (display.height ?? Infinity);
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

  return {
    begin: () => '',
    items: () => '',
    frame: (nowNs, clockOffsetNs) => (once ? undefined : frame(nowNs, clockOffsetNs)),
    ...(once ? { end: frame } : {}),
    ...(once
      ? {}
      : {
          key(key: string, nowNs: number): boolean {
            const wasHelp = state.helpShown;
            const taken = state.take(key, nowNs);
            if (wasHelp || state.helpShown) return true;
            const moved = [...sections.values()].map(({ view }) => view.key?.(key, nowNs) === true);
            return taken || moved.includes(true);
          },
        }),
  };
}

const NO_REGIONS = 'no regions: none is configured; see tcpscope config check --help';
