import { placeNetworks } from '../attribute/place-networks.js';
import { attributionFlags, hostRootFlag, toAttributionFilter } from '../cli/attribution-flags.js';
import { BaseCommand } from '../cli/base-command.js';
import { filterFlags, toFilter } from '../cli/filter-flags.js';
import { healthFlags, healthTiming, toThresholds } from '../cli/health-flags.js';
import { HEALTH_FIGURES, healthReport, sectionKeys } from '../cli/health-report.js';
import { openLiveAttribution } from '../cli/live-attribution.js';
import { runReport } from '../cli/run-report.js';
import { statsFlag, transportFlag } from '../cli/tracing-flags.js';
import { parseWhole } from '../cli/values.js';
import { currentDisplay } from '../cli/view-flags.js';
import { NetworkSource } from '../kernel/network.js';
import { renouncePrivileges } from '../kernel/renounce.js';
import { wantsAttribution } from '../model/attribution-filter.js';
import { CROSSED_EXIT_CODE, DEFAULT_THRESHOLDS } from '../model/thresholds.js';
import { formatElapsed } from '../model/units.js';
import { monotonicNs } from '../session/clock.js';

// Names of addresses and ports are not shown.
const { cgroup, container, pod, namespace, unit, region, external, internal, config } = attributionFlags;
const NO_NAMES = { dns: false, numeric: false };

export default class Health extends BaseCommand {
  static override summary = 'Whether the network of this host is well, on one live screen.';
  static override description =
    'The whole host, its namespaces (or containers, units) and the regions that it talks to: attempts and how they failed, ' +
    'latency of handshakes inside and outside, SYN loss, what was sent again and why, how long flows stood still, full accept ' +
    'queues. All is counted in the kernel: it can stay on.';

  static override examples = [
    { description: 'The last minute, live', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'For a script: 30 seconds, exit code 3 if a threshold is crossed',
      command: '<%= config.bin %> <%= command.id %> --once --duration 30s --json',
    },
    {
      description: 'By systemd unit, with thresholds of your own',
      command:
        '<%= config.bin %> <%= command.id %> --by unit --threshold p99-external=80ms,accept-overflows=0',
    },
    {
      description: 'Regions, and what is inside, by a file',
      command: '<%= config.bin %> <%= command.id %> --config places.yaml',
    },
  ];

  static override flags = {
    ...healthFlags,
    ...filterFlags,
    ...{ cgroup, container, pod, namespace, unit, region, external, internal, config },
    'host-root': hostRootFlag,
    transport: transportFlag,
    stats: statsFlag,
  };

  static figures = HEALTH_FIGURES;

  async run(): Promise<void> {
    const { flags } = await this.parse(Health);
    const timing = healthTiming(flags);
    toThresholds(DEFAULT_THRESHOLDS, flags.threshold);
    const top =
      flags.top === undefined ? undefined : parseWhole('--top', flags.top, 1, Number.MAX_SAFE_INTEGER);
    const names = { ...flags, ...NO_NAMES };
    const wanted = toAttributionFilter(names);
    const display = currentDisplay(flags);
    const context = { clockOffsetNs: 0, timeFormat: flags.time, startedNs: monotonicNs() };
    let source: NetworkSource | undefined;
    const attribution = await openLiveAttribution(names, {
      newCgroupPath: (cgroupId) => source?.cgroupPath(cgroupId),
      onName: () => undefined,
    });
    try {
      const { places } = attribution;
      const network = (source = NetworkSource.start({
        filter: toFilter(flags, (text) => attribution.cgroupId(text)),
        transport: flags.transport,
        byRemote: false,
        byProcess: attribution.hasCgroupV1,
        sampleNs: timing.intervalMs * 1e6,
        places: placeNetworks(places),
        measuresRuns: flags.stats,
        hostRoot: flags['host-root'],
      }));
      const report = healthReport({
        ...{ display, context, top, json: flags.json, once: flags.once, windowNs: timing.windowNs },
        ...sectionKeys(flags.by, places.hasRegions),
        thresholds: toThresholds(attribution.config.thresholds ?? DEFAULT_THRESHOLDS, flags.threshold),
        lost: () => network.losses().lost,
      });
      await runReport({
        source: network,
        report,
        attribute: (flow, nowNs) => {
          attribution.attribute(flow, nowNs);
        },
        wants: (item) => wantsAttribution(wanted, item),
        openRecorder: () => Promise.resolve(undefined),
        renounce: () => renouncePrivileges({ ...attribution, entersNamespaces: false }),
        status: [...attribution.warnings, statusOf(flags.once, timing.durationMs)].join('\n'),
        display,
        timing,
        stats: flags.stats ? { json: flags.json, context } : undefined,
        audit: () => undefined,
      });
      if (flags.once && report.crossed()) process.exitCode = CROSSED_EXIT_CODE;
    } finally {
      attribution.close();
    }
  }
}

function statusOf(once: boolean, durationMs = 0): string {
  const what = 'Tracing handshakes and retransmissions';
  return once
    ? `${what} for ${formatElapsed(durationMs * 1e6)}; Ctrl-C ends sooner.`
    : `${what}; Ctrl-C ends.`;
}
