import type { HistogramSection } from '../model/histogram-section.js';
import { durations, numbers } from '../model/measures.js';
import type { SummaryFacts } from '../model/summary.js';
import { formatCount, formatElapsed, formatPercent } from '../model/units.js';
import type { RetransmitStats } from './retransmit-stats.js';

export const STALL = durations('stall');
const TRY = numbers('try', 'try');
export const RETRANSMIT_MEASURES = [STALL, TRY];

/** The histograms of a group: how long it had stood still, and how often it took to try. */
export function retransmitSection(
  stats: RetransmitStats,
  title = '',
  keys: Readonly<Record<string, string>> = {},
): HistogramSection {
  const failed = stats.failed > 0 ? [['failed', stats.failed, 'bad'] as const] : [];
  return {
    title,
    keys,
    histograms: [
      { measure: STALL, histogram: stats.stalls, others: [] },
      { measure: TRY, histogram: stats.tries, others: failed },
    ],
  };
}

/** What the summary says of retransmissions. */
export function retransmitFacts(stats: RetransmitStats, ownersUnknown: number): SummaryFacts {
  const notes: string[] = [];
  const note = (count: number, text: string): void => {
    if (count > 0) notes.push(`${formatCount(count)} ${text}`);
  };
  note(stats.failed, 'could not leave this host');
  note(stats.spurious, 'had arrived the first time');
  note(stats.undone, stats.undone === 1 ? 'recovery taken back' : 'recoveries taken back');
  if (stats.stallNs > 0) notes.push(`flows stood still ${formatElapsed(stats.stallNs)}`);
  if (stats.ratioPercent !== undefined)
    notes.push(`${formatPercent(stats.ratioPercent)} of ${formatCount(stats.sent)} sent`);
  return {
    noun: 'retransmitted segments',
    count: stats.segments,
    outcomes: stats.kinds(),
    notes,
    latency: { label: STALL.label, histogram: stats.stalls },
    ownersUnknown,
  };
}
