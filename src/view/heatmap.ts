import type { TextContext } from '../model/column.js';
import type { HeatmapSection, HeatmapSource } from '../model/heatmap-section.js';
import { formatCount } from '../model/units.js';
import {
  hasOpen,
  intervalsOf,
  lastIntervals,
  PrintedIntervals,
  type Intervals,
} from './heatmap-intervals.js';
import {
  drawPictures,
  FOOT_LINES,
  headLines,
  LEAST_BANDS,
  mostIntervals,
  pictureOf,
  type Picture,
} from './heatmap-picture.js';
import { heatmapSentences } from './heatmap-text.js';
import { createPaint } from './paint.js';
import { createTimeText } from './time.js';
import type { View, ViewOptions } from './view.js';

/** Bands of a group that stands alone, and of one among others. */
const MOST_BANDS = { alone: 24, among: 12 };
/** Lines of a terminal beside the pictures: the cursor's; below many, a blank line and `… 3 more`. */
const CURSOR_LINES = 1;
const MORE_LINES = 2;
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
  timeText({ startNs, endsNs }: Intervals, clockOffsetNs: number): (ns: number) => string {
    const context: TextContext = { ...this.#options.context, clockOffsetNs };
    const [endNs = startNs] = endsNs;
    const whole = endsNs.length > 1 ? (endsNs[1] ?? 0) - endNs : endNs - startNs;
    return (ns) => (whole < 0.95e9 ? this.#time(ns, context) : shortTime(this.#time(ns, context)));
  }

  sentences(intervals: Intervals, clockOffsetNs: number): string {
    const timeText = this.timeText(intervals, clockOffsetNs);
    const lines = heatmapSentences(this.source, intervals, this.#options.top, timeText);
    return lines.map((line) => `${line}\n`).join('');
  }

  /** Groups, axis, legend and notes. */
  drawing(intervals: Intervals, clockOffsetNs: number, room: Room, notes: readonly string[]): string {
    const sections = this.source.sections();
    const pictures = this.#fitting(sections, intervals, room, notes.length);
    if (pictures.length === 0) return `${this.source.measure.label} 0\n`;
    const timeText = this.timeText(intervals, clockOffsetNs);
    const { blocks, foot } = drawPictures(pictures, intervals, room.width, this.#paint, timeText);
    const lines = blocks.flatMap((block, at) => (at > 0 ? ['', ...block] : block));
    lines.push(...foot, ...notes);
    const more = sections.length - pictures.length;
    if (more > 0) lines.push('', `… ${formatCount(more)} more`);
    return `${lines.join('\n')}\n`;
  }

  /** As many groups as there is room for, with as many bands as that leaves: at least the first, with the least. */
  #fitting(
    all: readonly HeatmapSection[],
    intervals: Intervals,
    { width, height }: Room,
    notes: number,
  ): Picture[] {
    const { source } = this;
    const sections = all.slice(0, this.#options.top);
    const draw = (section: HeatmapSection, bands: number, lines: number): Picture =>
      pictureOf(source, section, intervals, { bands, lines });
    const most = sections.length > 1 ? MOST_BANDS.among : MOST_BANDS.alone;
    if (height === undefined) return sections.map((section) => draw(section, most, Infinity));
    const room = height - CURSOR_LINES - FOOT_LINES - notes - (all.length > 1 ? MORE_LINES : 0);
    const fitting = (bands: number): Picture[] => {
      const pictures: Picture[] = [];
      let left = room;
      for (const section of sections) {
        const head = headLines(draw(section, LEAST_BANDS, LEAST_BANDS), this.#paint, width).length;
        const picture = draw(section, bands, left - head - (pictures.length > 0 ? 1 : 0));
        left -= head + picture.lines.length + (pictures.length > 0 ? 1 : 0);
        if (pictures.length > 0 && left < 0) break;
        pictures.push(picture);
      }
      return pictures;
    };
    let best = fitting(LEAST_BANDS);
    for (let bands = LEAST_BANDS + 1; bands <= most; bands++) {
      const pictures = fitting(bands);
      if (pictures.length < best.length) break;
      best = pictures;
    }
    return best;
  }
}

/** Drawn anew each interval. */
function terminalHeatmap<Item>(options: HeatmapOptions): View<Item> {
  const { source, display } = options;
  const writer = new HeatmapWriter(options);
  const draw = (clockOffsetNs: number, openNs: number | undefined): string => {
    const width = display.width ?? PIPE_WIDTH;
    const all = intervalsOf(source.timeline(), openNs);
    const shown = lastIntervals(all, mostIntervals(source, width));
    const notes = [...source.notes()];
    if (shown.first > 0) notes.unshift(`before: ${formatCount(shown.first)} intervals`);
    return writer.drawing(shown, clockOffsetNs, { width, height: display.height }, notes);
  };
  return {
    begin: () => '',
    items: () => '',
    frame: (_nowNs, clockOffsetNs) => draw(clockOffsetNs, undefined),
    end: (nowNs, clockOffsetNs) =>
      draw(clockOffsetNs, hasOpen(source.sections(), source.timeline()) ? nowNs : undefined),
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
    end(nowNs, clockOffsetNs) {
      const timeline = source.timeline();
      const open = hasOpen(source.sections(), timeline);
      return print(intervalsOf(timeline, open ? nowNs : undefined), 1, clockOffsetNs);
    },
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
