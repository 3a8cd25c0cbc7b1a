import { Chalk, supportsColor } from 'chalk';
import type { Tone } from '../model/column.js';
import type { Display } from './view.js';

/** Colours by meaning. */
export interface Paint {
  tone(tone: Tone | undefined, text: string): string;
  header(text: string): string;
  /** What is not data. */
  hint(text: string): string;
}

export function createPaint(level: Display['colorLevel']): Paint {
  if (level === 0) return { tone: (_tone, text) => text, header: (text) => text, hint: (text) => text };
  const chalk = new Chalk({ level });
  const tones = { bad: chalk.red, warn: chalk.yellow };
  return {
    tone: (tone, text) => (tone ? tones[tone](text) : text),
    header: (text) => chalk.bold(text),
    hint: (text) => chalk.dim(text),
  };
}

/** What the terminal behind stdout can show, by chalk's judgement: NO_COLOR, FORCE_COLOR, TERM, pipe. */
export const STDOUT_COLOR_LEVEL: Display['colorLevel'] = supportsColor === false ? 0 : supportsColor.level;
