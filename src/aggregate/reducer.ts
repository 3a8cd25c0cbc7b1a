/** State that grows by events. Time comes in with ticks, so that a replay gives the same result. */
export interface Reducer<Item> {
  add(item: Item): void;
  /** Ends an interval. The first tick only starts the first one. */
  tick(nowNs: number): void;
}

/** A reducer of the items of one kind among others. */
export function reducerOf<Item, Reduced extends Item>(
  isReduced: (item: Item) => item is Reduced,
  reducer: Reducer<Reduced>,
): Reducer<Item> {
  return {
    add(item) {
      if (isReduced(item)) reducer.add(item);
    },
    tick(nowNs) {
      reducer.tick(nowNs);
    },
  };
}
