import { LatencyHistogram, type BucketCount } from '../model/histogram.js';

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
abstract class Recent {
  /** Items in the interval that is being filled. */
  protected count = 0;
  readonly #clock: IntervalClock;
  #interval = 0;
  /** The last interval in which something happened. */
  #closed = -1;
  #closedCount = 0;
  /** Intervals that had a value, and that: two flat lists, because there may be a hundred thousand groups. */
  #intervals: number[] = [];
  #values: number[] = [];

  constructor(clock: IntervalClock) {
    this.#clock = clock;
  }

  /** Items a second in the last full interval. */
  get ratePerSecond(): number {
    this.close();
    const { index, seconds } = this.#clock;
    return this.#closed === index - 1 && seconds > 0 ? this.#closedCount / seconds : 0;
  }

  /** Value of the last full interval; undefined if it had none. */
  protected get last(): number | undefined {
    this.close();
    return this.#intervals.at(-1) === this.#clock.index - 1 ? this.#values.at(-1) : undefined;
  }

  /** Value of each of the last `length` full intervals, oldest first; undefined where there was none. */
  series(length: number): (number | undefined)[] {
    this.close();
    const series = new Array<number | undefined>(length).fill(undefined);
    for (const [at, interval] of this.#intervals.entries()) {
      const position = length - (this.#clock.index - interval);
      if (position >= 0) series[position] = this.#values[at];
    }
    return series;
  }

  /** Adds what another one counted in the interval that is being filled. */
  merge(other: this): void {
    this.close();
    other.close();
    this.count += other.count;
    this.mergeValue(other);
  }

  /** Adds what makes the value of that interval. */
  protected abstract mergeValue(other: this): void;

  /** What the interval that ends comes to; undefined if it has no value. The next one begins. */
  protected abstract takeValue(): number | undefined;

  protected close(): void {
    const now = this.#clock.index;
    if (this.#interval === now) return;
    if (this.count > 0) {
      this.#closed = this.#interval;
      this.#closedCount = this.count;
    }
    const value = this.takeValue();
    if (value !== undefined) {
      this.#intervals.push(this.#interval);
      this.#values.push(value);
    }
    while ((this.#intervals[0] ?? now) < now - RECENT_INTERVALS) {
      this.#intervals.shift();
      this.#values.shift();
    }
    this.#interval = now;
    this.count = 0;
  }
}

/** The value of an interval is the p95 of its latencies. */
export class RecentLatency extends Recent {
  #latency: LatencyHistogram | undefined;

  /** Counts one item; `latencyNs` is undefined where the item has no latency to speak of. */
  record(latencyNs: number | undefined): void {
    this.close();
    this.count++;
    if (latencyNs === undefined) return;
    this.#latency ??= new LatencyHistogram();
    this.#latency.record(latencyNs);
  }

  /** Counts `items`, whose latencies are in buckets; those that have none are not among these. */
  recordBuckets(items: number, latencies: readonly BucketCount[]): void {
    this.close();
    this.count += items;
    if (latencies.length === 0) return;
    this.#latency ??= new LatencyHistogram();
    this.#latency.addBuckets(latencies);
  }

  get p95Ns(): number | undefined {
    return this.last;
  }

  protected override mergeValue(other: this): void {
    if (!other.#latency) return;
    this.#latency ??= new LatencyHistogram();
    this.#latency.merge(other.#latency);
  }

  protected override takeValue(): number | undefined {
    const p95Ns = this.#latency?.quantile(0.95);
    this.#latency = undefined;
    return p95Ns;
  }
}

/** The value of an interval is the number of its items, if there was any. */
export class RecentCount extends Recent {
  record(items: number): void {
    this.close();
    this.count += items;
  }

  protected override mergeValue(): void {
    // It is the count.
  }

  protected override takeValue(): number | undefined {
    return this.count > 0 ? this.count : undefined;
  }
}
