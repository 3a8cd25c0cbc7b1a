import { LatencyHistogram } from '../model/histogram.js';

/** How many intervals a group remembers. */
export const RECENT_INTERVALS = 60;

/** Numbers the intervals for all groups of a reducer. */
export class IntervalClock {
  /** Number of the interval that is being filled. */
  index = 0;
  /** Length of the last full interval; 0 before there is one. */
  seconds = 0;
  #startNs: number | undefined;

  tick(nowNs: number): void {
    if (this.#startNs !== undefined && nowNs > this.#startNs) {
      this.seconds = (nowNs - this.#startNs) / 1e9;
      this.index++;
    }
    this.#startNs = nowNs;
  }
}

/**
 * What one group did in the last intervals. A group that rests costs nothing: an interval is closed when the group is
 * next touched or read, and idle intervals are not stored.
 */
export class Recent {
  readonly #clock: IntervalClock;
  /** The interval that is being filled. */
  #interval = 0;
  #count = 0;
  #latency: LatencyHistogram | undefined;
  /** The last interval in which something happened. */
  #closed = -1;
  #closedCount = 0;
  /** Intervals that had latency, and their p95: two flat lists, because there may be a hundred thousand groups. */
  #intervals: number[] = [];
  #p95s: number[] = [];

  constructor(clock: IntervalClock) {
    this.#clock = clock;
  }

  /** Counts one item; `latencyNs` is undefined where the item has no latency to speak of. */
  record(latencyNs: number | undefined): void {
    this.#close();
    this.#count++;
    if (latencyNs === undefined) return;
    this.#latency ??= new LatencyHistogram();
    this.#latency.record(latencyNs);
  }

  /** Items a second in the last full interval. */
  get ratePerSecond(): number {
    this.#close();
    const { index, seconds } = this.#clock;
    return this.#closed === index - 1 && seconds > 0 ? this.#closedCount / seconds : 0;
  }

  /** p95 of the last full interval; undefined if it had none. */
  get p95Ns(): number | undefined {
    this.#close();
    return this.#intervals.at(-1) === this.#clock.index - 1 ? this.#p95s.at(-1) : undefined;
  }

  /** p95 of each of the last `length` full intervals, oldest first; undefined where there was no latency. */
  p95Series(length: number): (number | undefined)[] {
    this.#close();
    const series = new Array<number | undefined>(length).fill(undefined);
    for (const [at, interval] of this.#intervals.entries()) {
      const position = length - (this.#clock.index - interval);
      if (position >= 0) series[position] = this.#p95s[at];
    }
    return series;
  }

  #close(): void {
    const now = this.#clock.index;
    if (this.#interval === now) return;
    if (this.#count > 0) {
      this.#closed = this.#interval;
      this.#closedCount = this.#count;
    }
    const p95Ns = this.#latency?.quantile(0.95);
    if (p95Ns !== undefined) {
      this.#intervals.push(this.#interval);
      this.#p95s.push(p95Ns);
    }
    while ((this.#intervals[0] ?? now) < now - RECENT_INTERVALS) {
      this.#intervals.shift();
      this.#p95s.shift();
    }
    this.#interval = now;
    this.#count = 0;
    this.#latency = undefined;
  }
}
