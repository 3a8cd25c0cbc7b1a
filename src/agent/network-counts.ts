import type { NetworkItem, NetworkSeries, OverflowSeries } from '../model/network.js';

/** What the agent asks of NetworkSeriesReducer. */
export interface NetworkCounts {
  add(item: NetworkItem): void;
  tick(): void;
  /** Items that went into `other` for want of room. */
  readonly overflowed: number;
  /** Combinations of labels. */
  readonly size: number;
  series(): NetworkSeries[];
  acceptOverflows(): OverflowSeries[];
}
