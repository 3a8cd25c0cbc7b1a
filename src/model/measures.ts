import type { Measure } from './histogram-section.js';
import { formatCount, formatDuration } from './units.js';

/** Durations in ns. */
export function durations(label: string): Measure {
  return {
    label,
    text: formatDuration,
    least: 0,
    lastOf: (end) => end,
    keys: ['from_us', 'to_us'],
    values: (start, end) => [start / 1000, end / 1000],
  };
}

/** Small whole numbers from 1 on: each has a bucket of its own. */
export function numbers(label: string, key: string): Measure {
  return {
    label,
    text: formatCount,
    least: 1,
    lastOf: (end) => end - 1,
    keys: [key],
    values: (start) => [start],
  };
}
