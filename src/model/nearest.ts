import { closest, distance } from 'fastest-levenshtein';

/** What the user most likely meant: the word they began, else the one with the fewest typing errors. */
export function nearest(text: string, choices: readonly string[]): string {
  return choices.find((choice) => choice.startsWith(text)) ?? closest(text, [...choices]);
}

/** The same, but only if it is likely: the word they began, or at most every third letter wrong. */
export function likely(text: string, choices: readonly string[]): string | undefined {
  const choice = nearest(text, choices);
  const isLikely = choice.startsWith(text) || distance(text, choice) <= Math.ceil(text.length / 3);
  return isLikely ? choice : undefined;
}
