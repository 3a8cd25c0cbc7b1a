import * as Flags from '@oclif/core/flags';
import { handshakeAuditSentence } from '../aggregate/audit.js';
import { attributionFlags, hostRootFlag, toAttributionFilter } from '../cli/attribution-flags.js';
import { BaseCommand } from '../cli/base-command.js';
import { CONNLAT_MANUAL, connlatReport, sumsBy } from '../cli/connlat-report.js';
import { filterFlags, hasOnlyPlaces, isUnfiltered, minLatencyFlag, toFilter } from '../cli/filter-flags.js';
import { openLiveAttribution } from '../cli/live-attribution.js';
import { HandshakeWatch, maxCpuOf } from '../cli/max-cpu.js';
import { openRecorder, recordFlags } from '../cli/record-flags.js';
import { runReport, type OpenRecorder } from '../cli/run-report.js';
import { maxCpuFlag, statsFlag, transportFlag } from '../cli/tracing-flags.js';
import { countFlag, currentDisplay, parseTiming, viewFlags } from '../cli/view-flags.js';
import { HandshakeSource } from '../kernel/handshakes.js';
import { renouncePrivileges } from '../kernel/renounce.js';
import { thisHost } from '../record/this-host.js';
import { isEmptyFilter, wantsAttribution } from '../model/attribution-filter.js';
import type { Report } from '../cli/report.js';
import type { Handshake, HandshakeItem } from '../model/handshake.js';
import { parseDuration } from '../model/units.js';
import { monotonicNs } from '../session/clock.js';

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
      description: 'Which pods fail to reach what is outside',
      command: '<%= config.bin %> <%= command.id %> --external --by pod,result',
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
    ...attributionFlags,
    'host-root': hostRootFlag,
    ...recordFlags,
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
    stats: statsFlag,
    'max-cpu': maxCpuFlag,
  };

  static manual = CONNLAT_MANUAL;

  async run(): Promise<void> {
    const { flags } = await this.parse(Connlat);
    const timing = parseTiming(flags);
    const pendingNs = parseDuration(flags.pending);
    const wanted = toAttributionFilter(flags);
    const limit = maxCpuOf(flags);
    const hasRows = flags.by === undefined && !flags.hist;
    const display = currentDisplay(flags);
    let source: HandshakeSource | undefined;
    let recorder: OpenRecorder<Handshake> | undefined;
    const attribution = await openLiveAttribution(flags, {
      newCgroupPath: (cgroupId) => source?.cgroupPath(cgroupId),
      onName: (address, name) => recorder?.name(address, name),
    });
    try {
      const filter = toFilter(flags, (text) => attribution.cgroupId(text));
      const unfiltered = isUnfiltered(filter) && isEmptyFilter(wanted);
      // Rows may become sums of all attempts.
      const parts = sumsBy({ ...flags, hist: flags.hist || limit !== undefined }, wanted);
      if (limit !== undefined && !parts)
        throw new RangeError(`--max-cpu needs sums of the kernel, which has none by ${flags.by?.join(',')}`);
      const context = { clockOffsetNs: 0, timeFormat: flags.time, startedNs: monotonicNs() };
      const report = connlatReport({ ...attribution, flags, display, context });
      const handshakes = (source = HandshakeSource.start({
        filter,
        sumsBy: parts,
        adjustable: limit !== undefined,
        transport: flags.transport,
        syncErrors: flags['sync-errors'],
        pendingNs,
        // Connections that the user did not ask for are nobody's business.
        meetings: flags.record !== undefined && hasOnlyPlaces(filter) && isEmptyFilter(wanted),
        measuresRuns: flags.stats,
        audit: unfiltered,
        hostRoot: flags['host-root'],
      }));
      const watch = limit === undefined ? undefined : new HandshakeWatch(limit, handshakes, hasRows);
      await runReport({
        source: handshakes,
        report: watch ? watched(report, watch) : report,
        attribute: (flow, nowNs) => {
          attribution.attribute(flow, nowNs);
        },
        wants: (attempt) => wantsAttribution(wanted, attempt),
        openRecorder: async () => {
          recorder = await openRecorder(flags, {
            tcpscope: this.config.version,
            command: 'connlat',
            arguments: this.argv,
            filtered: !unfiltered,
            host: thisHost(),
          });
          return recorder;
        },
        renounce: () => renouncePrivileges({ ...attribution, entersNamespaces: handshakes.entersNamespaces }),
        status: [...attribution.warnings, ...(flags['sync-errors'] ? [SLOWS_CALLS] : []), TRACING].join('\n'),
        display,
        timing,
        watch,
        stats: flags.stats ? { json: flags.json, context } : undefined,
        audit: () => {
          const facts = watch?.sampled ? undefined : handshakes.auditFacts();
          return facts && handshakeAuditSentence(facts);
        },
      });
    } finally {
      attribution.close();
    }
  }
}

/** The same, and what is left out. */
function watched(report: Report<HandshakeItem>, watch: HandshakeWatch): Report<HandshakeItem> {
  return {
    ...report,
    reducers: [...report.reducers, ...watch.reducers],
    facts() {
      const facts = report.facts();
      return { ...facts, notes: [...facts.notes, ...watch.notes()] };
    },
  };
}
