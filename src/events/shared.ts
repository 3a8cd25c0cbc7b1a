// Generated from bpf/include/ by scripts/generate-events.mjs. Do not edit.
import {
  checkLength,
  readComm,
  readIp,
  readSocket,
  readU64,
  writeIp,
  writeText,
  writeU64,
} from './primitives.js';

/** enum setting, by its number. */
export const SETTINGS = ['sums', 'sample-one-in'] as const;
export type Setting = (typeof SETTINGS)[number];

/** struct run_cost. */
export interface RunCost {
  runs: number;
  timedRuns: number;
  timedNs: number;
  untilTimed: number;
}
/** Bytes of a struct run_cost. */
export const RUN_COST_SIZE = 32;

export function decodeRunCost(view: DataView, offset: number): RunCost {
  return {
    runs: readU64(view, offset + 0),
    timedRuns: readU64(view, offset + 8),
    timedNs: readU64(view, offset + 16),
    untilTimed: readU64(view, offset + 24),
  };
}

/** enum counter, by its number. */
export const COUNTERS = ['lost', 'untracked', 'started', 'unsent', 'segments', 'other', 'summed'] as const;
export type Counter = (typeof COUNTERS)[number];

/** enum transport, by its number. */
export const TRANSPORTS = ['ring', 'perf'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** enum event_type, by its number. */
export const EVENT_TYPES = ['handshake', 'retransmit', 'socket', 'owner', 'meeting'] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** struct cidr. */
export interface Cidr {
  network: string;
  mask: string;
  version: number;
}
/** Bytes of a struct cidr. */
export const CIDR_SIZE = 36;

export function writeCidr(view: DataView, offset: number, value: Cidr): void {
  writeIp(view, offset + 0, value.network);
  writeIp(view, offset + 16, value.mask);
  view.setUint32(offset + 32, value.version, true);
}

/** struct filter. */
export interface Filter {
  minLatencyNs: number;
  onlyIpv4: boolean;
  onlyIpv6: boolean;
  /** At most 32. */ cgroups: readonly number[];
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
export const FILTER_SIZE = 4856;

export function writeFilter(view: DataView, offset: number, value: Filter): void {
  writeU64(view, offset + 0, value.minLatencyNs);
  view.setUint8(offset + 52, value.onlyIpv4 ? 1 : 0);
  view.setUint8(offset + 53, value.onlyIpv6 ? 1 : 0);
  checkLength('cgroups', value.cgroups, 32);
  value.cgroups.forEach((item, index) => {
    writeU64(view, offset + 56 + index * 8, item);
  });
  view.setUint32(offset + 48, value.cgroups.length, true);
  checkLength('pids', value.pids, 32);
  value.pids.forEach((item, index) => {
    view.setUint32(offset + 312 + index * 4, item, true);
  });
  view.setUint32(offset + 8, value.pids.length, true);
  checkLength('uids', value.uids, 32);
  value.uids.forEach((item, index) => {
    view.setUint32(offset + 440 + index * 4, item, true);
  });
  view.setUint32(offset + 16, value.uids.length, true);
  checkLength('netns', value.netns, 32);
  value.netns.forEach((item, index) => {
    view.setUint32(offset + 568 + index * 4, item, true);
  });
  view.setUint32(offset + 20, value.netns.length, true);
  checkLength('remotePorts', value.remotePorts, 32);
  value.remotePorts.forEach((item, index) => {
    view.setUint16(offset + 696 + index * 2, item, true);
  });
  view.setUint32(offset + 24, value.remotePorts.length, true);
  checkLength('excludedRemotePorts', value.excludedRemotePorts, 32);
  value.excludedRemotePorts.forEach((item, index) => {
    view.setUint16(offset + 760 + index * 2, item, true);
  });
  view.setUint32(offset + 28, value.excludedRemotePorts.length, true);
  checkLength('localPorts', value.localPorts, 32);
  value.localPorts.forEach((item, index) => {
    view.setUint16(offset + 824 + index * 2, item, true);
  });
  view.setUint32(offset + 32, value.localPorts.length, true);
  checkLength('comms', value.comms, 32);
  value.comms.forEach((item, index) => {
    writeText(view, offset + 888 + index * 16, 16, item);
  });
  view.setUint32(offset + 12, value.comms.length, true);
  checkLength('remoteAddresses', value.remoteAddresses, 32);
  value.remoteAddresses.forEach((item, index) => {
    writeCidr(view, offset + 1400 + index * 36, item);
  });
  view.setUint32(offset + 36, value.remoteAddresses.length, true);
  checkLength('excludedRemoteAddresses', value.excludedRemoteAddresses, 32);
  value.excludedRemoteAddresses.forEach((item, index) => {
    writeCidr(view, offset + 2552 + index * 36, item);
  });
  view.setUint32(offset + 40, value.excludedRemoteAddresses.length, true);
  checkLength('localAddresses', value.localAddresses, 32);
  value.localAddresses.forEach((item, index) => {
    writeCidr(view, offset + 3704 + index * 36, item);
  });
  view.setUint32(offset + 44, value.localAddresses.length, true);
}

/** struct handshake. */
export interface Handshake {
  type: EventType;
  startNs: number;
  endNs: number;
  socket: number;
  localAddress: string;
  remoteAddress: string;
  localPort: number;
  remotePort: number;
  netns: number;
  cgroupId: number;
  uid: number;
  pid: number;
  comm: string;
  outcome: Outcome;
  errno: number;
  wireUs: number;
  syns: number;
}
/** Bytes of a struct handshake. */
export const HANDSHAKE_SIZE = 120;

export function decodeHandshake(view: DataView, offset: number): Handshake {
  return {
    type: EVENT_TYPES[view.getUint32(offset + 0, true)]!,
    startNs: readU64(view, offset + 8),
    endNs: readU64(view, offset + 16),
    socket: readSocket(view, offset + 24),
    localAddress: readIp(view, offset + 32),
    remoteAddress: readIp(view, offset + 48),
    localPort: view.getUint16(offset + 64, true),
    remotePort: view.getUint16(offset + 66, true),
    netns: view.getUint32(offset + 68, true),
    cgroupId: readU64(view, offset + 72),
    uid: view.getUint32(offset + 80, true),
    pid: view.getUint32(offset + 84, true),
    comm: readComm(view, offset + 88),
    outcome: OUTCOMES[view.getUint32(offset + 104, true)]!,
    errno: view.getUint32(offset + 108, true),
    wireUs: view.getUint32(offset + 112, true),
    syns: view.getUint32(offset + 116, true),
  };
}

/** struct tally. */
export interface Tally {
  opens: number;
  fails: number;
}
/** Bytes of a struct tally. */
export const TALLY_SIZE = 16;

export function decodeTally(view: DataView, offset: number): Tally {
  return { opens: readU64(view, offset + 0), fails: readU64(view, offset + 8) };
}

/** enum kind, by its number. */
export const KINDS = ['syn', 'synack', 'fast', 'rto', 'loss', 'tlp'] as const;
export type Kind = (typeof KINDS)[number];

/** enum role, by its number. */
export const ROLES = ['client', 'server'] as const;
export type Role = (typeof ROLES)[number];

/** struct meeting. */
export interface Meeting {
  type: EventType;
  role: Role;
  timeNs: number;
  localAddress: string;
  remoteAddress: string;
  localPort: number;
  remotePort: number;
  netns: number;
  rttUs: number;
}
/** Bytes of a struct meeting. */
export const MEETING_SIZE = 64;

export function decodeMeeting(view: DataView, offset: number): Meeting {
  return {
    type: EVENT_TYPES[view.getUint32(offset + 0, true)]!,
    role: ROLES[view.getUint32(offset + 4, true)]!,
    timeNs: readU64(view, offset + 8),
    localAddress: readIp(view, offset + 16),
    remoteAddress: readIp(view, offset + 32),
    localPort: view.getUint16(offset + 48, true),
    remotePort: view.getUint16(offset + 50, true),
    netns: view.getUint32(offset + 52, true),
    rttUs: view.getUint32(offset + 56, true),
  };
}

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

/** struct owner. */
export interface Owner {
  sinceNs: number;
  session: number;
  startedNs: number;
  pid: number;
  port: number;
  asked: boolean;
  comm: string;
}
/** Bytes of a struct owner. */
export const OWNER_SIZE = 48;

export function decodeOwner(view: DataView, offset: number): Owner {
  return {
    sinceNs: readU64(view, offset + 0),
    session: readU64(view, offset + 8),
    startedNs: readU64(view, offset + 16),
    pid: view.getUint32(offset + 24, true),
    port: view.getUint16(offset + 28, true),
    asked: view.getUint8(offset + 30) !== 0,
    comm: readComm(view, offset + 31),
  };
}

/** struct place_key. */
export interface PlaceKey {
  prefixLength: number;
  network: string;
}
/** Bytes of a struct place_key. */
export const PLACE_KEY_SIZE = 20;

export function decodePlaceKey(view: DataView, offset: number): PlaceKey {
  return { prefixLength: view.getUint32(offset + 0, true), network: readIp(view, offset + 4) };
}

/** struct grouping. */
export interface Grouping {
  ipv4Mask: string;
  ipv6Mask: string;
  byPlace: boolean;
  byRemotePort: boolean;
  byPid: boolean;
  byComm: boolean;
  byNetns: boolean;
  byCgroup: boolean;
  byOutcome: boolean;
}
/** Bytes of a struct grouping. */
export const GROUPING_SIZE = 40;

export function writeGrouping(view: DataView, offset: number, value: Grouping): void {
  writeIp(view, offset + 0, value.ipv4Mask);
  writeIp(view, offset + 16, value.ipv6Mask);
  view.setUint8(offset + 32, value.byPlace ? 1 : 0);
  view.setUint8(offset + 33, value.byRemotePort ? 1 : 0);
  view.setUint8(offset + 34, value.byPid ? 1 : 0);
  view.setUint8(offset + 35, value.byComm ? 1 : 0);
  view.setUint8(offset + 36, value.byNetns ? 1 : 0);
  view.setUint8(offset + 37, value.byCgroup ? 1 : 0);
  view.setUint8(offset + 38, value.byOutcome ? 1 : 0);
}

/** struct sum_key. */
export interface SumKey {
  remoteAddress: string;
  cgroupId: number;
  netns: number;
  pid: number;
  comm: string;
  outcome: Outcome;
  remotePort: number;
  cell: number;
}
/** Bytes of a struct sum_key. */
export const SUM_KEY_SIZE = 56;

export function decodeSumKey(view: DataView, offset: number): SumKey {
  return {
    remoteAddress: readIp(view, offset + 0),
    cgroupId: readU64(view, offset + 16),
    netns: view.getUint32(offset + 24, true),
    pid: view.getUint32(offset + 28, true),
    comm: readComm(view, offset + 32),
    outcome: OUTCOMES[view.getUint32(offset + 48, true)]!,
    remotePort: view.getUint16(offset + 52, true),
    cell: view.getUint16(offset + 54, true),
  };
}

/** struct sum. */
export interface Sum {
  count: number;
  minNs: number;
  maxNs: number;
}
/** Bytes of a struct sum. */
export const SUM_SIZE = 24;

export function decodeSum(view: DataView, offset: number): Sum {
  return {
    count: readU64(view, offset + 0),
    minNs: readU64(view, offset + 8),
    maxNs: readU64(view, offset + 16),
  };
}
