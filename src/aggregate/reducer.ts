/** State that grows by events. Time comes in with ticks, so that a replay gives the same result. */
export interface Reducer<Item> {
  add(item: Item): void;
  /** Ends an interval. The first tick only starts the first one. */
  tick(nowNs: number): void;
}
