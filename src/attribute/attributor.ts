import type { Attribution, Place, Workload } from '../model/attribution.js';
import type { Flow } from '../model/flow.js';
import type { NameBook } from '../model/name-book.js';

/** Where the answers come from; each is undefined where nobody asks. All are quick: what takes time answers later. */
export interface AttributionSources {
  workload?(cgroupId: number, pid: number, nowNs: number): Workload | undefined;
  netnsName?(netns: number, nowNs: number): string | undefined;
  place?(address: string): Place;
  remoteName?(address: string, nowNs: number): string | undefined;
  service?(port: number): string | undefined;
}

/** Says of flows whose service they belong to, where their ends are, and what those are called. */
export class Attributor {
  /** @param names learns what is said, for texts that are written later */
  constructor(
    private readonly sources: AttributionSources,
    private readonly names: NameBook,
  ) {}

  attribute(flow: Flow, nowNs: number): void {
    const found = this.of(flow, nowNs);
    Object.assign(flow, found);
    this.names.learn(flow);
  }

  private of(
    { cgroupId, pid, netns, localAddress, remoteAddress, remotePort }: Flow,
    nowNs: number,
  ): Required<Omit<Attribution, 'host'>> {
    const { sources } = this;
    return {
      workload: sources.workload?.(cgroupId, pid, nowNs),
      netnsName: sources.netnsName?.(netns, nowNs),
      localPlace: sources.place?.(localAddress),
      remotePlace: sources.place?.(remoteAddress),
      remoteName: sources.remoteName?.(remoteAddress, nowNs),
      service: sources.service?.(remotePort),
    };
  }
}
