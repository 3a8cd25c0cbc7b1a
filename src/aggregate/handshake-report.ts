import type { Tone } from '../model/column.js';
import type { HistogramSection } from '../model/histogram-section.js';
import { durations } from '../model/measures.js';
import type { SummaryFacts } from '../model/summary.js';
import { formatCount } from '../model/units.js';
import type { HandshakeStats } from './handshake-stats.js';

export const OK_LATENCY = durations('ok latency');

/** The histogram of a group of handshakes, with what has no latency beside it. */
export function handshakeSection(
  stats: HandshakeStats,
  title = '',
  keys: Readonly<Record<string, string>> = {},
): HistogramSection {
  const others: [string, number, Tone][] = [];
  for (const [outcome, count] of stats.outcomes()) if (outcome !== 'ok') others.push([outcome, count, 'bad']);
  if (stats.pending > 0) others.push(['pending', stats.pending, 'warn']);
  return { title, keys, histograms: [{ measure: OK_LATENCY, histogram: stats.latency, others }] };
}

/** What the summary says of handshakes. */
export function handshakeFacts(stats: HandshakeStats, ownersUnknown: number): SummaryFacts {
  const notes: string[] = [];
  if (stats.pending > 0) notes.push(`${formatCount(stats.pending)} still pending`);
  if (stats.lostSyn > 0) notes.push(`${formatCount(stats.lostSyn)} lost a SYN`);
  return {
    noun: 'attempts',
    count: stats.finished,
    outcomes: stats.outcomes(),
    notes,
    latency: { label: OK_LATENCY.label, histogram: stats.latency },
    ownersUnknown,
  };
}
