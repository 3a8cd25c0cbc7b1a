import { retransmitAuditSentence } from '../aggregate/audit.js';
import { attributionFlags, hostRootFlag, toAttributionFilter } from '../cli/attribution-flags.js';
import { BaseCommand } from '../cli/base-command.js';
import { filterFlags, hasOnlyPlaces, isUnfiltered, minLatencyFlag, toFilter } from '../cli/filter-flags.js';
import { openLiveAttribution } from '../cli/live-attribution.js';
import { maxCpuOf, RowsWatch } from '../cli/max-cpu.js';
import { openRecorder, recordFlags } from '../cli/record-flags.js';
import { retransFlags, toRetransFilter } from '../cli/retrans-flags.js';
import { RETRANS_MANUAL, retransReport, sumsBy } from '../cli/retrans-report.js';
import { runReport, type OpenRecorder } from '../cli/run-report.js';
import { maxCpuFlag, statsFlag, transportFlag } from '../cli/tracing-flags.js';
import { countFlag, currentDisplay, parseTiming, viewFlags } from '../cli/view-flags.js';
import { renouncePrivileges } from '../kernel/renounce.js';
import { RetransmitSource } from '../kernel/retransmits.js';
import { thisHost } from '../record/this-host.js';
import { isEmptyFilter, wantsAttribution } from '../model/attribution-filter.js';
import type { RetransItem } from '../model/retransmit.js';
import { monotonicNs } from '../session/clock.js';

export default class Retrans extends BaseCommand {
  static override summary = 'Every TCP retransmission: why it happened, whose socket it is.';
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
    ...filterFlags,
    ...attributionFlags,
    'host-root': hostRootFlag,
    ...recordFlags,
    'min-latency': minLatencyFlag('Only where the flow had stood still (STALL) for at least this long.'),
    ...retransFlags,
    transport: transportFlag,
    stats: statsFlag,
    'max-cpu': maxCpuFlag,
  };

  static manual = RETRANS_MANUAL;

  async run(): Promise<void> {
    const { flags } = await this.parse(Retrans);
    const { kinds, states } = toRetransFilter(flags);
    const timing = parseTiming(flags);
    const wanted = toAttributionFilter(flags);
    const limit = maxCpuOf(flags);
    if (limit !== undefined && (flags.by || flags.hist))
      throw new RangeError('--max-cpu shows fewer rows, and --by and --hist have none');
    const display = currentDisplay(flags);
    let source: RetransmitSource | undefined;
    let recorder: OpenRecorder<RetransItem> | undefined;
    const attribution = await openLiveAttribution(flags, {
      newCgroupPath: (cgroupId) => source?.cgroupPath(cgroupId),
      onName: (address, name) => recorder?.name(address, name),
    });
    try {
      const filter = toFilter(flags, (text) => attribution.cgroupId(text));
      const unfiltered =
        isUnfiltered(filter) && isEmptyFilter(wanted) && kinds.length === 0 && states.length === 0;
      const context = { clockOffsetNs: 0, timeFormat: flags.time, startedNs: monotonicNs() };
      const report = retransReport({ ...attribution, flags, display, context });
      const retransmits = (source = RetransmitSource.start({
        filter,
        kinds,
        states,
        transport: flags.transport,
        // A recording may be looked at as a table.
        sampleNs:
          (flags.by && !flags.hist && !flags.heatmap) || flags.record !== undefined
            ? timing.intervalMs * 1e6
            : 0,
        sumsBy: sumsBy(flags, wanted),
        // Connections that the user did not ask for are nobody's business.
        meetings: flags.record !== undefined && hasOnlyPlaces(filter) && isEmptyFilter(wanted),
        measuresRuns: flags.stats,
        audit: unfiltered,
        hostRoot: flags['host-root'],
      }));
      await runReport({
        source: retransmits,
        report,
        attribute: (flow, nowNs) => {
          attribution.attribute(flow, nowNs);
        },
        wants: (item) => wantsAttribution(wanted, item),
        openRecorder: async () => {
          recorder = await openRecorder(flags, {
            tcpscope: this.config.version,
            command: 'retrans',
            arguments: this.argv,
            filtered: !unfiltered,
            host: thisHost(),
          });
          return recorder;
        },
        renounce: () =>
          renouncePrivileges({ ...attribution, entersNamespaces: retransmits.entersNamespaces }),
        status: [...attribution.warnings, 'Tracing TCP retransmissions; Ctrl-C ends.'].join('\n'),
        display,
        timing,
        watch:
          limit === undefined ? undefined : new RowsWatch(limit, retransmits, () => report.facts().count),
        stats: flags.stats ? { json: flags.json, context } : undefined,
        audit: () => {
          const facts = retransmits.auditFacts();
          return facts && retransmitAuditSentence(facts);
        },
      });
    } finally {
      attribution.close();
    }
  }
}
