import type { Workload } from '../model/attribution.js';
import type { Column } from '../model/column.js';
import { formatEndpoint } from '../model/endpoint.js';
import type { Flow } from '../model/flow.js';
import { sanitize } from '../model/units.js';

/** A local address that a socket never got. */
function isUnbound({ localAddress, localPort }: Flow): boolean {
  return localPort === 0 && (localAddress === '0.0.0.0' || localAddress === '::');
}

function family({ remoteAddress }: Flow): string {
  return remoteAddress.includes(':') ? 'ipv6' : 'ipv4';
}

/** What decides the values of several columns. */
const WORKLOAD = ({ workload }: Flow): unknown => workload;
const LOCAL_PLACE = ({ localPlace }: Flow): unknown => localPlace;
const REMOTE_PLACE = ({ remotePlace }: Flow): unknown => remotePlace;

/** How REMOTE writes an end whose name is known. */
export interface EndpointNames {
  /** Reverse DNS names in place of addresses. */
  addresses: boolean;
  /** Service names in place of ports. */
  ports: boolean;
}

const NUMERIC: EndpointNames = { addresses: false, ports: false };

function remoteText({ remoteAddress, remotePort, remoteName, service }: Flow, names: EndpointNames): string {
  const address = (names.addresses ? remoteName : undefined) ?? remoteAddress;
  const port = names.ports ? service : undefined;
  if (port === undefined) return formatEndpoint(address, remotePort);
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** A column of text that is not there, or not known, for many flows. */
function attributed(
  key: string,
  header: string,
  description: string,
  width: number,
  of: (flow: Flow) => string | undefined,
  decidedBy: (flow: Flow) => unknown = of,
): Column<Flow> {
  return {
    key,
    header,
    description,
    align: 'left',
    width,
    hidden: true,
    text: (flow) => of(flow) ?? '-',
    value: (flow) => of(flow) ?? null,
    decidedBy,
  };
}

/** The same columns, with some shown that are else only there to be asked for. */
export function reveal<Item>(columns: readonly Column<Item>[], keys: readonly string[]): Column<Item>[] {
  return columns.map((column) => (keys.includes(column.key) ? { ...column, hidden: false } : column));
}

/** The same columns, with some only there to be asked for. */
export function conceal<Item>(columns: readonly Column<Item>[], keys: readonly string[]): Column<Item>[] {
  return columns.map((column) => (keys.includes(column.key) ? { ...column, hidden: true } : column));
}

/** Whose service it is: to stand last in rows. */
export function workloadColumns(): Column<Flow>[] {
  const ofWorkload = (
    key: string,
    header: string,
    description: string,
    width: number,
    of: (workload: Workload) => string | undefined,
  ): Column<Flow> =>
    attributed(
      key,
      header,
      description,
      width,
      ({ workload }) => (workload ? of(workload) : undefined),
      WORKLOAD,
    );
  return [
    {
      key: 'container',
      header: 'CONTAINER',
      description:
        'What the socket belongs to, by its cgroup: pod (namespace/pod/container), container (name or id) or systemd unit.',
      align: 'left',
      width: 24,
      minWidth: 12,
      dropFirst: 8,
      text: ({ workload }) => workload?.name ?? '',
      value: ({ workload }) => workload?.name ?? null,
      decidedBy: WORKLOAD,
    },
    ofWorkload('container_id', 'CONTAINER ID', 'Id of the container.', 12, ({ containerId }) => containerId),
    ofWorkload('pod', 'POD', 'Kubernetes pod.', 20, ({ pod }) => pod),
    ofWorkload('namespace', 'NAMESPACE', 'Kubernetes namespace.', 12, ({ namespace }) => namespace),
    ofWorkload('unit', 'UNIT', 'systemd unit.', 20, ({ unit }) => unit),
    ofWorkload('cgroup', 'CGROUP', "Path of the socket's cgroup.", 30, ({ cgroup }) => cgroup),
    {
      key: 'cgroup_id',
      header: 'CGROUP ID',
      description: "Number of the socket's cgroup: the inode of its folder.",
      align: 'right',
      width: 9,
      hidden: true,
      text: ({ cgroupId }) => (cgroupId === 0 ? '-' : String(cgroupId)),
      value: ({ cgroupId }) => (cgroupId === 0 ? null : cgroupId),
      decidedBy: ({ cgroupId }) => cgroupId,
    },
  ];
}

/** Where the ends are, by configuration and DNS. */
export function placeColumns(): Column<Flow>[] {
  return [
    attributed(
      'region',
      'REGION',
      'Region of the remote address, as the configuration says.',
      12,
      (flow) => flow.remotePlace?.region,
      REMOTE_PLACE,
    ),
    attributed(
      'role',
      'ROLE',
      'Role of the remote address, as the configuration says.',
      10,
      (flow) => flow.remotePlace?.role,
      REMOTE_PLACE,
    ),
    {
      key: 'external',
      header: 'EXTERNAL',
      description: 'Whether the remote address is external, as the configuration says.',
      align: 'left',
      width: 8,
      hidden: true,
      text: ({ remotePlace }) => (remotePlace === undefined ? '-' : remotePlace.external ? 'yes' : 'no'),
      value: ({ remotePlace }) => remotePlace?.external ?? null,
      decidedBy: REMOTE_PLACE,
    },
    attributed(
      'local_region',
      'LOCAL REGION',
      'Region of the local address.',
      12,
      (flow) => flow.localPlace?.region,
      LOCAL_PLACE,
    ),
    attributed(
      'local_role',
      'LOCAL ROLE',
      'Role of the local address.',
      10,
      (flow) => flow.localPlace?.role,
      LOCAL_PLACE,
    ),
    attributed(
      'remote_name',
      'RNAME',
      'Reverse DNS name of the remote address, with --dns.',
      24,
      (flow) => flow.remoteName,
    ),
    attributed('service', 'SERVICE', 'Service name of the remote port.', 10, ({ service }) => service),
    attributed('host', 'HOST', 'Host on which it was recorded; only of recordings.', 12, ({ host }) => host),
  ];
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
      decidedBy: ({ pid }) => pid,
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
      decidedBy: ({ comm }) => comm,
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
      decidedBy: ({ uid }) => uid,
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
      decidedBy: ({ netns }) => netns,
    },
    attributed(
      'netns_name',
      'NETNS NAME',
      'Name of the network namespace: host, of `ip netns`, or of the pod, container or unit that lives in it.',
      16,
      ({ netnsName }) => netnsName,
    ),
    {
      key: 'family',
      header: 'FAMILY',
      description: 'ipv4 or ipv6; an IPv4 address mapped into IPv6 is ipv4.',
      align: 'left',
      width: 6,
      hidden: true,
      text: family,
      value: family,
      decidedBy: family,
    },
  ];
}

/** Between whom. */
export function endpointColumns(names = NUMERIC): Column<Flow>[] {
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
    decidedBy: of,
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
      text: (flow) => remoteText(flow, names),
      parts: ['remote_address', 'remote_port'],
    },
    address('remote_address', 'RADDR', 'Remote address.', ({ remoteAddress }) => remoteAddress),
    port('remote_port', 'RPORT', 'Remote port.', ({ remotePort }) => remotePort),
  ];
}
