import { Chalk } from 'chalk';
import type { CellState } from '../fleet/matrix.js';
import type { Display } from './view.js';

/**
 * Bluish green, yellow and vermillion (after Okabe and Ito, "Color Universal Design", 2008) behind black: apart from each other in every
 * kind of colour blindness, and what Pingmesh calls green, yellow and red.
 */
export const STATE_COLORS = { green: 36, yellow: 221, red: 166 } as const;
const BLACK = 16;

/** Puts the colour of a state behind a text, which says the same without it. */
export type StatePaint = (state: CellState, text: string) => string;

export function createStatePaint(level: Display['colorLevel']): StatePaint {
  if (level === 0) return (_state, text) => text;
  const chalk = new Chalk({ level });
  const sixteen = {
    green: chalk.bgGreen.black,
    yellow: chalk.bgYellow.black,
    red: chalk.bgRed.whiteBright.bold,
  };
  return (state, text) => {
    if (state === 'white') return text;
    return level === 1 ? sixteen[state](text) : chalk.bgAnsi256(STATE_COLORS[state]).ansi256(BLACK)(text);
  };
}
