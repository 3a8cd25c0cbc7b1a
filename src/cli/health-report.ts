import type { GroupKey } from '../aggregate/grouping.js';
import { handshakeFacts } from '../aggregate/handshake-report.js';
import { HandshakeTotals } from '../aggregate/handshake-totals.js';
import { Health } from '../aggregate/health.js';
import { sourceOf } from '../aggregate/network-labels.js';
import { isOfRetransmits } from '../aggregate/network-stats.js';
import { reducerOf } from '../aggregate/reducer.js';
import { RetransmitTotals } from '../aggregate/retransmit-totals.js';
import type { SourceLabel } from '../model/agent-config.js';
import type { TextContext } from '../model/column.js';
import type { Flow } from '../model/flow.js';
import type { HandshakeItem } from '../model/handshake.js';
import { NO_LABEL, type NetworkItem } from '../model/network.js';
import type { SummaryFacts } from '../model/summary.js';
import type { Thresholds } from '../model/thresholds.js';
import { formatCount, formatElapsed } from '../model/units.js';
import { healthColumns } from '../view/health-columns.js';
import { createJsonHealthView } from '../view/health-machine.js';
import { createHealthView } from '../view/health.js';
import type { Display } from '../view/view.js';
import type { Division } from './health-flags.js';
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

const isOfHandshakes = (item: NetworkItem): item is HandshakeItem =>
  item.type !== 'accept-overflows' && !isOfRetransmits(item);

/** What the man page has of the figures. */
export const HEALTH_FIGURES = {
  groups: healthColumns({ header: 'KEY', plain: false, intervalSeconds: () => 0 }),
};

/** A section for each of `--by`, and one of the regions of remote addresses where there are any. */
export function sectionKeys(by: Division, hasRegions: boolean): Pick<HealthReportOptions, 'by' | 'byRegion'> {
  const source: SourceLabel | undefined = by === 'namespace' ? 'auto' : by === 'none' ? undefined : by;
  return {
    by: source && sectionKey(by, (flow) => sourceOf(flow, source)),
    byRegion: hasRegions
      ? sectionKey('region', ({ remotePlace }) => remotePlace?.region ?? NO_LABEL)
      : undefined,
  };
}

function sectionKey(name: string, of: (flow: Flow) => string): GroupKey<NetworkItem> {
  return { name, header: name.toUpperCase(), description: '', of };
}

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
    reducers: [health, reducerOf(isOfHandshakes, handshakes), reducerOf(isOfRetransmits, segments)],
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
