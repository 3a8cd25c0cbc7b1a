import { parseGroupKeys } from '../aggregate/group-keys.js';
import { RetransmitGroups, type RetransmitGroup } from '../aggregate/retransmit-groups.js';
import { RETRANSMIT_KEYS, retransmitKeys } from '../aggregate/retransmit-keys.js';
import { retransmitHeatmap } from '../aggregate/heatmap-kinds.js';
import { HeatmapGroups } from '../aggregate/heatmap.js';
import { RETRANSMIT_MEASURES } from '../aggregate/retransmit-report.js';
import { RetransmitTotals } from '../aggregate/retransmit-totals.js';
import type { AttributionFilter } from '../model/attribution-filter.js';
import type { FlowParts } from '../model/flow-parts.js';
import { isRetransmit, type RetransItem, type Retransmit } from '../model/retransmit.js';
import { conceal, reveal } from '../view/flow-columns.js';
import { retransmitColumns } from '../view/retransmit-columns.js';
import { retransmitGroupColumns } from '../view/retransmit-group-columns.js';
import { viewOf } from '../view/select-items.js';
import { keyNames, type Report, type ReportOptions } from './report.js';
import { sumParts } from './sum-parts.js';
import { chooseView, type ViewFlagValues } from './view-flags.js';

export const RETRANS_MANUAL = {
  rows: retransmitColumns('local', 'relative'),
  groups: retransmitGroupColumns([], () => 0),
  keys: RETRANSMIT_KEYS,
};

export interface RetransViewFlagValues extends ViewFlagValues {
  'absolute-seq': boolean;
}

/** The parts of flows by which the kernel sums up what sockets sent; undefined where each is needed, as in a recording. */
export function sumsBy(
  { by, record }: ViewFlagValues & { record?: string | undefined },
  wanted: AttributionFilter,
): FlowParts | undefined {
  if (record !== undefined) return undefined;
  return sumParts(parseGroupKeys(by ?? [], RETRANSMIT_KEYS), wanted);
}

export function retransReport({
  flags,
  display,
  context,
  names,
  endpointNames,
  revealed,
  whole,
}: ReportOptions<RetransViewFlagValues>): Report<RetransItem> {
  const groups = new RetransmitGroups(parseGroupKeys(flags.by ?? [], retransmitKeys(names)));
  const heatmap = new HeatmapGroups(groups.keys, retransmitHeatmap());
  const totals = new RetransmitTotals();
  const sequence = flags['absolute-seq'] ? 'absolute' : 'relative';
  const groupColumns = retransmitGroupColumns(groups.keys, () => groups.intervalSeconds);
  const view = chooseView<Retransmit, RetransmitGroup>(
    flags,
    {
      columns: reveal(retransmitColumns(flags.time, sequence, endpointNames), revealed),
      table: {
        columns: whole ? conceal(groupColumns, ['rate_per_s']) : groupColumns,
        rows: () => groups.rows(),
        notes: () => groups.notes(),
        defaultSort: 'retrans',
      },
      histogram: { source: groups, measures: RETRANSMIT_MEASURES, keys: keyNames(groups.keys) },
      heatmap,
    },
    display,
    context,
  );
  return {
    view: viewOf(isRetransmit, view),
    reducers: [totals, ...(flags.heatmap ? [heatmap] : flags.by || flags.hist ? [groups] : [])],
    counts: isRetransmit,
    facts: () => totals.facts(),
  };
}
