/** Live source of all that `health` and `agent` measure: both programs, summed up in the kernel, and its counters of listeners. */
import type { Filter, Transport } from '../events/shared.js';
import type { PlaceNetwork } from '../model/attribution.js';
import { NO_PARTS, REMOTE_ADDRESS, type FlowParts } from '../model/flow-parts.js';
import type { Meeting } from '../model/meeting.js';
import type { NetworkItem } from '../model/network.js';
import type { KernelCost } from '../model/self-cost.js';
import type { Losses, Source } from '../model/source.js';
import { AcceptOverflowCounters } from './accept-overflows.js';
import { HandshakeSource } from './handshakes.js';
import { RetransmitSource } from './retransmits.js';

export interface NetworkSourceOptions {
  filter: Filter;
  transport: Transport | 'auto';
  /** Keep remote addresses apart, not only their places. */
  byRemote: boolean;
  /** Keep owning processes apart: on hosts with cgroup v1 nothing else tells whose a socket is. */
  byProcess: boolean;
  /** How often to look at what all sockets have sent and what listeners could not take, in ns. */
  sampleNs: number;
  /** Where addresses are; see `replacePlaces`. */
  places: readonly PlaceNetwork[];
  /** Have the kernel measure what the programs cost. */
  measuresRuns?: boolean;
  /** Where the root folder of the host is; / unless told. */
  hostRoot?: string;
}

/** Age from which an attempt hangs. */
const PENDING_NS = 1e9;
/** Cells of sums between two looks: places and workloads are few, and the kernel's memory is others' too. */
const MOST_CELLS = 32_768;

export class NetworkSource implements Source<NetworkItem | Meeting> {
  private nextCountersNs = 0;
  private stopped = false;

  private constructor(
    private readonly handshakes: HandshakeSource,
    private readonly retransmits: RetransmitSource,
    private readonly overflows: AcceptOverflowCounters | undefined,
    private readonly sampleNs: number,
  ) {}

  /** Traces from the moment it returns. @throws {Failure} if this host or user cannot. */
  static start(options: NetworkSourceOptions): NetworkSource {
    const { filter, transport, sampleNs, places, measuresRuns = false, hostRoot = '/' } = options;
    const common = {
      filter,
      transport,
      sumsBy: partsOf(options),
      places,
      meetings: false,
      audit: false,
      maxCells: MOST_CELLS,
      measuresRuns,
      hostRoot,
    };
    const handshakes = HandshakeSource.start({ ...common, syncErrors: false, pendingNs: PENDING_NS });
    try {
      const owners = { findsOwners: options.byProcess };
      const retransmits = RetransmitSource.start({ ...common, ...owners, kinds: [], states: [], sampleNs });
      const counters = countsListeners(filter)
        ? new AcceptOverflowCounters(filter.netns, hostRoot)
        : undefined;
      return new NetworkSource(handshakes, retransmits, counters, sampleNs);
    } catch (error) {
      handshakes.close();
      throw error;
    }
  }

  /** Addresses are elsewhere from now on. */
  replacePlaces(places: readonly PlaceNetwork[]): void {
    this.handshakes.replacePlaces(places);
    this.retransmits.replacePlaces(places);
  }

  get restNs(): number | undefined {
    return this.handshakes.restNs;
  }

  drain(nowNs: number): (NetworkItem | Meeting)[] {
    const items: (NetworkItem | Meeting)[] = this.handshakes.drain(nowNs);
    items.push(...this.retransmits.drain(nowNs));
    if (this.overflows && (nowNs >= this.nextCountersNs || this.stopped)) {
      items.push(...this.overflows.take(nowNs));
      this.nextCountersNs = nowNs + this.sampleNs;
    }
    return items;
  }

  /** Path of a cgroup that was made since the start. */
  cgroupPath(id: number): string | undefined {
    return this.handshakes.cgroupPath(id);
  }

  stop(): void {
    this.stopped = true;
    this.handshakes.stop();
    this.retransmits.stop();
  }

  losses(): Losses {
    const [one, other] = [this.handshakes.losses(), this.retransmits.losses()];
    return {
      lost: one.lost + other.lost,
      untracked: one.untracked,
      missed: one.missed + other.missed,
      uncounted: other.uncounted ?? 0,
    };
  }

  kernelCost(): KernelCost {
    const [one, other] = [this.handshakes.kernelCost(), this.retransmits.kernelCost()];
    return { ns: one.ns + other.ns, runs: one.runs + other.runs, isExact: one.isExact && other.isExact };
  }

  close(): void {
    this.handshakes.close();
    this.retransmits.close();
  }
}

function partsOf({ byRemote, byProcess }: NetworkSourceOptions): FlowParts {
  const remote = byRemote ? REMOTE_ADDRESS : { place: true };
  return { ...NO_PARTS, ...remote, cgroup: true, netns: true, pid: byProcess };
}

/** Counters of a namespace are of all its connections: they fit no filter but that by namespaces. */
function countsListeners(filter: Filter): boolean {
  const rest = Object.entries(filter).filter(([name]) => name !== 'netns');
  return rest.every(([, wanted]) => !wanted || (Array.isArray(wanted) && wanted.length === 0));
}
