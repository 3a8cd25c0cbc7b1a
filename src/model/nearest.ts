import { closest } from 'fastest-levenshtein';

/** What the user most likely meant: the word they began, else the one with the fewest typing errors. */
export function nearest(text: string, choices: readonly string[]): string {
  return choices.find((choice) => choice.startsWith(text)) ?? closest(text, [...choices]);
}
