import type { HeatmapColumn, HeatmapSection, Timeline } from '../model/heatmap-section.js';

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

/** True if anything happened in an interval that has not ended. */
export function hasOpen(sections: readonly HeatmapSection[], { first, endsNs }: Timeline): boolean {
  return sections.some(({ columns }) => (columns.at(-1)?.interval ?? -1) >= first + endsNs.length);
}

/** Remembers which intervals have been printed, so that each is once. */
export class PrintedIntervals {
  #next = 0;

  /** The next `size` intervals, or as many as there are from `least` on; undefined where there are fewer. */
  take(intervals: Intervals, least: number, size: number): Intervals | undefined {
    const rest = intervalsFrom(intervals, this.#next, size);
    if (rest.endsNs.length < Math.max(1, least)) return undefined;
    this.#next = rest.first + rest.endsNs.length;
    return rest;
  }
}
