/** A seeded generator of numbers in [0, 1) (mulberry32), so that a failing property fails again. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number whose logarithm is uniform between 1 and 2^bits: durations of every magnitude. */
export function randomDuration(random: () => number, bits: number): number {
  return Math.floor(2 ** (random() * bits));
}
