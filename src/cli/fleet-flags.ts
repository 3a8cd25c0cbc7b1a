/** What `fleet` is asked: flags, and their checked values. */
import * as Flags from '@oclif/core/flags';
import { USUAL_LIMITS, type Limits, type MatrixMetric } from '../fleet/matrix.js';
import type { Matcher, Question } from '../fleet/promql.js';
import { millisecondsOf, MS_OF_A_DAY } from './fleet-access.js';

const DEFAULT_BY = ['source_region', 'region'] as const;
const LABEL = /^[a-zA-Z_]\w*$/;
const LONGEST_RANGE_MS = 400 * MS_OF_A_DAY;

const list = { multiple: true, multipleNonGreedy: true, delimiter: ',' } as const;
const WHAT = { helpGroup: 'WHAT' };

/** What is asked. */
export const questionFlags = {
  by: Flags.string({
    description: `A row for each combination of these labels, as source_namespace, external, role, instance. Default: ${DEFAULT_BY.join(',')}.`,
    helpValue: 'LABEL',
    ...list,
    helpGroup: 'VIEW',
  }),
  range: Flags.string({
    description: 'How long a time to look at.',
    helpValue: '1h',
    default: '1h',
    ...WHAT,
  }),
  at: Flags.string({
    description: 'When it ends: now, 2026-11-28T16:00:00Z, or Unix seconds.',
    helpValue: 'TIME',
    default: 'now',
    ...WHAT,
  }),
  namespace: Flags.string({
    description: 'Namespace of the local side: label source_namespace.',
    helpValue: 'NAMESPACE',
    ...list,
    ...WHAT,
  }),
  region: Flags.string({
    description: 'Region of the remote address.',
    helpValue: 'REGION',
    ...list,
    ...WHAT,
  }),
  'source-region': Flags.string({
    description: 'Region of the local side.',
    helpValue: 'REGION',
    ...list,
    ...WHAT,
  }),
  external: Flags.string({
    description: 'Only external remote addresses, or only internal ones.',
    options: ['yes', 'no'],
    ...WHAT,
  }),
  recorded: Flags.boolean({
    description: 'Ask for the sums of docs/monitoring/recording-rules.yml: cheap for thousands of hosts.',
    ...WHAT,
  }),
  match: Flags.string({
    description: 'Any label: env=production. Repeated with one label: any of its values.',
    helpValue: 'LABEL=VALUE',
    multiple: true,
    multipleNonGreedy: true,
    ...WHAT,
  }),
};

/** What oclif gives for `questionFlags`. */
export interface QuestionFlagValues {
  by?: string[] | undefined;
  range: string;
  at: string;
  namespace?: string[] | undefined;
  region?: string[] | undefined;
  'source-region'?: string[] | undefined;
  external?: string | undefined;
  recorded: boolean;
  match?: string[] | undefined;
}

/** @throws {RangeError} for what is no label or no time. */
export function toQuestion(flags: QuestionFlagValues, nowMs: number): Question {
  const { namespace, region, 'source-region': sourceRegion, external } = flags;
  const matchers = [
    ...matcherOf('--namespace', 'source_namespace', namespace),
    ...matcherOf('--region', 'region', region),
    ...matcherOf('--source-region', 'source_region', sourceRegion),
    ...(external === undefined ? [] : [{ label: 'external', values: [external] }]),
    ...parseMatches(flags.match ?? []),
  ];
  return {
    by: (flags.by ?? [...DEFAULT_BY]).map((label) => parseLabel('--by', label)),
    matchers,
    rangeS: millisecondsOf('--range', flags.range, 1000, LONGEST_RANGE_MS) / 1000,
    atS: parseAt(flags.at, nowMs),
    recorded: flags.recorded,
  };
}

/** The labels of the two axes. @throws {RangeError} */
export function axesOf({ by }: Question): [string, string] {
  const [source, destination, ...more] = by;
  if (source === undefined || destination === undefined || more.length > 0)
    throw new RangeError('--heatmap: --by needs two labels, of the rows and of the columns');
  return [source, destination];
}

/** @throws {RangeError} unless both are of the metric's kind, and in order. */
export function parseLimits(
  metric: MatrixMetric,
  flags: { warn?: string | undefined; crit?: string | undefined },
): Limits {
  const parse = metric === 'p99' ? latencyLimit : shareLimit;
  const { warn, crit } = USUAL_LIMITS[metric];
  const limits = {
    warn: flags.warn === undefined ? warn : parse('--warn', flags.warn),
    crit: flags.crit === undefined ? crit : parse('--crit', flags.crit),
  };
  if (limits.warn > limits.crit) throw new RangeError('--warn is above --crit');
  return limits;
}

function latencyLimit(flag: string, text: string): number {
  return millisecondsOf(flag, text, 0, 3_600_000) * 1e6;
}

function shareLimit(flag: string, text: string): number {
  const number = /^\d*\.?\d+(e-\d+)?%?$/.test(text) ? parseFloat(text) : NaN;
  const share = text.endsWith('%') ? number / 100 : number;
  if (share >= 0 && share <= 1) return share;
  throw new RangeError(`${flag} ${text}: must be a share from 0 to 1, as in 1e-3 or 0.1%`);
}

function parseLabel(flag: string, text: string): string {
  const label = text.replaceAll('-', '_');
  if (!LABEL.test(label))
    throw new RangeError(`${flag} ${text}: not a label; write letters, digits and _, as in source_namespace`);
  if (label === 'le' || label === '__name__')
    throw new RangeError(
      `${flag} ${text}: the parts of one histogram have this label; nothing is grouped by it`,
    );
  return label;
}

function matcherOf(flag: string, label: string, values: readonly string[] | undefined): Matcher[] {
  if (values === undefined) return [];
  if (values.includes('')) throw new RangeError(`${flag}: the name is empty`);
  return [{ label, values }];
}

/** Different labels must all match; of one label one value is enough. */
function parseMatches(texts: readonly string[]): Matcher[] {
  const values = new Map<string, string[]>();
  for (const text of texts) {
    const at = text.indexOf('=');
    if (at < 1) throw new RangeError(`--match ${text}: must be LABEL=VALUE, as in env=production`);
    const label = parseLabel('--match', text.slice(0, at));
    values.set(label, [...(values.get(label) ?? []), text.slice(at + 1)]);
  }
  return [...values].map(([label, ofLabel]) => ({ label, values: ofLabel }));
}

/** Unix seconds. */
function parseAt(text: string, nowMs: number): number {
  if (text === 'now') return Math.floor(nowMs) / 1000;
  const isIso = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/.test(text);
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : isIso ? Date.parse(text) / 1000 : NaN;
  if (!Number.isNaN(seconds)) return seconds;
  throw new RangeError(`--at ${text}: must be now, a time as in 2026-11-28T16:00:00Z, or Unix seconds`);
}
