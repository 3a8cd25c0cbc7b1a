/** What `health` says in words: marks, names of scopes, the verdict. */
import type { Crossing, HealthReport, HealthRow } from '../aggregate/health.js';
import type { Tone } from '../model/column.js';
import { NO_LABEL } from '../model/network.js';
import {
  formatFigure,
  formatLimit,
  formatShare,
  THRESHOLD_KINDS,
  type Judgement,
  type Standing,
  type ThresholdName,
} from '../model/thresholds.js';
import { formatCount, formatDuration } from '../model/units.js';

/** In front of a line or a figure. */
export const MARKS: Readonly<Record<Standing, string>> = { few: '·', ok: '✓', near: '!', crossed: '✗' };
/** The same for a screen reader. */
export const WORDS: Readonly<Record<Standing, string>> = {
  few: 'too few to tell',
  ok: 'ok',
  near: 'near',
  crossed: 'OVER',
};
const TONES: Readonly<Partial<Record<Standing, Tone>>> = { near: 'warn', crossed: 'bad' };

export const toneOf = (standing: Standing | undefined): Tone | undefined => standing && TONES[standing];

/** `12 refused, 3 timeout`; '' of none. */
export const countsText = (counts: readonly (readonly [word: string, count: number])[]): string =>
  counts.map(([word, count]) => `${formatCount(count)} ${word}`).join(', ');

/** Crossings that the verdict names. */
const NAMED = 3;

export function judgementOf(
  { judgements }: Pick<HealthRow, 'judgements'>,
  name: ThresholdName,
): Judgement | undefined {
  return judgements.find((judgement) => judgement.name === name);
}

/** `on this host`, `in shop`, `to eu-west-1`. */
function place({ scope, key }: Pick<Crossing, 'scope' | 'key'>): string {
  if (scope === 'host') return 'on this host';
  if (scope !== 'region') return `in ${key}`;
  return key === NO_LABEL ? 'to addresses without a region' : `to ${key}`;
}

/** `P99 inside 7.20 ms (> 5 ms) in shop`. */
function crossingText(crossing: Crossing): string {
  const { name, value, limit } = crossing.judgement;
  const figure = `${THRESHOLD_KINDS[name].label} ${formatFigure(name, value)} (> ${formatLimit(name, limit)})`;
  return `${figure} ${place(crossing)}`;
}

export interface Verdict {
  readonly standing: Standing;
  readonly text: string;
}

/** The line on top. */
export function verdictOf(report: HealthReport): Verdict {
  const { crossings, host, thresholds } = report;
  if (crossings.length > 0) return { standing: 'crossed', text: crossedText(crossings) };
  const { attempts } = host.sums;
  if (attempts === 0) return { standing: 'few', text: 'nothing to judge: no connection has been tried' };
  if (Object.values(thresholds.limits).every((limit) => limit === undefined))
    return { standing: 'few', text: `no threshold is set: ${hostText(host)}` };
  if (host.standing === 'few') {
    const needed = `${formatCount(attempts)} of the ${formatCount(thresholds.minAttempts)} attempts that thresholds need`;
    return { standing: 'few', text: `too few to tell: ${needed}; nothing else is crossed` };
  }
  const near = nearOnes(report);
  if (near.length > 0) return { standing: 'near', text: `healthy, but near a threshold: ${near.join(', ')}` };
  return { standing: 'ok', text: `healthy: ${hostText(host)}` };
}

function crossedText(crossings: readonly Crossing[]): string {
  const count = `${formatCount(crossings.length)} ${crossings.length === 1 ? 'threshold' : 'thresholds'} crossed`;
  return `${count}: ${listed(crossings.map(crossingText)).join(', ')}`;
}

function nearOnes({ host, groups, regions }: HealthReport): string[] {
  const rows = [host, ...(groups?.rows ?? []), ...(regions?.rows ?? [])];
  return listed(
    rows.flatMap((row) =>
      row.judgements
        .filter(({ standing }) => standing === 'near')
        .map(({ name, value, limit }) => {
          const figure = `${THRESHOLD_KINDS[name].label} ${formatFigure(name, value)}`;
          return `${figure} of ${formatLimit(name, limit)} ${place(row)}`;
        }),
    ),
  );
}

function listed(texts: readonly string[]): string[] {
  const more = texts.length - NAMED;
  return more > 0 ? [...texts.slice(0, NAMED), `and ${formatCount(more)} more`] : [...texts];
}

/** What is good of the host. */
function hostText({ sums }: HealthRow): string {
  const { attempts, failed, lostSyn } = sums;
  const p99Ns = sums.latency('internal').quantile(0.99);
  const clauses = [
    `${formatCount(attempts)} ${attempts === 1 ? 'attempt' : 'attempts'}`,
    failed === 0 ? 'none failed' : `${formatShare(failed / attempts)} failed`,
    lostSyn === 0 ? 'no SYN lost' : `SYN loss ${formatShare(lostSyn / attempts)}`,
  ];
  if (p99Ns !== undefined) clauses.push(`P99 inside ${formatDuration(p99Ns)}`);
  return clauses.join(', ');
}
