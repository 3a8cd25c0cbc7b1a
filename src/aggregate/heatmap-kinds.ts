/** What each command shows in a heatmap. */
import { OUTCOMES, type Handshake } from '../model/handshake.js';
import type { OtherLine } from '../model/heatmap-section.js';
import { isFailed, isRetransmit, KINDS, stallNs, type RetransItem } from '../model/retransmit.js';
import { OK_LATENCY } from './handshake-report.js';
import type { HeatmapKind } from './heatmap.js';
import { PendingAttempts } from './pending.js';
import { STALL } from './retransmit-report.js';

const PENDING: OtherLine = { label: 'pending', tone: 'warn', gauge: true };
const FAILED: OtherLine = { label: 'failed', tone: 'bad' };

/** Latency of what succeeded; outcomes of what failed; and what hangs at the end of each interval. */
export function handshakeHeatmap(): HeatmapKind<Handshake> {
  const pending = new PendingAttempts();
  const failures = OUTCOMES.filter((outcome) => outcome !== 'ok' && outcome !== 'pending');
  return {
    measure: OK_LATENCY,
    result: 'ok',
    others: [...failures.map((label): OtherLine => ({ label, tone: 'bad' })), PENDING],
    placeOf({ outcome, startNs, endNs }) {
      if (outcome === 'pending') return undefined;
      return outcome === 'ok' ? { ns: endNs - startNs } : { other: outcome };
    },
    track: (attempt, gauge) => {
      pending.track(attempt, gauge);
    },
  };
}

/** How long flows had stood still; kinds of what was sent again without; and what could not leave this host. */
export function retransmitHeatmap(): HeatmapKind<RetransItem> {
  return {
    measure: STALL,
    result: 'stalled',
    others: [...KINDS.map((label): OtherLine => ({ label })), FAILED],
    placeOf(item) {
      if (!isRetransmit(item)) return undefined;
      if (isFailed(item)) return { other: FAILED.label };
      const ns = stallNs(item);
      return ns === undefined ? { other: item.kind } : { ns };
    },
  };
}
