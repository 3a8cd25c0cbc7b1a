// Generated from bpf/retrans.bpf.c by scripts/generate-events.mjs. Do not edit.
import { encode, readComm, readIp, readSocket, readU64 } from './primitives.js';
import {
  EVENT_TYPES,
  KINDS,
  TRANSPORTS,
  type EventType,
  type Filter,
  type Grouping,
  type Kind,
  type Transport,
  writeFilter,
  writeGrouping,
} from './shared.js';

/** struct retransmit. */
export interface Retransmit {
  type: EventType;
  kind: Kind;
  timeNs: number;
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
  progressNs: number;
  bytesRetrans: number;
  error: number;
  sequence: number;
  initialSequence: number;
  length: number;
  segments: number;
  tries: number;
  rtoUs: number;
  srttUs: number;
  minRttUs: number;
  cwnd: number;
  ssthresh: number;
  lostOut: number;
  sackedOut: number;
  retransOut: number;
  segsOut: number;
  mss: number;
  state: number;
  caState: number;
  startKnown: boolean;
}
/** Bytes of a struct retransmit. */
export const RETRANSMIT_SIZE = 184;

export function decodeRetransmit(view: DataView, offset: number): Retransmit {
  return {
    type: EVENT_TYPES[view.getUint32(offset + 0, true)]!,
    kind: KINDS[view.getUint32(offset + 4, true)]!,
    timeNs: readU64(view, offset + 8),
    socket: readSocket(view, offset + 16),
    localAddress: readIp(view, offset + 24),
    remoteAddress: readIp(view, offset + 40),
    localPort: view.getUint16(offset + 56, true),
    remotePort: view.getUint16(offset + 58, true),
    netns: view.getUint32(offset + 60, true),
    cgroupId: readU64(view, offset + 64),
    uid: view.getUint32(offset + 72, true),
    pid: view.getUint32(offset + 76, true),
    comm: readComm(view, offset + 80),
    progressNs: readU64(view, offset + 96),
    bytesRetrans: readU64(view, offset + 104),
    error: view.getInt32(offset + 112, true),
    sequence: view.getUint32(offset + 116, true),
    initialSequence: view.getUint32(offset + 120, true),
    length: view.getUint32(offset + 124, true),
    segments: view.getUint32(offset + 128, true),
    tries: view.getUint32(offset + 132, true),
    rtoUs: view.getUint32(offset + 136, true),
    srttUs: view.getUint32(offset + 140, true),
    minRttUs: view.getUint32(offset + 144, true),
    cwnd: view.getUint32(offset + 148, true),
    ssthresh: view.getUint32(offset + 152, true),
    lostOut: view.getUint32(offset + 156, true),
    sackedOut: view.getUint32(offset + 160, true),
    retransOut: view.getUint32(offset + 164, true),
    segsOut: view.getUint32(offset + 168, true),
    mss: view.getUint32(offset + 172, true),
    state: view.getUint8(offset + 176),
    caState: view.getUint8(offset + 177),
    startKnown: view.getUint8(offset + 178) !== 0,
  };
}

/** struct socket_counts. */
export interface SocketCounts {
  type: EventType;
  closed: boolean;
  undone: boolean;
  timeNs: number;
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
  segsOut: number;
  dsackDups: number;
  totalRetrans: number;
}
/** Bytes of a struct socket_counts. */
export const SOCKET_COUNTS_SIZE = 112;

export function decodeSocketCounts(view: DataView, offset: number): SocketCounts {
  return {
    type: EVENT_TYPES[view.getUint32(offset + 0, true)]!,
    closed: view.getUint8(offset + 4) !== 0,
    undone: view.getUint8(offset + 5) !== 0,
    timeNs: readU64(view, offset + 8),
    socket: readSocket(view, offset + 16),
    localAddress: readIp(view, offset + 24),
    remoteAddress: readIp(view, offset + 40),
    localPort: view.getUint16(offset + 56, true),
    remotePort: view.getUint16(offset + 58, true),
    netns: view.getUint32(offset + 60, true),
    cgroupId: readU64(view, offset + 64),
    uid: view.getUint32(offset + 72, true),
    pid: view.getUint32(offset + 76, true),
    comm: readComm(view, offset + 80),
    segsOut: view.getUint32(offset + 96, true),
    dsackDups: view.getUint32(offset + 100, true),
    totalRetrans: view.getUint32(offset + 104, true),
  };
}

/** struct owner_found. */
export interface OwnerFound {
  type: EventType;
  pid: number;
  socket: number;
  sinceNs: number;
  untilNs: number;
  comm: string;
}
/** Bytes of a struct owner_found. */
export const OWNER_FOUND_SIZE = 48;

export function decodeOwnerFound(view: DataView, offset: number): OwnerFound {
  return {
    type: EVENT_TYPES[view.getUint32(offset + 0, true)]!,
    pid: view.getUint32(offset + 4, true),
    socket: readSocket(view, offset + 8),
    sinceNs: readU64(view, offset + 16),
    untilNs: readU64(view, offset + 24),
    comm: readComm(view, offset + 32),
  };
}

/** The `const volatile` globals, to set before the load. */
export interface Globals {
  transport: Transport;
  filter: Filter;
  meetings: boolean;
  grouping: Grouping;
  wantedKinds: number;
  wantedStates: number;
  countSockets: boolean;
  sumSockets: boolean;
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
      encode(4856, (view) => {
        writeFilter(view, 0, globals.filter);
      }),
    ],
    [
      'meetings',
      encode(1, (view) => {
        view.setUint8(0, globals.meetings ? 1 : 0);
      }),
    ],
    [
      'grouping',
      encode(40, (view) => {
        writeGrouping(view, 0, globals.grouping);
      }),
    ],
    [
      'wanted_kinds',
      encode(4, (view) => {
        view.setUint32(0, globals.wantedKinds, true);
      }),
    ],
    [
      'wanted_states',
      encode(4, (view) => {
        view.setUint32(0, globals.wantedStates, true);
      }),
    ],
    [
      'count_sockets',
      encode(1, (view) => {
        view.setUint8(0, globals.countSockets ? 1 : 0);
      }),
    ],
    [
      'sum_sockets',
      encode(1, (view) => {
        view.setUint8(0, globals.sumSockets ? 1 : 0);
      }),
    ],
  ];
}
