/** The filters of INTERFACE.md: the same flags in every command, applied in the kernel. */
import * as Flags from '@oclif/core/flags';
import type { Filter } from '../events/shared.js';
import { parseDuration } from '../model/units.js';
import { parseCidr, parseComm, parseNetns, parsePid, parsePort, parseUid } from './values.js';

const helpGroup = 'FILTER';
const list = (description: string, value: string) =>
  Flags.string({
    description,
    helpValue: value,
    helpGroup,
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
  });

export const filterFlags = {
  pid: list('Process that owns the socket.', 'PID'),
  comm: list('Name of that process, its first 15 characters.', 'NAME'),
  uid: list('User that made the socket: id or name.', 'USER'),
  port: list('Remote port.', 'PORT'),
  'exclude-port': list('All but this remote port.', 'PORT'),
  'local-port': list('Local port.', 'PORT'),
  addr: list('Remote address or network.', 'CIDR'),
  'exclude-addr': list('All but this remote address or network.', 'CIDR'),
  'local-addr': list('Local address or network.', 'CIDR'),
  netns: list('Network namespace: name, path, inode number, or self.', 'NS'),
  ipv4: Flags.boolean({
    description: '-4: only IPv4, v4-mapped IPv6 included.',
    helpGroup,
    exclusive: ['ipv6'],
  }),
  ipv6: Flags.boolean({ description: '-6: only IPv6.', helpGroup, exclusive: ['ipv4'] }),
};

/** What takes its time differs by command. */
export const minLatencyFlag = (description: string) =>
  Flags.string({ description, helpValue: '10ms', helpGroup });

/** What oclif gives for `filterFlags` and `minLatencyFlag`. */
export type FilterFlagValues = {
  [Name in keyof typeof filterFlags]?: (Name extends 'ipv4' | 'ipv6' ? boolean : string[]) | undefined;
} & { 'min-latency'?: string | undefined };

/**
 * @param cgroupId finds the number of a cgroup that --cgroup names
 * @throws {RangeError} or {Failure} for a value that makes no sense.
 */
export function toFilter(
  flags: FilterFlagValues & { cgroup?: string[] | undefined },
  cgroupId: (text: string) => number = Number,
): Filter {
  const ports = (name: 'port' | 'exclude-port' | 'local-port'): number[] =>
    (flags[name] ?? []).map((text) => parsePort(`--${name}`, text));
  const cidrs = (name: 'addr' | 'exclude-addr' | 'local-addr') =>
    (flags[name] ?? []).map((text) => parseCidr(`--${name}`, text));
  return {
    minLatencyNs: flags['min-latency'] === undefined ? 0 : parseDuration(flags['min-latency']),
    onlyIpv4: flags.ipv4 ?? false,
    onlyIpv6: flags.ipv6 ?? false,
    cgroups: (flags.cgroup ?? []).map(cgroupId),
    pids: (flags.pid ?? []).map(parsePid),
    comms: (flags.comm ?? []).map(parseComm),
    uids: (flags.uid ?? []).map(parseUid),
    netns: (flags.netns ?? []).map(parseNetns),
    remotePorts: ports('port'),
    excludedRemotePorts: ports('exclude-port'),
    localPorts: ports('local-port'),
    remoteAddresses: cidrs('addr'),
    excludedRemoteAddresses: cidrs('exclude-addr'),
    localAddresses: cidrs('local-addr'),
  };
}

/** True if all of some network namespaces or cgroups passes. */
export function hasOnlyPlaces(filter: Filter): boolean {
  return isUnfiltered({ ...filter, netns: [], cgroups: [] });
}

/** True if every attempt of the host passes. */
export function isUnfiltered(filter: Filter): boolean {
  return Object.values(filter).every((value) => (Array.isArray(value) ? value.length === 0 : !value));
}
