import type { Column, TextContext } from '../model/column.js';
import { formatEndpoint } from '../model/endpoint.js';
import { errnoName } from '../model/errno.js';
import { isFailure, latencyUs, lostSyn, type Handshake } from '../model/handshake.js';
import { formatDuration, formatElapsed, sanitize } from '../model/units.js';
import { timeColumn } from './time.js';

function resultTone({ outcome }: Handshake): 'bad' | 'warn' | undefined {
  if (outcome === 'pending') return 'warn';
  return outcome === 'ok' ? undefined : 'bad';
}

function latencyText({ outcome, startNs, endNs }: Handshake): string {
  const ns = endNs - startNs;
  return outcome === 'pending' ? `${formatElapsed(ns)} +` : formatDuration(ns);
}

/** The kernel's sample has whole microseconds, or milliseconds where TCP timestamps gave it: no digit behind them. */
function wireText(wireUs: number): string {
  if (wireUs === 0) return '-';
  if (wireUs % 1000 === 0 && wireUs < 1e6) return `${wireUs / 1000} ms`;
  return wireUs < 1000 ? `${wireUs} µs` : formatDuration(wireUs * 1000);
}

/** A local address that the attempt never got. */
function isUnbound({ localAddress, localPort }: Handshake): boolean {
  return localPort === 0 && (localAddress === '0.0.0.0' || localAddress === '::');
}

/** Columns of `connlat`. TIME depends on `--time`. */
export function handshakeColumns(format: TextContext['timeFormat']): Column<Handshake>[] {
  return [
    timeColumn(
      format,
      'When the outcome was known; of a pending attempt, when it was looked at.',
      ({ endNs }) => endNs,
    ),
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
    ...endpointColumns(),
    {
      key: 'result',
      header: 'RESULT',
      description: 'ok, refused, timeout, unreachable, reset, abandoned, no-port or pending.',
      align: 'left',
      width: 11,
      minWidth: 7,
      text: ({ outcome }) => outcome,
      value: ({ outcome }) => outcome,
      tone: resultTone,
    },
    {
      key: 'error',
      header: 'ERROR',
      description: 'Name of the errno that the program gets: ECONNREFUSED.',
      align: 'left',
      width: 13,
      hidden: true,
      text: ({ errno }) => errnoName(errno) ?? '-',
      value: ({ errno }) => errnoName(errno) ?? null,
      tone: (attempt) => (isFailure(attempt) ? 'bad' : undefined),
    },
    ...measureColumns(),
  ];
}

function endpointColumns(): Column<Handshake>[] {
  const address = (
    key: string,
    header: string,
    description: string,
    of: (attempt: Handshake) => string | undefined,
  ): Column<Handshake> => ({
    key,
    header,
    description,
    align: 'left',
    width: 15,
    hidden: true,
    text: (attempt) => of(attempt) ?? '-',
    value: (attempt) => of(attempt) ?? null,
  });
  const port = (
    key: string,
    header: string,
    description: string,
    of: (attempt: Handshake) => number,
  ): Column<Handshake> => ({
    key,
    header,
    description,
    align: 'right',
    width: 5,
    hidden: true,
    text: (attempt) => (of(attempt) === 0 ? '-' : String(of(attempt))),
    value: (attempt) => (of(attempt) === 0 ? null : of(attempt)),
  });
  return [
    {
      key: 'local',
      header: 'LOCAL',
      description: 'Local address and port.',
      align: 'left',
      width: 21,
      dropFirst: 2,
      text: (attempt) => (isUnbound(attempt) ? '-' : formatEndpoint(attempt.localAddress, attempt.localPort)),
      parts: ['local_address', 'local_port'],
    },
    address('local_address', 'LADDR', 'Local address.', (attempt) =>
      isUnbound(attempt) ? undefined : attempt.localAddress,
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

function measureColumns(): Column<Handshake>[] {
  return [
    {
      key: 'latency_us',
      header: 'LATENCY',
      description: 'From the first SYN to the outcome; + if the attempt still hangs.',
      align: 'right',
      width: 8,
      text: latencyText,
      value: latencyUs,
    },
    {
      key: 'wire_us',
      header: 'WIRE',
      description: 'Round trip of the SYN that was answered, as the kernel measured it; - if none was.',
      align: 'right',
      width: 8,
      minWidth: 7,
      dropFirst: 1,
      text: ({ wireUs }) => wireText(wireUs),
      value: ({ wireUs }) => (wireUs === 0 ? null : wireUs),
    },
    {
      key: 'syns',
      header: 'SYNS',
      description: 'SYNs sent. More than one: a SYN or its answer was lost or late.',
      align: 'right',
      width: 4,
      text: ({ syns }) => String(syns),
      value: ({ syns }) => syns,
      tone: (attempt) => (lostSyn(attempt) ? 'warn' : undefined),
    },
  ];
}
