import type { TextContext } from '../model/column.js';
import type { HeatmapSection, HeatmapSource } from '../model/heatmap-section.js';
import { formatCount } from '../model/units.js';
import {
  finalIntervals,
  intervalsOf,
  lastIntervals,
  PrintedIntervals,
  type Intervals,
} from './heatmap-intervals.js';
import {
  countLines,
  drawPictures,
  FOOT_LINES,
  gather,
  headLines,
  LEAST_BANDS,
  mostIntervals,
  pictureOf,
  type Most,
  type Picture,
} from './heatmap-picture.js';
import { heatmapSentences } from './heatmap-text.js';
import { hasHints, helpText, hintLine, KeyState, TOP_KEYS, topHint } from './key-state.js';
import { createPaint } from './paint.js';
import { createTimeText } from './time.js';
import type { View, ViewOptions } from './view.js';

/** Bands of a group that stands alone, and of one among others. */
const MOST_BANDS = { alone: 24, among: 12 };
/** Lines of a terminal beside the pictures: the cursor's; below many, a blank line and `… 3 more`. */
const CURSOR_LINES = 1;
const MORE_LINES = 2;
/** A lower terminal has no line to spare for hints. */
const LEAST_HEIGHT = 16;
/** Intervals are a little longer or shorter than they should be. */
const SECOND_NS = 0.95e9;
/** Intervals of a page on a pipe. */
const PAGE = 60;
const PIPE_WIDTH = 80;

export interface HeatmapOptions extends ViewOptions {
  source: HeatmapSource;
  /** With groups: how many. */
  top?: number;
}

/** What a frame is drawn in. */
interface Room {
  width: number;
  /** Undefined: as high as it gets. */
  height: number | undefined;
}

/** Milliseconds mean nothing where intervals are seconds. */
function shortTime(text: string): string {
  return text.replace(/\.\d{3}(?=Z?$)/, '');
}

/** Draws intervals in a room, or says them: the parts that all heatmaps for people have in common. */
class HeatmapWriter {
  readonly source: HeatmapSource;
  readonly #options: HeatmapOptions;
  readonly #paint;
  readonly #time = createTimeText();

  constructor(options: HeatmapOptions) {
    this.source = options.source;
    this.#options = options;
    this.#paint = createPaint(options.display.colorLevel);
  }

