import type { HeatmapColumn } from '../model/heatmap-section.js';
import { LatencyHistogram } from '../model/histogram.js';
import type { PendingGauge } from './pending.js';

/** What a column takes however little is in it: its objects and lists. */
const COLUMN_CELLS = 32;
const NO_OTHERS: readonly number[] = [];

/** What one group did in each interval that is kept. Intervals in which nothing happened are not stored. */
export class HeatmapColumns implements PendingGauge {
  /** Attempts that hang now. */
  pending = 0;
  /** Items since the start. */
  count = 0;
  readonly #closed: HeatmapColumn[] = [];
  #histogram: LatencyHistogram | undefined;
  #others: number[] | undefined;

  /** Counts an item that has a value. */
  record(ns: number): void {
    this.count++;
    (this.#histogram ??= new LatencyHistogram()).record(ns);
  }

  /** Counts an item of the line `at` of `lines`. */
  recordOther(at: number, lines: number): void {
    this.count++;
    this.#others ??= new Array<number>(lines).fill(0);
    this.#others[at] = (this.#others[at] ?? 0) + 1;
  }

  /** Ends an interval; the number of cells that it takes. `gauge` is the line of what hangs, -1 if there is none. */
  close(interval: number, lines: number, gauge: number): number {
    const column = this.#open(interval, lines, gauge);
    if (!column) return 0;
    this.#closed.push(column);
    this.#histogram = undefined;
    this.#others = undefined;
    return cells(column);
  }

  /** Forgets the interval, if it is kept; the number of cells that are free. */
  drop(interval: number): number {
    const [oldest] = this.#closed;
    if (oldest?.interval !== interval) return 0;
    this.#closed.shift();
    return cells(oldest);
  }

  /** The intervals, the one that is being filled with this number included. */
  columns(interval: number, lines: number, gauge: number): HeatmapColumn[] {
    const open = this.#open(interval, lines, gauge);
    return open ? [...this.#closed, open] : [...this.#closed];
  }

  #open(interval: number, lines: number, gauge: number): HeatmapColumn | undefined {
    const hangs = gauge >= 0 && this.pending > 0;
    if (!this.#histogram && !this.#others && !hangs) return undefined;
    const histogram = this.#histogram ?? new LatencyHistogram();
    if (!this.#others && !hangs) return { interval, histogram, others: NO_OTHERS };
    const others = this.#others ? [...this.#others] : new Array<number>(lines).fill(0);
    if (hangs) others[gauge] = this.pending;
    return { interval, histogram, others };
  }
}

/** Memory of a column, roughly in numbers. */
function cells({ histogram, others }: HeatmapColumn): number {
  return COLUMN_CELLS + [...histogram.buckets()].length + others.length;
}
