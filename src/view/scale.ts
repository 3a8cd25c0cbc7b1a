/** Bars, sparklines and shades: numbers as steps of a character cell. */

const HORIZONTAL = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;
const VERTICAL = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
/**
 * From a dot to a full cell, each visibly denser than the one before. All are in Latin-1 or code page 437 and so in every console
 * font, the kernel's included, where eighths of a shade do not exist; there is no second ramp, because a copied picture should read
 * the same everywhere. Nothing at all is a space.
 */
export const SHADES = ['·', '░', '▒', '▓', '█'] as const;
const FULL = '█';

/** Values of a logarithmic scale, in steps of equal ratio. */
export interface LogScale {
  steps: number;
  /** Step of a value, from 0 to `steps` - 1. */
  stepOf: (value: number) => number;
}

/**
 * A scale from the smallest to the largest value that is shown. A step is at least a doubling: less is noise and stays low, so that
 * steady values look the same and what is many times as large stands out.
 */
export function logScale(least: number, most: number, steps: number): LogScale {
  const span = Math.log(Math.max(most / least, 2 ** (steps - 1)));
  return {
    steps,
    stepOf(value) {
      const height = Math.log(Math.max(value, least) / least) / span;
      return Math.min(steps - 1, Math.round(height * (steps - 1)));
    },
  };
}

/** A bar of at most `width` cells, linear from 0 to `max`. What is not zero is seen. */
export function bar(value: number, max: number, width: number): string {
  if (value <= 0 || max <= 0) return '';
  const eighths = Math.max(1, Math.round((8 * width * Math.min(value, max)) / max));
  return FULL.repeat(Math.floor(eighths / 8)) + (HORIZONTAL[eighths % 8] ?? '');
}

/** One cell a value, a space where there is none; the lowest bar is the smallest value shown. */
export function sparkline(values: readonly (number | undefined)[]): string {
  let least = Infinity;
  let most = 0;
  for (const value of values) {
    if (value === undefined) continue;
    least = Math.min(least, Math.max(value, 1));
    most = Math.max(most, value);
  }
  const { stepOf } = logScale(least, most, VERTICAL.length);
  return values.map((value) => (value === undefined ? ' ' : (VERTICAL[stepOf(value)] ?? FULL))).join('');
}

/** The scale of counts that are shades, for the largest of them. */
export function shadeScale(most: number): LogScale {
  return logScale(1, most, SHADES.length);
}

/** The counts of each shade that occurs up to `most`: `[0, 1, 1]`, `[1, 2, 5]`. A shade that no whole number has is left out. */
export function shadeRanges(most: number): [step: number, from: number, to: number][] {
  const { stepOf } = shadeScale(most);
  const ranges: [number, number, number][] = [];
  for (let from = 1; from <= most;) {
    const step = stepOf(from);
    let [last, beyond] = [from, most + 1];
    while (beyond - last > 1) {
      const middle = Math.floor((last + beyond) / 2);
      if (stepOf(middle) === step) last = middle;
      else beyond = middle;
    }
    ranges.push([step, from, last]);
    from = last + 1;
  }
  return ranges;
}