  /** `10:02:11`, with milliseconds where an interval is shorter than a second. */
  #timeText(clockOffsetNs: number): (ns: number) => string {
    const context: TextContext = { ...this.#options.context, clockOffsetNs };
    const { startNs = 0, endsNs } = this.source.timeline();
    const isShort = endsNs.length > 0 && (endsNs[0] ?? 0) - startNs < SECOND_NS;
    return (ns) => (isShort ? this.#time(ns, context) : shortTime(this.#time(ns, context)));
  }

  sentences(intervals: Intervals, clockOffsetNs: number): string {
    const timeText = this.#timeText(clockOffsetNs);
    const lines = heatmapSentences(this.source, intervals, this.#options.top, timeText);
    return lines.map((line) => `${line}\n`).join('');
  }

  /** Groups, axis, legend and notes. */
  drawing(
    intervals: Intervals,
    clockOffsetNs: number,
    room: Room,
    notes: readonly string[],
    top = this.#options.top,
  ): string {
    const sections = this.source.sections();
    const pictures = this.#fitting(sections.slice(0, top), sections.length, intervals, room, notes.length);
    if (pictures.length === 0) return `${this.source.measure.label} 0\n`;
    const timeText = this.#timeText(clockOffsetNs);
    const { blocks, foot } = drawPictures(pictures, intervals, room.width, this.#paint, timeText);
    const lines = blocks.flatMap((block, at) => (at > 0 ? ['', ...block] : block));
    lines.push(...foot, ...notes);
    const more = sections.length - pictures.length;
    if (more > 0) lines.push('', `… ${formatCount(more)} more`);
    return `${lines.join('\n')}\n`;
  }

  /** As many groups as there is room for, with as many bands as that leaves: at least the first, with the least. */
  #fitting(
    sections: readonly HeatmapSection[],
    all: number,
    intervals: Intervals,
    { width, height }: Room,
    notes: number,
  ): Picture[] {
    const { source } = this;
    const most = sections.length > 1 ? MOST_BANDS.among : MOST_BANDS.alone;
    if (height === undefined) {
      const all = sections.map((section) => gather(source, section, intervals));
      return all.map((gathered) => pictureOf(gathered, intervals, { bands: most, lines: Infinity }));
    }
    const gathered = sections.slice(0, height).map((section) => gather(source, section, intervals));
    const room = height - CURSOR_LINES - FOOT_LINES - notes - (all > 1 ? MORE_LINES : 0);
    /** What each group that fits may take. */
    const fitting = (bands: number): Most[] => {
      const fits: Most[] = [];
      let left = room;
      for (const group of gathered) {
        left -= headLines(group, this.#paint, width).length + (fits.length > 0 ? 1 : 0);
        const may = { bands, lines: left };
        left -= countLines(group, may);
        if (fits.length > 0 && left < 0) break;
        fits.push(may);
      }
      return fits;
    };
    let best = fitting(LEAST_BANDS);
    for (let bands = LEAST_BANDS + 1; bands <= most; bands++) {
      const fits = fitting(bands);
      if (fits.length < best.length) break;
      best = fits;
    }
    return best.map((may, at) => pictureOf(gathered[at]!, intervals, may));
  }
}

/** Drawn anew each interval. Keys change the number of groups. */
function terminalHeatmap<Item>(options: HeatmapOptions): View<Item> {
  const { source, display } = options;
  const writer = new HeatmapWriter(options);
  const paint = createPaint(display.colorLevel);
  const state = new KeyState(options.top);
  const draw = (clockOffsetNs: number, all: Intervals): string => {
    if (state.helpShown && display.keys) return helpText(TOP_KEYS, paint);
    const width = display.width ?? PIPE_WIDTH;
    const shown = lastIntervals(all, mostIntervals(source, width));
    const notes = [...source.notes()];
    if (shown.first > 0) notes.unshift(`earlier intervals, not shown: ${formatCount(shown.first)}`);
    if (hasHints(display, LEAST_HEIGHT)) notes.push(hintLine([topHint(state)], paint));
    return writer.drawing(shown, clockOffsetNs, { width, height: display.height }, notes, state.top);
  };
  return {
    begin: () => '',
    items: () => '',
    frame: (_nowNs, clockOffsetNs) => draw(clockOffsetNs, intervalsOf(source.timeline())),
    end: (nowNs, clockOffsetNs) => draw(clockOffsetNs, finalIntervals(source, nowNs)),
    key: (key, nowNs) => state.take(key, nowNs),
  };
}

/** Printed once: by pages as soon as they are full, or in words each interval. */
function printedHeatmap<Item>(
  options: HeatmapOptions,
  size: number,
  text: (writer: HeatmapWriter, intervals: Intervals, clockOffsetNs: number) => string,
): View<Item> {
  const { source } = options;
  const writer = new HeatmapWriter(options);
  const printed = new PrintedIntervals();
  const print = (intervals: Intervals, least: number, clockOffsetNs: number): string | undefined => {
    let page = printed.take(intervals, least, size);
    if (!page) return undefined;
    let all = '';
    for (; page; page = printed.take(intervals, least, size)) all += text(writer, page, clockOffsetNs);
    return all;
  };
  return {
    begin: () => '',
    items: () => '',
    frame: (_nowNs, clockOffsetNs) => print(intervalsOf(source.timeline()), size, clockOffsetNs),
    end: (nowNs, clockOffsetNs) => print(finalIntervals(source, nowNs), 1, clockOffsetNs),
  };
}

/**
 * A heatmap for people. On a terminal it is drawn anew each interval; on a pipe a page is printed whenever it is full, with its time
 * above and a blank line below; in plain text each interval is a sentence.
 */
export function createHeatmapView<Item>(options: HeatmapOptions): View<Item> {
  if (options.display.plain)
    return printedHeatmap(options, 1, (writer, intervals, clockOffsetNs) =>
      writer.sentences(intervals, clockOffsetNs),
    );
  if (options.display.width !== undefined) return terminalHeatmap(options);
  const timeText = createTimeText();
  return printedHeatmap(options, PAGE, (writer, intervals, clockOffsetNs) => {
    const time = timeText(intervals.endsNs.at(-1) ?? 0, { ...options.context, clockOffsetNs });
    const room = { width: PIPE_WIDTH, height: undefined };
    return `${time}\n${writer.drawing(intervals, clockOffsetNs, room, options.source.notes())}\n`;
  });
}
