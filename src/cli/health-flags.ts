/** The flags of `health` alone, and their checked values. */
import * as Flags from '@oclif/core/flags';
import { withThreshold, type Thresholds } from '../model/thresholds.js';
import { parseDuration } from '../model/units.js';
import { parseTiming, viewFlags } from './view-flags.js';

const VIEW = { helpGroup: 'VIEW' };
const { time, duration } = viewFlags;

/** What the host is divided by; `none`: nothing but the host, and regions. */
export const DIVISIONS = ['namespace', 'container', 'unit', 'none'] as const;
export type Division = (typeof DIVISIONS)[number];

export const healthFlags = {
  by: Flags.option({
    description:
      'What the host is divided by. namespace is the Kubernetes namespace or, where there is none, the container, the unit, or host.',
    options: DIVISIONS,
    default: 'namespace' as const,
    ...VIEW,
  })(),
  threshold: Flags.string({
    description: 'Set a threshold, such as p99-internal=5ms or syn-loss=0.1%; off: none. Repeatable.',
    helpValue: 'NAME=VALUE',
    helpGroup: 'THRESHOLDS',
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
  }),
  window: Flags.string({
    description: 'How far back the figures of the live screen reach.',
    helpValue: '60s',
    default: '60s',
    ...VIEW,
  }),
  once: Flags.boolean({
    description:
      'Measure for --duration (default: --window), print one report, end; exit code 3 if a threshold is crossed.',
    ...VIEW,
  }),
  top: Flags.string({ description: 'Show only the first N groups and regions.', helpValue: 'N', ...VIEW }),
  plain: Flags.boolean({
    description: 'For a screen reader: text in reading order, words for marks, no curves or redrawing.',
    exclusive: ['json'],
    ...VIEW,
  }),
  json: Flags.boolean({ description: 'NDJSON: one object an interval, or with --once one in all.', ...VIEW }),
  interval: Flags.string({ description: 'Time between two looks.', helpValue: '1s', default: '1s', ...VIEW }),
  time,
  duration,
};

export interface HealthTiming {
  /** How far back figures reach; Infinity: to the start. */
  windowNs: number;
  intervalMs: number;
  durationMs: number | undefined;
  count: undefined;
}

/** @throws {RangeError} for a value that makes no sense. */
export function healthTiming(flags: {
  window: string;
  interval: string;
  once: boolean;
  duration?: string | undefined;
}): HealthTiming {
  const windowNs = parseDuration(flags.window);
  const { intervalMs, durationMs } = parseTiming(flags);
  if (windowNs < intervalMs * 1e6)
    throw new RangeError(`--window ${flags.window}: at least as long as --interval ${flags.interval}`);
  const common = { intervalMs, count: undefined };
  if (!flags.once) return { ...common, windowNs, durationMs };
  return { ...common, windowNs: Infinity, durationMs: durationMs ?? windowNs / 1e6 };
}

/** Those of the configuration, with those of `--threshold` in their place. @throws {RangeError} for a wrong one. */
export function toThresholds(configured: Thresholds, settings: readonly string[] = []): Thresholds {
  return settings.reduce((thresholds, setting) => {
    const equals = setting.indexOf('=');
    if (equals < 0) throw new RangeError(`--threshold ${setting}: write NAME=VALUE, as in p99-internal=5ms`);
    return withSetting(thresholds, setting.slice(0, equals), setting.slice(equals + 1));
  }, configured);
}

function withSetting(thresholds: Thresholds, name: string, value: string): Thresholds {
  try {
    return withThreshold(thresholds, name, value);
  } catch (error) {
    throw error instanceof RangeError ? new RangeError(`--threshold ${name}: ${error.message}`) : error;
  }
}
