/** Bars and sparklines: numbers as eighths of a character cell. */

const HORIZONTAL = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;
const VERTICAL = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
const FULL = '█';
/** A sparkline's full height is at least this many times its floor: less is noise and stays low. */
const LEAST_SPAN = 2 ** 7;

/** A bar of at most `width` cells, linear from 0 to `max`. What is not zero is seen. */
export function bar(value: number, max: number, width: number): string {
  if (value <= 0 || max <= 0) return '';
  const eighths = Math.max(1, Math.round((8 * width * Math.min(value, max)) / max));
  return FULL.repeat(Math.floor(eighths / 8)) + (HORIZONTAL[eighths % 8] ?? '');
}

/**
 * One cell a value, a space where there is none. Heights are logarithmic from the smallest value shown: a step is at least a
 * doubling, so that steady values make a flat line and a lost SYN stands out.
 */
export function sparkline(values: readonly (number | undefined)[]): string {
  let least = Infinity;
  let most = 0;
  for (const value of values) {
    if (value === undefined) continue;
    least = Math.min(least, Math.max(value, 1));
    most = Math.max(most, value);
  }
  const span = Math.log(Math.max(most / least, LEAST_SPAN));
  return values
    .map((value) => {
      if (value === undefined) return ' ';
      const height = Math.log(Math.max(value, least) / least) / span;
      return VERTICAL[Math.round(height * (VERTICAL.length - 1))] ?? FULL;
    })
    .join('');
}
