/**
 * Adjusts p values of tests that are looked at together (Benjamini and Hochberg): of those at or below a level, at most this
 * share is expected to be by chance. Same order as given.
 */
export function adjusted(values: readonly number[]): number[] {
  const order = values.map((_, at) => at).sort((a, b) => values[b]! - values[a]!);
  const result = new Array<number>(values.length);
  let least = 1;
  for (const [at, index] of order.entries()) {
    least = Math.min(least, (values[index]! * values.length) / (values.length - at));
    result[index] = least;
  }
  return result;
}
