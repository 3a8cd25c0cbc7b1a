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
  #interval = 0;
  #count = 0;
  #latency: LatencyHistogram | undefined;
  #closed: { interval: number; count: number; p95Ns: number | undefined }[] = [];

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
    const count = this.#last()?.count ?? 0;
    return this.#clock.seconds > 0 ? count / this.#clock.seconds : 0;
  }

  /** p95 of the last full interval; undefined if it had none. */
  get p95Ns(): number | undefined {
    return this.#last()?.p95Ns;
  }

  /** p95 of each of the last `length` full intervals, oldest first; undefined where there was no latency. */
  p95Series(length: number): (number | undefined)[] {
    this.#close();
    const series = new Array<number | undefined>(length).fill(undefined);
    for (const { interval, p95Ns } of this.#closed) {
      const position = length - (this.#clock.index - interval);
      if (position >= 0) series[position] = p95Ns;
    }
    return series;
  }

  #last(): { count: number; p95Ns: number | undefined } | undefined {
    this.#close();
    const last = this.#closed.at(-1);
    return last?.interval === this.#clock.index - 1 ? last : undefined;
  }

  #close(): void {
    const now = this.#clock.index;
    if (this.#interval === now) return;
    if (this.#count > 0) {
      const p95Ns = this.#latency?.quantile(0.95);
      this.#closed.push({ interval: this.#interval, count: this.#count, p95Ns });
    }
    const oldest = this.#closed[0];
    if (oldest && oldest.interval < now - RECENT_INTERVALS) {
      this.#closed = this.#closed.filter(({ interval }) => interval >= now - RECENT_INTERVALS);
    }
    this.#interval = now;
    this.#count = 0;
    this.#latency = undefined;
  }
}
