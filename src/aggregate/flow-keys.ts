import ipaddr from 'ipaddr.js';
import { formatEndpoint, parseEndpoint } from '../model/endpoint.js';
import { REMOTE_ADDRESS, WORKLOAD, type FlowParts } from '../model/flow-parts.js';
import type { Flow } from '../model/flow.js';
import type { NameBook } from '../model/name-book.js';
import { sanitize } from '../model/units.js';
import { plainKey, type KeyMaker } from './group-keys.js';
import type { GroupKey } from './grouping.js';

const DEFAULT_IPV4_LENGTH = 24;
const DEFAULT_IPV6_LENGTH = 64;

/** The network an address is in: `10.3.0.0/24`, `2001:db8::/64`. */
export function subnetOf(address: string, ipv4Length: number, ipv6Length: number): string {
  if (!ipaddr.isValid(address)) return '-';
  const length = address.includes(':') ? ipv6Length : ipv4Length;
  const parsed = ipaddr.parse(address);
  const bytes = parsed.toByteArray();
  const masked = bytes.map((byte, at) => byte & (0xff00 >> Math.min(Math.max(length - at * 8, 0), 8)) & 0xff);
  const network = ipaddr.fromByteArray(masked);
  const text = network instanceof ipaddr.IPv6 ? network.toRFC5952String() : network.toString();
  return `${text}/${length}`;
}

/**
 * `subnet` is /24 and /64. `subnet:16` with a length up to 32 sets the IPv4 length and leaves IPv6 at /64; a greater length can
 * only mean IPv6 and leaves IPv4 at /24; `subnet:16:48` sets both.
 */
function subnetKey(argument: string | undefined): GroupKey<Flow> {
  const lengths = subnetLengths(argument);
  if (!lengths) {
    throw new RangeError(
      `bad key "subnet:${sanitize(argument ?? '')}": write subnet:LEN (1 to 128) or subnet:IPV4LEN:IPV6LEN`,
    );
  }
  return {
    name: 'subnet',
    header: 'SUBNET',
    description:
      'Network of the remote address: /24 for IPv4 and /64 for IPv6, or as given: subnet:16, subnet:16:48.',
    width: 18,
    parts: { ipv4Length: lengths.ipv4, ipv6Length: lengths.ipv6 },
    of: ({ remoteAddress }) => subnetOf(remoteAddress, lengths.ipv4, lengths.ipv6),
  };
}

function subnetLengths(argument: string | undefined): { ipv4: number; ipv6: number } | undefined {
  if (argument === undefined) return { ipv4: DEFAULT_IPV4_LENGTH, ipv6: DEFAULT_IPV6_LENGTH };
  const match = /^(\d{1,3})(?::(\d{1,3}))?$/.exec(argument);
  if (!match) return undefined;
  const first = Number(match[1]);
  const second = match[2] === undefined ? undefined : Number(match[2]);
  if (first < 1 || first > 128 || second === 0 || (second ?? 0) > 128) return undefined;
  if (second !== undefined) return first <= 32 ? { ipv4: first, ipv6: second } : undefined;
  if (first <= 32) return { ipv4: first, ipv6: DEFAULT_IPV6_LENGTH };
  return { ipv4: DEFAULT_IPV4_LENGTH, ipv6: first };
}

const unknownIfZero = (value: number): string => (value === 0 ? '-' : String(value));

/** A key of something that may not be known, or not be there. */
function textKey(
  name: string,
  description: string,
  width: number,
  parts: Partial<FlowParts>,
  of: (flow: Flow) => string | undefined,
): KeyMaker<Flow> {
  return plainKey<Flow>({
    name,
    header: name.toUpperCase(),
    description,
    width,
    parts,
    of: (flow) => of(flow) ?? '-',
  });
}

/** Keys that say whose service it is, and where the other end is. */
const ATTRIBUTION_KEYS = {
  container: textKey(
    'container',
    'Pod and container, container, or systemd unit that the socket belongs to.',
    24,
    WORKLOAD,
    ({ workload }) => workload?.name,
  ),
  pod: textKey('pod', 'Kubernetes pod.', 20, WORKLOAD, ({ workload }) => workload?.pod),
  namespace: textKey(
    'namespace',
    'Kubernetes namespace.',
    12,
    WORKLOAD,
    ({ workload }) => workload?.namespace,
  ),
  unit: textKey('unit', 'systemd unit.', 20, WORKLOAD, ({ workload }) => workload?.unit),
  cgroup: textKey('cgroup', "Path of the socket's cgroup.", 30, WORKLOAD, ({ workload }) => workload?.cgroup),
  region: textKey(
    'region',
    'Region of the remote address, as the configuration says.',
    12,
    REMOTE_ADDRESS,
    ({ remotePlace }) => remotePlace?.region,
  ),
  role: textKey(
    'role',
    'Role of the remote address, as the configuration says.',
    12,
    REMOTE_ADDRESS,
    ({ remotePlace }) => remotePlace?.role,
  ),
  external: textKey(
    'external',
    'yes if the remote address is external, no if it is internal.',
    8,
    REMOTE_ADDRESS,
    ({ remotePlace }) => (remotePlace === undefined ? undefined : remotePlace.external ? 'yes' : 'no'),
  ),
  service: textKey(
    'service',
    'Service name of the remote port.',
    12,
    { remotePort: true },
    ({ service }) => service,
  ),
  host: textKey('host', 'Host on which it was recorded; only of recordings.', 12, {}, ({ host }) => host),
};

/** Keys that every event about a socket has. `names` has texts to show in place of addresses and numbers. */
export const flowKeys = (names?: NameBook) => ({
  remote: plainKey<Flow>({
    name: 'remote',
    header: 'REMOTE',
    description: 'Remote address and port.',
    width: 21,
    parts: { ...REMOTE_ADDRESS, remotePort: true },
    of: ({ remoteAddress, remotePort }) => formatEndpoint(remoteAddress, remotePort),
    label: (text) => {
      const { address, port } = parseEndpoint(text);
      const name = names?.remote(address);
      return name === undefined ? undefined : formatEndpoint(name, port);
    },
  }),
  'remote-port': plainKey<Flow>({
    name: 'remote-port',
    header: 'RPORT',
    description: 'Remote port.',
    align: 'right',
    width: 5,
    numeric: true,
    parts: { remotePort: true },
    of: ({ remotePort }) => String(remotePort),
  }),
  subnet: subnetKey,
  pid: plainKey<Flow>({
    name: 'pid',
    header: 'PID',
    description: 'Process that owns the socket.',
    align: 'right',
    width: 7,
    numeric: true,
    parts: { pid: true },
    of: ({ pid }) => unknownIfZero(pid),
  }),
  comm: plainKey<Flow>({
    name: 'comm',
    header: 'COMM',
    description: 'Name of the owning process.',
    width: 15,
    parts: { comm: true },
    of: ({ comm }) => sanitize(comm) || '-',
  }),
  netns: plainKey<Flow>({
    name: 'netns',
    header: 'NETNS',
    description: 'Network namespace: its name on the screen, its inode number in JSON and CSV.',
    align: 'right',
    width: 10,
    numeric: true,
    // The cgroup may tell a name of a namespace in which nobody lives any more.
    parts: { netns: true, cgroup: true },
    of: ({ netns }) => unknownIfZero(netns),
    label: (text) => names?.netns(Number(text)),
  }),
  ...ATTRIBUTION_KEYS,
});
