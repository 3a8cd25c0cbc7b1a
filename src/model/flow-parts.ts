/**
 * The parts of a flow that make its group, where the kernel sums up (bpf/include/sums.h): sums know nothing else of their flows.
 */
export interface FlowParts {
  /** Bits of the remote address that count, for IPv4 and IPv6. */
  readonly ipv4Length: number;
  readonly ipv6Length: number;
  /** Of the remote address only where it is: its region, role and side, as one address that stands for the place. */
  readonly place: boolean;
  readonly remotePort: boolean;
  readonly pid: boolean;
  readonly comm: boolean;
  readonly netns: boolean;
  readonly cgroup: boolean;
  readonly outcome: boolean;
}

export const NO_PARTS: FlowParts = {
  ipv4Length: 0,
  ipv6Length: 0,
  place: false,
  remotePort: false,
  pid: false,
  comm: false,
  netns: false,
  cgroup: false,
  outcome: false,
};

export const REMOTE_ADDRESS: Partial<FlowParts> = { ipv4Length: 32, ipv6Length: 128 };
/** What tells whose service a socket is part of: its cgroup, or where that says nothing its owner's. */
export const WORKLOAD: Partial<FlowParts> = { cgroup: true, pid: true };

/** All that any of them takes. */
export function allParts(each: readonly Partial<FlowParts>[]): FlowParts {
  return each.reduce<FlowParts>(
    (all, parts) => ({
      ipv4Length: Math.max(all.ipv4Length, parts.ipv4Length ?? 0),
      ipv6Length: Math.max(all.ipv6Length, parts.ipv6Length ?? 0),
      place: all.place || parts.place === true,
      remotePort: all.remotePort || parts.remotePort === true,
      pid: all.pid || parts.pid === true,
      comm: all.comm || parts.comm === true,
      netns: all.netns || parts.netns === true,
      cgroup: all.cgroup || parts.cgroup === true,
      outcome: all.outcome || parts.outcome === true,
    }),
    NO_PARTS,
  );
}
