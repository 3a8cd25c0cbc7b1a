import type { Column } from '../model/column.js';
import { formatEndpoint } from '../model/endpoint.js';
import type { Flow } from '../model/flow.js';
import { sanitize } from '../model/units.js';

/** A local address that a socket never got. */
function isUnbound({ localAddress, localPort }: Flow): boolean {
  return localPort === 0 && (localAddress === '0.0.0.0' || localAddress === '::');
}

/** Whose socket it is, and where. */
export function ownerColumns(): Column<Flow>[] {
  return [
    {
      key: 'pid',
      header: 'PID',
      description: 'Process that owns the socket, in the pid namespace of the host; - if unknown.',
      align: 'left',
      width: 7,
      minWidth: 5,
      text: ({ pid }) => (pid === 0 ? '-' : String(pid)),
      value: ({ pid }) => (pid === 0 ? null : pid),
    },
    {
      key: 'comm',
      header: 'COMM',
      description: 'Name of that process.',
      align: 'left',
      width: 15,
      minWidth: 7,
      text: ({ comm }) => sanitize(comm) || '-',
      value: ({ comm }) => sanitize(comm) || null,
    },
    {
      key: 'uid',
      header: 'UID',
      description: 'User id of the socket.',
      align: 'right',
      width: 5,
      hidden: true,
      text: ({ uid }) => String(uid),
      value: ({ uid }) => uid,
    },
    {
      key: 'netns',
      header: 'NETNS',
      description: 'Inode number of the network namespace of the socket.',
      align: 'right',
      width: 10,
      hidden: true,
      text: ({ netns }) => (netns === 0 ? '-' : String(netns)),
      value: ({ netns }) => (netns === 0 ? null : netns),
    },
    {
      key: 'family',
      header: 'FAMILY',
      description: 'ipv4 or ipv6; an IPv4 address mapped into IPv6 is ipv4.',
      align: 'left',
      width: 6,
      hidden: true,
      text: ({ remoteAddress }) => (remoteAddress.includes(':') ? 'ipv6' : 'ipv4'),
      value: ({ remoteAddress }) => (remoteAddress.includes(':') ? 'ipv6' : 'ipv4'),
    },
  ];
}

/** Between whom. */
export function endpointColumns(): Column<Flow>[] {
  const address = (
    key: string,
    header: string,
    description: string,
    of: (flow: Flow) => string | undefined,
  ): Column<Flow> => ({
    key,
    header,
    description,
    align: 'left',
    width: 15,
    hidden: true,
    text: (flow) => of(flow) ?? '-',
    value: (flow) => of(flow) ?? null,
  });
  const port = (
    key: string,
    header: string,
    description: string,
    of: (flow: Flow) => number,
  ): Column<Flow> => ({
    key,
    header,
    description,
    align: 'right',
    width: 5,
    hidden: true,
    text: (flow) => (of(flow) === 0 ? '-' : String(of(flow))),
    value: (flow) => (of(flow) === 0 ? null : of(flow)),
  });
  return [
    {
      key: 'local',
      header: 'LOCAL',
      description: 'Local address and port.',
      align: 'left',
      width: 21,
      dropFirst: 2,
      text: (flow) => (isUnbound(flow) ? '-' : formatEndpoint(flow.localAddress, flow.localPort)),
      parts: ['local_address', 'local_port'],
    },
    address('local_address', 'LADDR', 'Local address.', (flow) =>
      isUnbound(flow) ? undefined : flow.localAddress,
    ),
    port('local_port', 'LPORT', 'Local port.', ({ localPort }) => localPort),
    {
      key: 'remote',
      header: 'REMOTE',
      description: 'Remote address and port.',
      align: 'left',
      width: 21,
      minWidth: 15,
      text: ({ remoteAddress, remotePort }) => formatEndpoint(remoteAddress, remotePort),
      parts: ['remote_address', 'remote_port'],
    },
    address('remote_address', 'RADDR', 'Remote address.', ({ remoteAddress }) => remoteAddress),
    port('remote_port', 'RPORT', 'Remote port.', ({ remotePort }) => remotePort),
  ];
}
