import { Flags } from '@oclif/core';
import { handshakeAuditSentence } from '../aggregate/audit.js';
import { HandshakeGroups } from '../aggregate/handshake-groups.js';
import { parseGroupKeys } from '../aggregate/group-keys.js';
import { HANDSHAKE_KEYS } from '../aggregate/handshake-keys.js';
import { OK_LATENCY } from '../aggregate/handshake-report.js';
import { HandshakeTotals } from '../aggregate/handshake-totals.js';
import { handshakeHeatmap } from '../aggregate/heatmap-kinds.js';
import { HeatmapGroups } from '../aggregate/heatmap.js';
import { KernelHandshakes } from '../aggregate/kernel-handshakes.js';
import { BaseCommand } from '../cli/base-command.js';
import { filterFlags, isUnfiltered, minLatencyFlag, toFilter } from '../cli/filter-flags.js';
import { transportFlag } from '../cli/tracing-flags.js';
import { chooseView, countFlag, currentDisplay, parseTiming, viewFlags } from '../cli/view-flags.js';
import { HandshakeSource } from '../kernel/handshakes.js';
import { parseDuration } from '../model/units.js';
import { monotonicNs, runSession } from '../session.js';
import { handshakeColumns } from '../view/handshake-columns.js';
import { handshakeGroupColumns } from '../view/handshake-group-columns.js';
import { summary } from '../view/summary.js';

const TRACING = 'Tracing outgoing TCP handshakes; Ctrl-C ends.';
const SLOWS_CALLS = '--sync-errors slows every system call of this host a little while it runs.';

export default class Connlat extends BaseCommand {
  static override summary = 'Handshake latency and outcome of every outgoing TCP connection.';
  static override description =
    'LATENCY is SYN_SENT to ESTABLISHED, measured in the kernel; WIRE is the RTT of the SYN that was answered; SYNS counts ' +
    'the SYNs sent. SYNS 2 or more: a SYN or its answer was lost; with a small WIRE the path itself is fast. ' +
    'Filters work in the kernel; lists are written with commas or by repeating the flag.';

  static override examples = [
    {
      description: 'Every attempt on this host, as it ends or hangs',
      command: '<%= config.bin %> <%= command.id %>',
    },
    {
      description: 'Which peers are slow or fail',
      command: '<%= config.bin %> <%= command.id %> --by remote',
    },
    {
      description: 'Only slow ones of one service',
      command: '<%= config.bin %> <%= command.id %> --comm puma --min-latency 10ms',
    },
    {
      description: 'Distribution over 30 seconds, counted in the kernel',
      command: '<%= config.bin %> <%= command.id %> --hist --duration 30s',
    },
    {
      description: 'How latency and failures change over time',
      command: '<%= config.bin %> <%= command.id %> --heatmap',
    },
    {
      description: 'For jq',
      command: '<%= config.bin %> <%= command.id %> --json | jq \'select(.result != "ok")\'',
    },
  ];

  static override flags = {
    ...viewFlags,
    count: countFlag('finished attempts'),
    ...filterFlags,
    'min-latency': minLatencyFlag('Only attempts that took at least this long.'),
    pending: Flags.string({
      description: 'Show an attempt that hangs longer than this; 0: never.',
      helpValue: '1s',
      default: '1s',
      helpGroup: 'TRACING',
    }),
    'sync-errors': Flags.boolean({
      description:
        'Also connects that fail before a SYN (no route); slows every system call of the host a little.',
      helpGroup: 'TRACING',
    }),
    transport: transportFlag,
  };

  /** What the man page says beside the flags. */
  static manual = {
    rows: handshakeColumns('local'),
    groups: handshakeGroupColumns([], () => 0),
    keys: HANDSHAKE_KEYS,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Connlat);
    const filter = toFilter(flags);
    const timing = parseTiming(flags);
    const pendingNs = parseDuration(flags.pending);
    const display = currentDisplay(flags);
    const groups = new HandshakeGroups(parseGroupKeys(flags.by ?? [], HANDSHAKE_KEYS));
    const heatmap = new HeatmapGroups(groups.keys, handshakeHeatmap());
    // A count needs each event; groups are made in user space.
    const aggregate = flags.hist && flags.by === undefined && timing.count === undefined;
    const kernelSums = new KernelHandshakes();
    const totals = new HandshakeTotals();
    const view = chooseView(
      flags,
      {
        columns: handshakeColumns(flags.time),
        table: {
          columns: handshakeGroupColumns(groups.keys, () => groups.intervalSeconds),
          rows: () => groups.rows(),
          notes: () => groups.notes(),
          defaultSort: 'rate_per_s',
        },
        histogram: {
          source: aggregate ? kernelSums : groups,
          measures: [OK_LATENCY],
          keys: groups.keys.map(({ name }) => name.replaceAll('-', '_')),
        },
        heatmap,
      },
      display,
      { clockOffsetNs: 0, timeFormat: flags.time, startedNs: monotonicNs() },
    );
    const source = HandshakeSource.start({
      filter,
      aggregate,
      transport: flags.transport,
      syncErrors: flags['sync-errors'],
      pendingNs: aggregate ? 0 : pendingNs,
      audit: isUnfiltered(filter),
    });
    try {
      const { elapsedNs, outputOpen } = await runSession({
        source,
        status: flags['sync-errors'] ? `${SLOWS_CALLS}\n${TRACING}` : TRACING,
        reducers: flags.heatmap ? [totals, heatmap] : flags.by || flags.hist ? [totals, groups] : [totals],
        view,
        display,
        ...(aggregate
          ? {
              refresh: () => {
                kernelSums.replace(source.totals());
              },
            }
          : {}),
        ...timing,
        counts: ({ outcome }) => outcome !== 'pending',
      });
      if (!outputOpen) return;
      const audit = source.auditFacts();
      process.stderr.write(
        summary({
          facts: aggregate ? kernelSums.facts() : totals.facts(),
          durationNs: elapsedNs,
          losses: source.losses(),
          ...(audit ? { audit: handshakeAuditSentence(audit) } : {}),
          colorLevel: 0,
          width: process.stderr.isTTY ? display.width : undefined,
        }),
      );
    } finally {
      source.close();
    }
  }
}
