import type { Place, Workload } from '../model/attribution.js';
import type { Flow } from '../model/flow.js';
import type { NameBook } from '../model/name-book.js';

/** Where the answers come from. All answer at once: what takes time to find out is answered from then on. */
export interface AttributionSources {
  workload(cgroupId: number, pid: number, nowNs: number): Workload | undefined;
  netnsName(netns: number, nowNs: number, workload: Workload | undefined): string | undefined;
  place(address: string): Place;
  remoteName(address: string, nowNs: number): string | undefined;
  service(port: number): string | undefined;
}

/**
 * Makes what says of flows whose service they belong to, where their ends are, and what those are called; `names` learns it,
 * for texts that are written later.
 */
export function createAttributor(
  sources: AttributionSources,
  names: NameBook,
): (flow: Flow, nowNs: number) => void {
  let last: Flow | undefined;
  let lastNs = NaN;
  return (flow, nowNs) => {
    // What was told of the flow before at the same time is told again without asking: neighbours often have much in common.
    const before = nowNs === lastNs ? last : undefined;
    const sameOwner = before?.cgroupId === flow.cgroupId && before.pid === flow.pid;
    const sameNetns = sameOwner && before.netns === flow.netns;
    const sameLocal = before?.localAddress === flow.localAddress;
    flow.workload = sameOwner ? before.workload : sources.workload(flow.cgroupId, flow.pid, nowNs);
    flow.netnsName = sameNetns ? before.netnsName : sources.netnsName(flow.netns, nowNs, flow.workload);
    flow.localPlace = sameLocal ? before.localPlace : sources.place(flow.localAddress);
    flow.remotePlace = sources.place(flow.remoteAddress);
    flow.remoteName = sources.remoteName(flow.remoteAddress, nowNs);
    flow.service = sources.service(flow.remotePort);
    if (!sameNetns) names.learnNetns(flow);
    if (flow.remoteName !== undefined) names.learnRemote(flow.remoteAddress, flow.remoteName);
    last = flow;
    lastNs = nowNs;
  };
}
