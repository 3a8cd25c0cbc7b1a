// Generated from bpf/connlat.bpf.c by scripts/generate-events.mjs. Do not edit.
import { checkLength, readIp, readText, readU64, writeIp, writeText, writeU64 } from './primitives.js';

/** enum outcome, by its number. */
export const OUTCOMES = [
  'ok',
  'refused',
  'timeout',
  'unreachable',
  'reset',
  'abandoned',
  'no-port',
  'pending',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** struct handshake. */
export interface Handshake {
  startNs: number;
  endNs: number;
  localAddress: string;
  remoteAddress: string;
  localPort: number;
  remotePort: number;
  outcome: Outcome;
  errno: number;
  wireUs: number;
  syns: number;
  pid: number;
  uid: number;
  netns: number;
  comm: string;
}
/** Bytes of a struct handshake. */
export const HANDSHAKE_SIZE = 96;

export function decodeHandshake(view: DataView, offset: number): Handshake {
  return {
    startNs: readU64(view, offset + 0),
    endNs: readU64(view, offset + 8),
    localAddress: readIp(view, offset + 16),
    remoteAddress: readIp(view, offset + 32),
    localPort: view.getUint16(offset + 48, true),
    remotePort: view.getUint16(offset + 50, true),
    outcome: OUTCOMES[view.getUint32(offset + 52, true)]!,
    errno: view.getUint32(offset + 56, true),
    wireUs: view.getUint32(offset + 60, true),
    syns: view.getUint32(offset + 64, true),
    pid: view.getUint32(offset + 68, true),
    uid: view.getUint32(offset + 72, true),
    netns: view.getUint32(offset + 76, true),
    comm: readText(view, offset + 80, 16),
  };
}

/** struct totals. */
export interface Totals {
  /** Exactly 8. */ outcomes: readonly number[];
  lostSyn: number;
  maxNs: number;
}
/** Bytes of a struct totals. */
export const TOTALS_SIZE = 80;

export function decodeTotals(view: DataView, offset: number): Totals {
  return {
    outcomes: Array.from({ length: 8 }, (_, index) => readU64(view, offset + 0 + index * 8)),
    lostSyn: readU64(view, offset + 64),
    maxNs: readU64(view, offset + 72),
  };
}

/** enum counter, by its number. */
export const COUNTERS = ['lost', 'untracked', 'started', 'unsent'] as const;
export type Counter = (typeof COUNTERS)[number];

/** enum transport, by its number. */
export const TRANSPORTS = ['ring', 'perf'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** struct cidr. */
export interface Cidr {
  network: string;
  mask: string;
  version: number;
}
/** Bytes of a struct cidr. */
export const CIDR_SIZE = 36;

/** struct filter. */
export interface Filter {
  minLatencyNs: number;
  onlyIpv4: boolean;
  onlyIpv6: boolean;
  /** At most 32. */ pids: readonly number[];
  /** At most 32. */ uids: readonly number[];
  /** At most 32. */ netns: readonly number[];
  /** At most 32. */ remotePorts: readonly number[];
  /** At most 32. */ excludedRemotePorts: readonly number[];
  /** At most 32. */ localPorts: readonly number[];
  /** At most 32. */ comms: readonly string[];
  /** At most 32. */ remoteAddresses: readonly Cidr[];
  /** At most 32. */ excludedRemoteAddresses: readonly Cidr[];
  /** At most 32. */ localAddresses: readonly Cidr[];
}
/** Bytes of a struct filter. */
export const FILTER_SIZE = 4600;

function writeCidr(view: DataView, offset: number, value: Cidr): void {
  writeIp(view, offset + 0, value.network);
  writeIp(view, offset + 16, value.mask);
  view.setUint32(offset + 32, value.version, true);
}

function writeFilter(view: DataView, offset: number, value: Filter): void {
  writeU64(view, offset + 0, value.minLatencyNs);
  view.setUint8(offset + 48, value.onlyIpv4 ? 1 : 0);
  view.setUint8(offset + 49, value.onlyIpv6 ? 1 : 0);
  checkLength('pids', value.pids, 32);
  value.pids.forEach((item, index) => {
    view.setUint32(offset + 52 + index * 4, item, true);
  });
  view.setUint32(offset + 8, value.pids.length, true);
  checkLength('uids', value.uids, 32);
  value.uids.forEach((item, index) => {
    view.setUint32(offset + 180 + index * 4, item, true);
  });
  view.setUint32(offset + 16, value.uids.length, true);
  checkLength('netns', value.netns, 32);
  value.netns.forEach((item, index) => {
    view.setUint32(offset + 308 + index * 4, item, true);
  });
  view.setUint32(offset + 20, value.netns.length, true);
  checkLength('remotePorts', value.remotePorts, 32);
  value.remotePorts.forEach((item, index) => {
    view.setUint16(offset + 436 + index * 2, item, true);
  });
  view.setUint32(offset + 24, value.remotePorts.length, true);
  checkLength('excludedRemotePorts', value.excludedRemotePorts, 32);
  value.excludedRemotePorts.forEach((item, index) => {
    view.setUint16(offset + 500 + index * 2, item, true);
  });
  view.setUint32(offset + 28, value.excludedRemotePorts.length, true);
  checkLength('localPorts', value.localPorts, 32);
  value.localPorts.forEach((item, index) => {
    view.setUint16(offset + 564 + index * 2, item, true);
  });
  view.setUint32(offset + 32, value.localPorts.length, true);
  checkLength('comms', value.comms, 32);
  value.comms.forEach((item, index) => {
    writeText(view, offset + 628 + index * 16, 16, item);
  });
  view.setUint32(offset + 12, value.comms.length, true);
  checkLength('remoteAddresses', value.remoteAddresses, 32);
  value.remoteAddresses.forEach((item, index) => {
    writeCidr(view, offset + 1140 + index * 36, item);
  });
  view.setUint32(offset + 36, value.remoteAddresses.length, true);
  checkLength('excludedRemoteAddresses', value.excludedRemoteAddresses, 32);
  value.excludedRemoteAddresses.forEach((item, index) => {
    writeCidr(view, offset + 2292 + index * 36, item);
  });
  view.setUint32(offset + 40, value.excludedRemoteAddresses.length, true);
  checkLength('localAddresses', value.localAddresses, 32);
  value.localAddresses.forEach((item, index) => {
    writeCidr(view, offset + 3444 + index * 36, item);
  });
  view.setUint32(offset + 44, value.localAddresses.length, true);
}

/** The `const volatile` globals, to set before the load. */
export interface Globals {
  transport: Transport;
  filter: Filter;
  aggregate: boolean;
  syncErrors: boolean;
}
/** Name and bytes of each global. @throws {RangeError} if a list is too long. */
export function encodeGlobals(globals: Globals): [name: string, value: Uint8Array][] {
  return [
    [
      'transport',
      encode(4, (view) => {
        view.setUint32(0, TRANSPORTS.indexOf(globals.transport), true);
      }),
    ],
    [
      'filter',
      encode(4600, (view) => {
        writeFilter(view, 0, globals.filter);
      }),
    ],
    [
      'aggregate',
      encode(1, (view) => {
        view.setUint8(0, globals.aggregate ? 1 : 0);
      }),
    ],
    [
      'sync_errors',
      encode(1, (view) => {
        view.setUint8(0, globals.syncErrors ? 1 : 0);
      }),
    ],
  ];
}
function encode(size: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size);
  write(new DataView(bytes.buffer));
  return bytes;
}
