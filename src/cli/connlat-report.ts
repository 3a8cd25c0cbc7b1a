import { HandshakeGroups, type HandshakeGroup } from '../aggregate/handshake-groups.js';
import { parseGroupKeys } from '../aggregate/group-keys.js';
import { HANDSHAKE_KEYS, handshakeKeys } from '../aggregate/handshake-keys.js';
import { OK_LATENCY } from '../aggregate/handshake-report.js';
import { handshakeHeatmap } from '../aggregate/heatmap-kinds.js';
import { HeatmapGroups } from '../aggregate/heatmap.js';
import { HandshakeTotals } from '../aggregate/handshake-totals.js';
import { reducerOf } from '../aggregate/reducer.js';
import type { AttributionFilter } from '../model/attribution-filter.js';
import type { FlowParts } from '../model/flow-parts.js';
import { isHandshake, type Handshake, type HandshakeItem } from '../model/handshake.js';
import { conceal, reveal } from '../view/flow-columns.js';
import { handshakeColumns } from '../view/handshake-columns.js';
import { handshakeGroupColumns } from '../view/handshake-group-columns.js';
import { viewOf } from '../view/select-items.js';
import { keyNames, type Report, type ReportOptions } from './report.js';
import { sumParts } from './sum-parts.js';
import { chooseView, type ViewFlagValues } from './view-flags.js';

export const CONNLAT_MANUAL = {
  rows: handshakeColumns('local'),
  groups: handshakeGroupColumns([], () => 0),
  keys: HANDSHAKE_KEYS,
};

/**
 * The parts of flows by which the kernel sums up. Undefined where each event is needed: rows, a heatmap, a recording, the end after
 * N of them.
 */
export function sumsBy(
  { by, hist, heatmap, count, record }: ViewFlagValues & { record?: string | undefined },
  wanted: AttributionFilter,
): FlowParts | undefined {
  if (!(by !== undefined || hist) || heatmap || count !== undefined || record !== undefined) return undefined;
  return sumParts(parseGroupKeys(by ?? [], HANDSHAKE_KEYS), wanted);
}

export function connlatReport({
  flags,
  display,
  context,
  names,
  endpointNames,
  revealed,
  whole,
}: ReportOptions<ViewFlagValues>): Report<HandshakeItem> {
  const keys = parseGroupKeys(flags.by ?? [], handshakeKeys(names));
  const groups = new HandshakeGroups(keys);
  const heatmap = new HeatmapGroups(keys, handshakeHeatmap());
  const totals = new HandshakeTotals();
  const groupColumns = handshakeGroupColumns(groups.keys, () => groups.intervalSeconds);
  const view = chooseView<Handshake, HandshakeGroup>(
    flags,
    {
      columns: reveal(handshakeColumns(flags.time, endpointNames), revealed),
      table: {
        columns: whole ? conceal(reveal(groupColumns, ['attempts']), ['rate_per_s']) : groupColumns,
        rows: () => groups.rows(),
        notes: () => groups.notes(),
        defaultSort: whole ? 'attempts' : 'rate_per_s',
      },
      histogram: { source: groups, measures: [OK_LATENCY], keys: keyNames(groups.keys) },
      heatmap,
    },
    display,
    context,
  );
  return {
    view: viewOf(isHandshake, view),
    reducers: [
      totals,
      ...(flags.heatmap ? [reducerOf(isHandshake, heatmap)] : flags.by || flags.hist ? [groups] : []),
    ],
    counts: (item) => isHandshake(item) && item.outcome !== 'pending',
    facts: () => totals.facts(),
  };
}
