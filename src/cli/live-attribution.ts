/** What this host and the user's configuration say of flows, while they are traced. */
import { createAttributor } from '../attribute/attributor.js';
import type { Config } from '../attribute/config.js';
import type { Places } from '../attribute/places.js';
import { loadConfig } from '../host/config-file.js';
import { NetnsNames } from '../host/netns-names.js';
import { ReverseNames } from '../host/reverse-names.js';
import { serviceName } from '../host/services.js';
import { unseenParts } from '../host/unseen.js';
import { Workloads } from '../host/workloads.js';
import { effectiveCapabilities } from '../kernel/privileges.js';
import type { Flow } from '../model/flow.js';
import { NameBook } from '../model/name-book.js';
import type { EndpointNames } from '../view/flow-columns.js';
import { requireHostRoot, type AttributionFlagValues } from './attribution-flags.js';
import { requireChoice } from './values.js';

export interface LiveAttribution {
  /** All that the configuration says. */
  readonly config: Config;
  readonly places: Places;
  /** Addresses are elsewhere from now on. */
  replacePlaces(places: Places): void;
  attribute(flow: Flow, nowNs: number): void;
  names: NameBook;
  endpointNames: EndpointNames;
  /** Columns that this configuration gives a meaning. */
  revealed: readonly string[];
  /** The number of a cgroup that the user names. @throws {Failure} if there is none. */
  cgroupId(text: string): number;
  /** True if only its process may tell whose a socket is. */
  readonly hasCgroupV1: boolean;
  /** What of the host is not seen from here, a line each, for the user to know. */
  readonly warnings: readonly string[];
  /** True if only docker's socket has names of its containers: only root may use it. */
  readonly needsDockerSocket: boolean;
  close(): void;
}

function requireRegion(region: string, known: readonly string[]): void {
  if (known.length === 0)
    throw new RangeError(
      `--region ${region}: no configuration names regions; see tcpscope config check --help`,
    );
  requireChoice('--region', region, known);
}

/** What is connected to the attribution once tracing has begun. */
export interface LiveParts {
  /** Path of a cgroup that was made while we trace. */
  newCgroupPath(cgroupId: number): string | undefined;
  /** Told of each reverse DNS name. */
  onName(address: string, name: string): void;
}

export async function openLiveAttribution(
  flags: AttributionFlagValues & { 'host-root': string },
  parts: LiveParts,
): Promise<LiveAttribution> {
  const { config, places } = await loadConfig(flags.config);
  let currentPlaces = places;
  for (const region of flags.region ?? []) requireRegion(region, places.regionNames);
  const hostRoot = flags['host-root'];
  requireHostRoot(hostRoot);
  const names = new NameBook();
  const workloads = new Workloads({ hostRoot, newCgroupPath: (id) => parts.newCgroupPath(id) });
  const netnsNames = new NetnsNames({ hostRoot, workloads });
  const reverseNames = flags.dns
    ? new ReverseNames({
        onName: (address, name) => {
          names.learnRemote(address, name);
          parts.onName(address, name);
        },
      })
    : undefined;
  return {
    config,
    places,
    replacePlaces(others) {
      currentPlaces = others;
    },
    attribute: createAttributor(
      {
        workload: (cgroupId, pid, nowNs) => workloads.of(cgroupId, pid, nowNs),
        netnsName: (netns, nowNs, workload) => netnsNames.of(netns, nowNs, workload),
        place: (address) => currentPlaces.of(address),
        remoteName: (address, nowNs) => reverseNames?.of(address, nowNs),
        service: serviceName,
      },
      names,
    ),
    names,
    endpointNames: { addresses: flags.dns, ports: flags.dns && !flags.numeric },
    revealed: places.hasRegions ? ['region'] : [],
    cgroupId: (text) => workloads.cgroupIdOf(text),
    hasCgroupV1: workloads.cgroups.hasV1,
    warnings: unseenParts({
      hostRoot,
      cgroups: workloads.cgroups,
      capabilities: effectiveCapabilities(),
      isRoot: process.getuid?.() === 0,
    }).map((line) => `warning: ${line}`),
    needsDockerSocket: workloads.needsDockerSocket,
    close() {
      workloads.close();
      reverseNames?.close();
    },
  };
}
