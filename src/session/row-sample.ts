import { formatCount } from '../model/units.js';

/** Up to this share of the room every row is shown; from there on fewer and fewer. */
const FREE_SHARE = 3 / 4;
/** Below this share the reader keeps up, and more rows are tried. */
const CALM_SHARE = 1 / 8;
/** Between two attempts to show more rows. */
const CALM_NS = 250e6;
/** 1 in 1,024 rows; after that comes none. */
const MOST_HALVINGS = 10;
/** Between two lines that say how many rows are shown. */
const NEWS_NS = 5e9;

/**
 * Which rows are shown while fewer are read than come: each; 1 in 2, 4, 8 … as the backlog grows; none while it fills its room. Fewer at
 * once, more step by step when nearly all has been read, so that it stays with what a steady reader can take.
 */
export class RowSample {
  /** Rows that were not shown. */
  hidden = 0;
  /** The output was slow at some time. */
  wasSlow = false;
  private halvings = 0;
  /** Halvings for another reason than the output. */
  private wanted = 0;
  private changedNs = -Infinity;
  private seen = 0;
  private said = 1;
  private saidNs = -Infinity;

  /** @param room characters that may wait to be read; Infinity: every row is shown */
  constructor(private readonly room: number) {}

  /** 1 in how many rows is shown; Infinity: none. */
  get oneIn(): number {
    return Math.max(this.oneInForOutput, 2 ** this.wanted);
  }

  private get oneInForOutput(): number {
    return this.halvings > MOST_HALVINGS ? Infinity : 2 ** this.halvings;
  }

  /** Shows no more than 1 in so many, a power of 2, however fast the output is. */
  showAtMost(oneIn: number): void {
    this.wanted = Math.log2(oneIn);
  }

  /** True if a backlog like this makes a sample of what was shown in full. */
  wouldBegin(backlog: number): boolean {
    return this.halvings === 0 && this.halvingsFor(backlog) > 0;
  }

  /** @param backlog characters that have not been read */
  adapt(backlog: number, nowNs: number): void {
    const needed = this.halvingsFor(backlog);
    if (needed > this.halvings) this.change(needed, nowNs);
    else if (this.halvings > 0 && backlog <= this.room * CALM_SHARE && nowNs >= this.changedNs + CALM_NS)
      this.change(this.halvings - 1, nowNs);
  }

  /** Of the next row: whether it is shown. */
  next(): boolean {
    const shown = this.seen++ % this.oneIn === 0 && this.oneIn !== Infinity;
    if (!shown) this.hidden++;
    return shown;
  }

  /** A line for the user if another share of the rows is shown than the last line said, and that was some time ago. */
  news(nowNs: number): string | undefined {
    const oneIn = this.oneInForOutput;
    if (oneIn === this.said || nowNs < this.saidNs + NEWS_NS) return undefined;
    this.said = oneIn;
    this.saidNs = nowNs;
    if (oneIn === 1) return 'output keeps up again: showing every row';
    if (oneIn === Infinity) return 'output is not read: showing no rows, totals exact';
    return `output is slow: showing 1 in ${formatCount(oneIn)} rows, totals exact`;
  }

  private halvingsFor(backlog: number): number {
    const free = this.room * FREE_SHARE;
    if (backlog <= free || this.room === Infinity) return 0;
    if (backlog >= this.room) return MOST_HALVINGS + 1;
    return 1 + Math.floor(((backlog - free) / (this.room - free)) * MOST_HALVINGS);
  }

  private change(halvings: number, nowNs: number): void {
    this.halvings = halvings;
    this.wasSlow ||= halvings > 0;
    this.changedNs = nowNs;
    this.seen = 0;
  }
}
