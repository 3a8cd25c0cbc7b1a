import type { HeatmapColumn, HeatmapSection, HeatmapSource, Timeline } from '../model/heatmap-section.js';

/** Intervals that follow each other. */
export interface Intervals {
  /** Number of the first one. */
  first: number;
  /** CLOCK_MONOTONIC at its start. */
  startNs: number;
  /** The end of each. */
  endsNs: readonly number[];
}

/** The ones that have ended and, with `nowNs`, the one that has not. */
export function intervalsOf({ startNs = 0, first, endsNs }: Timeline, nowNs?: number): Intervals {
  return { first, startNs, endsNs: nowNs === undefined ? endsNs : [...endsNs, nowNs] };
}

/** From the interval `from` on, at most `most` of them. */
export function intervalsFrom(
  { first, startNs, endsNs }: Intervals,
  from: number,
  most = Infinity,
): Intervals {
  const skipped = Math.max(0, from - first);
  return {
    first: first + skipped,
    startNs: skipped > 0 ? (endsNs[skipped - 1] ?? startNs) : startNs,
    endsNs: endsNs.slice(skipped, skipped + most),
  };
}

/** The last `most` intervals. */
export function lastIntervals(intervals: Intervals, most: number): Intervals {
  return intervalsFrom(intervals, intervals.first + Math.max(0, intervals.endsNs.length - most));
}

/** What a group did in these intervals. */
export function columnsIn({ columns }: HeatmapSection, { first, endsNs }: Intervals): HeatmapColumn[] {
  return columns.filter(({ interval }) => interval >= first && interval < first + endsNs.length);
}

/** All intervals at the end of a session: the last one too if anything happened in it, or if there is no other. */
export function finalIntervals(source: HeatmapSource, nowNs: number): Intervals {
  const timeline = source.timeline();
  const open = timeline.first + timeline.endsNs.length;
  const happened = ({ interval, histogram, others }: HeatmapColumn): boolean =>
    interval === open &&
    (histogram.count > 0 || others.some((count, at) => count > 0 && source.others[at]?.gauge !== true));
  const shown =
    timeline.endsNs.length === 0 || source.sections().some(({ columns }) => columns.slice(-1).some(happened));
  return intervalsOf(timeline, shown ? nowNs : undefined);
}

/** Remembers which intervals have been printed, so that each is once. */
export class PrintedIntervals {
  #next = 0;

  /** The next `size` intervals; fewer, but at least `least`, only before they are forgotten, for a lack of memory. */
  take(intervals: Intervals, least: number, size: number): Intervals | undefined {
    const rest = intervalsFrom(intervals, this.#next, size);
    const forgetting = intervals.first > 0 && intervals.first >= this.#next;
    if (rest.endsNs.length < (forgetting ? 1 : Math.max(1, least))) return undefined;
    this.#next = rest.first + rest.endsNs.length;
    return rest;
  }
}
