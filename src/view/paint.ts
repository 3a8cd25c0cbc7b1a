import { Chalk, supportsColor, type ChalkInstance } from 'chalk';
import type { Tone } from '../model/column.js';
import type { Display } from './view.js';

/** Colours by meaning. They never say what the text does not. */
export interface Paint {
  tone(tone: Tone | undefined, text: string): string;
  header(text: string): string;
  /** Cells of a heatmap that have this step of SHADES. */
  heat(step: number, text: string): string;
  /** What is not data. */
  hint(text: string): string;
}

/**
 * Vermillion and blue (after Okabe and Ito, "Color Universal Design", 2008) as the colours nearest to them that 256-colour terminals
 * have: apart from each other and from black and white text in every kind of colour blindness, and readable on both backgrounds,
 * which yellow is not.
 */
export const TONE_COLORS = { bad: 166, warn: 32 } as const;

/**
 * Viridis (van der Walt and Smith, 2015) and what comes near it among 256 colours: the lighter, the more, in every kind of colour
 * blindness. One colour more than there are shades: a cell has one of them behind its character, which has the next.
 */
export const HEAT_COLORS = {
  256: [54, 24, 30, 36, 112, 221],
  truecolor: ['#46327e', '#365c8d', '#1f968b', '#35b779', '#8fd744', '#fde725'],
} as const;

const PLAIN: Paint = {
  tone: (_tone, text) => text,
  header: (text) => text,
  heat: (_step, text) => text,
  hint: (text) => text,
};

/** Sixteen colours, whose hues are the terminal's: bold and brightness tell the tones apart too, characters alone the shades. */
function sixteen(chalk: ChalkInstance): Paint {
  const tones = { bad: chalk.red.bold, warn: chalk.yellow };
  return {
    tone: (tone, text) => (tone ? tones[tone](text) : text),
    header: (text) => chalk.bold(text),
    heat: (_step, text) => chalk.cyan(text),
    hint: (text) => chalk.dim(text),
  };
}

/** The colours behind and of a cell. */
function heatColors(chalk: ChalkInstance, level: 2 | 3): ChalkInstance[] {
  const { 256: numbers, truecolor } = HEAT_COLORS;
  if (level === 2) return numbers.slice(1).map((color, at) => chalk.bgAnsi256(numbers[at]!).ansi256(color));
  return truecolor.slice(1).map((color, at) => chalk.bgHex(truecolor[at]!).hex(color));
}

export function createPaint(level: Display['colorLevel']): Paint {
  if (level === 0) return PLAIN;
  const chalk = new Chalk({ level });
  if (level === 1) return sixteen(chalk);
  const tones = { bad: chalk.ansi256(TONE_COLORS.bad).bold, warn: chalk.ansi256(TONE_COLORS.warn) };
  const heat = heatColors(chalk, level);
  return {
    tone: (tone, text) => (tone ? tones[tone](text) : text),
    header: (text) => chalk.bold(text),
    heat: (step, text) => heat[step]?.(text) ?? text,
    hint: (text) => chalk.dim(text),
  };
}

/** What the terminal behind stdout can show, by chalk's judgement: FORCE_COLOR, TERM, pipe. */
export const STDOUT_COLOR_LEVEL: Display['colorLevel'] = supportsColor === false ? 0 : supportsColor.level;
