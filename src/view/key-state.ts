import type { Paint } from './paint.js';
import type { Display } from './view.js';

/** Digits that follow each other faster than this make one number. */
const NUMBER_GAP_NS = 1e9;
const MOST_DIGITS = 6;
/** A lower terminal has no line to spare for hints. */
const LEAST_HEIGHT = 10;

/** A key and what it does: `['r', 'reverse the order']`. */
export type KeyHelp = readonly [key: string, effect: string];

const ALWAYS: readonly KeyHelp[] = [
  ['q, Ctrl-C', 'end, with the summary'],
  ['space', 'hold the screen, and go on; events are counted meanwhile'],
  ['?', 'this help'],
];

/** What keys change in any view that has groups: how many are shown, and whether help stands in their place. */
export class KeyState {
  helpShown = false;
  #digits = '';
  #lastDigitNs = -Infinity;

  /** `top`: how many groups; undefined: all. */
  constructor(public top: number | undefined) {}

  /** True if the key was for this. */
  take(key: string, nowNs: number): boolean {
    if (this.helpShown || key === '?') {
      this.helpShown = !this.helpShown;
      return true;
    }
    if (!/^[0-9]$/.test(key)) return false;
    const goesOn = nowNs - this.#lastDigitNs <= NUMBER_GAP_NS && this.#digits.length < MOST_DIGITS;
    this.#digits = goesOn ? this.#digits + key : key;
    this.#lastDigitNs = nowNs;
    const number = Number(this.#digits);
    this.top = number === 0 ? undefined : number;
    return true;
  }
}

/** True if there are keys to tell of, and a line for it, beside what a frame needs to say anything. */
export function hasHints(
  { keys = false, height = Infinity }: Readonly<Display>,
  least = LEAST_HEIGHT,
): boolean {
  return keys && height >= least;
}

/** `q quit  space pause  s sort: RATE/s  ? help`. */
export function hintLine(hints: readonly string[], paint: Paint): string {
  return paint.hint(['q quit', 'space pause', ...hints, '? help'].join('  '));
}

/** The only key of views that have nothing to sort. */
export const TOP_KEYS: readonly KeyHelp[] = [['1-9', 'show so many groups: 12 is 1 and 2; 0: all that fit']];

/** How many groups are shown. */
export function topHint({ top }: KeyState): string {
  return top === undefined ? '1-9 top' : `1-9 top: ${top}`;
}

/** What stands in place of a frame. */
export function helpText(keys: readonly KeyHelp[], paint: Paint): string {
  const all = [...keys, ...ALWAYS];
  const width = Math.max(...all.map(([key]) => key.length));
  const lines = all.map(([key, effect]) => `${key.padEnd(width)}  ${effect}`);
  return [paint.header('Keys; any key goes back'), ...lines, ''].join('\n');
}
