import { handshakeFacts } from '../aggregate/handshake-report.js';
import { HandshakeTotals } from '../aggregate/handshake-totals.js';
import { Health } from '../aggregate/health.js';
import type { GroupKey } from '../aggregate/grouping.js';
import { reducerOf } from '../aggregate/reducer.js';
import { RetransmitTotals } from '../aggregate/retransmit-totals.js';
import type { TextContext } from '../model/column.js';
import type { HandshakeItem } from '../model/handshake.js';
import type { NetworkItem } from '../model/network.js';
import type { RetransItem } from '../model/retransmit.js';
import type { SummaryFacts } from '../model/summary.js';
import type { Thresholds } from '../model/thresholds.js';
import { formatCount, formatElapsed } from '../model/units.js';
import { createJsonHealthView } from '../view/health-machine.js';
import { createHealthView } from '../view/health.js';
import type { Display } from '../view/view.js';
import type { Report } from './report.js';

export interface HealthReportOptions {
  display: Display;
  context: TextContext;
  /** How far back figures reach; Infinity: to the start. */
  windowNs: number;
  thresholds: Thresholds;
  by: GroupKey<NetworkItem> | undefined;
  byRegion: GroupKey<NetworkItem> | undefined;
  top: number | undefined;
  json: boolean;
  once: boolean;
  /** Events that were lost so far. */
  lost: () => number;
}

const HANDSHAKE_TYPES: readonly string[] = ['handshake', 'sum', 'pending-end'];
const isOfHandshakes = (item: NetworkItem): item is HandshakeItem => HANDSHAKE_TYPES.includes(item.type);
const isOfSegments = (item: NetworkItem): item is RetransItem => ['retransmit', 'socket'].includes(item.type);

/** The report, and whether its last one crossed a threshold. */
export function healthReport(options: HealthReportOptions): Report<NetworkItem> & { crossed(): boolean } {
  const { display, context, top, once, lost } = options;
  const health = new Health(options);
  const handshakes = new HandshakeTotals();
  const segments = new RetransmitTotals();
  let crossed = false;
  const parts = {
    ...{ display, context, top, once, lost },
    report(nowNs: number) {
      const report = health.report(nowNs);
      crossed = report.crossings.length > 0;
      return report;
    },
    intervalSeconds: () => health.intervalSeconds,
    pending: () => handshakes.stats.pending,
  };
  return {
    view: options.json ? createJsonHealthView(parts) : createHealthView(parts),
    reducers: [health, reducerOf(isOfHandshakes, handshakes), reducerOf(isOfSegments, segments)],
    counts: () => false,
    facts: () => factsOf(handshakes, segments),
    crossed: () => crossed,
  };
}

function factsOf(handshakes: HandshakeTotals, { stats }: RetransmitTotals): SummaryFacts {
  const facts = handshakeFacts(handshakes.stats, handshakes.ownersUnknown);
  const notes = [...facts.notes, `${formatCount(stats.segments)} segments sent again`];
  if (stats.stallNs > 0) notes.push(`flows stood still ${formatElapsed(stats.stallNs)}`);
  return { ...facts, notes };
}
