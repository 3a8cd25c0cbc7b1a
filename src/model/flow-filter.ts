/** The filters that the kernel side applies (bpf/include/filter.h), for events that are already recorded. */
import ipaddr from 'ipaddr.js';
import type { Cidr, Filter } from '../events/shared.js';
import type { Flow } from './flow.js';

/** The part of `Filter` that is about a flow, whatever happened on it. */
export type FlowFilter = Omit<Filter, 'minLatencyNs' | 'cgroups'>;

/** Bytes of a process name that the kernel keeps. */
const MAX_COMM = 15;

function bytesOf(address: string): readonly number[] {
  const parsed = ipaddr.parse(address);
  return (parsed.kind() === 'ipv4' ? (parsed as ipaddr.IPv4).toIPv4MappedAddress() : parsed).toByteArray();
}

/** A test for one of these networks; every address if there is none. */
function inAnyOf(cidrs: readonly Cidr[]): (address: string) => boolean {
  const networks = cidrs.map(({ network, mask, version }) => ({
    version,
    network: bytesOf(network),
    mask: ipaddr.parse(mask).toByteArray(),
  }));
  return (address) => {
    const version = address.includes(':') ? 6 : 4;
    const bytes = bytesOf(address);
    return networks.some(
      (candidate) =>
        candidate.version === version &&
        bytes.every((byte, at) => (byte & candidate.mask[at]!) === candidate.network[at]),
    );
  };
}

const listed = <Value>(list: readonly Value[], value: Value): boolean =>
  list.length === 0 || list.includes(value);

/** Makes the test of the owner alone; one that is not known is not wanted where one is asked for. */
export function ownerTest({ pids, comms }: Pick<FlowFilter, 'pids' | 'comms'>): (flow: Flow) => boolean {
  const names = comms.map((comm) => comm.slice(0, MAX_COMM));
  return ({ pid, comm }) => listed(pids, pid) && listed(names, comm);
}

/**
 * Makes the test that decides as the kernel would; cgroups are a matter of AttributionFilter here. An owner that is not known is not wanted where one is asked for.
 */
export function flowTest(filter: FlowFilter): (flow: Flow) => boolean {
  const remote = inAnyOf(filter.remoteAddresses);
  const excluded = inAnyOf(filter.excludedRemoteAddresses);
  const local = inAnyOf(filter.localAddresses);
  const isOwner = ownerTest(filter);
  return (flow) => {
    const isIpv6 = flow.remoteAddress.includes(':');
    return (
      !(filter.onlyIpv4 && isIpv6) &&
      !(filter.onlyIpv6 && !isIpv6) &&
      isOwner(flow) &&
      listed(filter.uids, flow.uid) &&
      listed(filter.netns, flow.netns) &&
      listed(filter.remotePorts, flow.remotePort) &&
      !filter.excludedRemotePorts.includes(flow.remotePort) &&
      listed(filter.localPorts, flow.localPort) &&
      (filter.remoteAddresses.length === 0 || remote(flow.remoteAddress)) &&
      !(filter.excludedRemoteAddresses.length > 0 && excluded(flow.remoteAddress)) &&
      (filter.localAddresses.length === 0 || local(flow.localAddress))
    );
  };
}
