import { Flags } from '@oclif/core';
import { retransmitAuditSentence } from '../aggregate/audit.js';
import { parseGroupKeys } from '../aggregate/group-keys.js';
import { retransmitHeatmap } from '../aggregate/heatmap-kinds.js';
import { HeatmapGroups } from '../aggregate/heatmap.js';
import { RetransmitGroups, type RetransmitGroup } from '../aggregate/retransmit-groups.js';
import { RETRANSMIT_KEYS } from '../aggregate/retransmit-keys.js';
import { RETRANSMIT_MEASURES } from '../aggregate/retransmit-report.js';
import { RetransmitTotals } from '../aggregate/retransmit-totals.js';
import { BaseCommand } from '../cli/base-command.js';
import { filterFlags, isUnfiltered, minLatencyFlag, toFilter } from '../cli/filter-flags.js';
import { transportFlag } from '../cli/tracing-flags.js';
import { parseKind, parseState } from '../cli/values.js';
import { chooseView, countFlag, currentDisplay, parseTiming, viewFlags } from '../cli/view-flags.js';
import { RetransmitSource } from '../kernel/retransmits.js';
import { isRetransmit, type Retransmit } from '../model/retransmit.js';
import { monotonicNs, runSession } from '../session.js';
import { retransmitColumns } from '../view/retransmit-columns.js';
import { retransmitGroupColumns } from '../view/retransmit-group-columns.js';
import { viewOf } from '../view/select-items.js';
import { summary } from '../view/summary.js';

export default class Retrans extends BaseCommand {
  static override summary = 'Every TCP retransmission: why it happened, and whose socket it is.';
  static override description =
    'KIND is why the kernel sent again: syn, synack (handshake), fast (SACKs or duplicate ACKs say that it is lost), tlp ' +
    '(probe of the last segment), rto (nothing came back for the whole timeout), loss (the rest after a timeout). STALL is ' +
    'how long the flow had stood still when a timer sent again. PID owns the socket; it is not who was on the CPU.';

  static override examples = [
    {
      description: 'Every retransmission on this host',
      command: '<%= config.bin %> <%= command.id %>',
    },
    {
      description: 'To which peers, how much of all that was sent, and how long flows stood still',
      command: '<%= config.bin %> <%= command.id %> --by remote',
    },
    {
      description: 'Which programs wait for timeouts',
      command: '<%= config.bin %> <%= command.id %> --kind rto,tlp --by comm',
    },
    {
      description: 'Only where a flow stood still for a second or longer',
      command: '<%= config.bin %> <%= command.id %> --min-latency 1s',
    },
    {
      description: 'For jq',
      command: "<%= config.bin %> <%= command.id %> --json | jq 'select(.try > 2)'",
    },
  ];

  static override flags = {
    ...viewFlags,
    count: countFlag('retransmissions'),
    'absolute-seq': Flags.boolean({
      description: "Sequence numbers as they are on the wire, not from the connection's start.",
      helpGroup: 'VIEW',
    }),
    ...filterFlags,
    'min-latency': minLatencyFlag('Only where the flow had stood still (STALL) for at least this long.'),
    kind: Flags.string({
      description: 'Why it was sent again: syn, synack, fast, rto, loss, tlp.',
      helpValue: 'KIND',
      helpGroup: 'FILTER',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
    }),
    state: Flags.string({
      description: 'State of the connection: ESTABLISHED, SYN_SENT, FIN_WAIT1 …',
      helpValue: 'STATE',
      helpGroup: 'FILTER',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
    }),
    transport: transportFlag,
  };

  /** What the man page says beside the flags. */
  static manual = {
    rows: retransmitColumns('local', 'relative'),
    groups: retransmitGroupColumns([], () => 0),
    keys: RETRANSMIT_KEYS,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Retrans);
    const filter = toFilter(flags);
    const kinds = (flags.kind ?? []).map(parseKind);
    const states = (flags.state ?? []).map(parseState);
    const timing = parseTiming(flags);
    const display = currentDisplay(flags);
    const groups = new RetransmitGroups(parseGroupKeys(flags.by ?? [], RETRANSMIT_KEYS));
    const heatmap = new HeatmapGroups(groups.keys, retransmitHeatmap());
    const totals = new RetransmitTotals();
    const view = chooseView<Retransmit, RetransmitGroup>(
      flags,
      {
        columns: retransmitColumns(flags.time, flags['absolute-seq'] ? 'absolute' : 'relative'),
        table: {
          columns: retransmitGroupColumns(groups.keys, () => groups.intervalSeconds),
          rows: () => groups.rows(),
          notes: () => groups.notes(),
          defaultSort: 'retrans',
        },
        histogram: {
          source: groups,
          measures: RETRANSMIT_MEASURES,
          keys: groups.keys.map(({ name }) => name.replaceAll('-', '_')),
        },
        heatmap,
      },
      display,
      { clockOffsetNs: 0, timeFormat: flags.time, startedNs: monotonicNs() },
    );
    const source = RetransmitSource.start({
      filter,
      kinds,
      states,
      transport: flags.transport,
      sampleNs: flags.by && !flags.hist && !flags.heatmap ? timing.intervalMs * 1e6 : 0,
      audit: isUnfiltered(filter) && kinds.length === 0 && states.length === 0,
    });
    try {
      const { elapsedNs, outputOpen } = await runSession({
        source,
        status: 'Tracing TCP retransmissions; Ctrl-C ends.',
        reducers: flags.heatmap ? [totals, heatmap] : flags.by || flags.hist ? [totals, groups] : [totals],
        view: viewOf(isRetransmit, view),
        display,
        ...timing,
        counts: isRetransmit,
      });
      if (!outputOpen) return;
      const audit = source.auditFacts();
      process.stderr.write(
        summary({
          facts: totals.facts(),
          durationNs: elapsedNs,
          losses: source.losses(),
          ...(audit ? { audit: retransmitAuditSentence(audit) } : {}),
          colorLevel: 0,
          width: process.stderr.isTTY ? display.width : undefined,
        }),
      );
    } finally {
      source.close();
    }
  }
}
