// Generated from bpf/connlat.bpf.c by scripts/generate-events.mjs. Do not edit.
<<<<<<< HEAD
import { encode, readComm, readIp, readSocket, readU64 } from './primitives.js';
=======
import { encode } from './primitives.js';
>>>>>>> main
import {
  TRANSPORTS,
  type Filter,
  type Grouping,
  type Transport,
  writeFilter,
  writeGrouping,
} from './shared.js';

<<<<<<< HEAD
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

=======
>>>>>>> main
/** The `const volatile` globals, to set before the load. */
export interface Globals {
  aggregate: boolean;
  adjustable: boolean;
  transport: Transport;
  filter: Filter;
  grouping: Grouping;
  meetings: boolean;
  syncErrors: boolean;
}
/** Name and bytes of each global. @throws {RangeError} if a list is too long. */
export function encodeGlobals(globals: Globals): [name: string, value: Uint8Array][] {
  return [
    [
      'aggregate',
      encode(1, (view) => {
        view.setUint8(0, globals.aggregate ? 1 : 0);
      }),
    ],
    [
      'adjustable',
      encode(1, (view) => {
        view.setUint8(0, globals.adjustable ? 1 : 0);
      }),
    ],
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
      'grouping',
      encode(40, (view) => {
        writeGrouping(view, 0, globals.grouping);
      }),
    ],
    [
      'meetings',
      encode(1, (view) => {
        view.setUint8(0, globals.meetings ? 1 : 0);
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
