import { HandshakeGroups } from '../aggregate/handshake-groups.js';
import { parseGroupKeys } from '../aggregate/group-keys.js';
import { HANDSHAKE_KEYS, handshakeKeys } from '../aggregate/handshake-keys.js';
import { OK_LATENCY } from '../aggregate/handshake-report.js';
import { handshakeHeatmap } from '../aggregate/heatmap-kinds.js';
import { HeatmapGroups } from '../aggregate/heatmap.js';
import { HandshakeTotals } from '../aggregate/handshake-totals.js';
import type { KernelHandshakes } from '../aggregate/kernel-handshakes.js';
import type { Handshake } from '../model/handshake.js';
import { conceal, reveal } from '../view/flow-columns.js';
import { handshakeColumns } from '../view/handshake-columns.js';
import { handshakeGroupColumns } from '../view/handshake-group-columns.js';
import { keyNames, type Report, type ReportOptions } from './report.js';
import { chooseView, type ViewFlagValues } from './view-flags.js';

export const CONNLAT_MANUAL = {
  rows: handshakeColumns('local'),
  groups: handshakeGroupColumns([], () => 0),
  keys: HANDSHAKE_KEYS,
};

/** @param kernelSums what the kernel sums up where no event is sent; else items are summed up here */
export function connlatReport(
  { flags, display, context, names, endpointNames, revealed, whole }: ReportOptions<ViewFlagValues>,
  kernelSums?: KernelHandshakes,
): Report<Handshake> {
  const groups = new HandshakeGroups(parseGroupKeys(flags.by ?? [], handshakeKeys(names)));
  const heatmap = new HeatmapGroups(groups.keys, handshakeHeatmap());
  const totals = new HandshakeTotals();
  const groupColumns = handshakeGroupColumns(groups.keys, () => groups.intervalSeconds);
  const view = chooseView(
    flags,
    {
      columns: reveal(handshakeColumns(flags.time, endpointNames), revealed),
      table: {
        columns: whole ? conceal(reveal(groupColumns, ['attempts']), ['rate_per_s']) : groupColumns,
        rows: () => groups.rows(),
        notes: () => groups.notes(),
        defaultSort: whole ? 'attempts' : 'rate_per_s',
      },
      histogram: { source: kernelSums ?? groups, measures: [OK_LATENCY], keys: keyNames(groups.keys) },
      heatmap,
    },
    display,
    context,
  );
  return {
    view,
    reducers: [totals, ...(flags.heatmap ? [heatmap] : flags.by || flags.hist ? [groups] : [])],
    counts: ({ outcome }) => outcome !== 'pending',
    facts: () => (kernelSums ?? totals).facts(),
  };
}
