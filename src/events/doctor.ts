// Generated from bpf/doctor.bpf.c by scripts/generate-events.mjs. Do not edit.
import { encode, readU64 } from './primitives.js';
import { TRANSPORTS, type Transport } from './shared.js';

/** struct reading. */
export interface Reading {
  timeNs: number;
  clocksNs: number;
  pid: number;
  port: number;
}
/** Bytes of a struct reading. */
export const READING_SIZE = 24;

export function decodeReading(view: DataView, offset: number): Reading {
  return {
    timeNs: readU64(view, offset + 0),
    clocksNs: readU64(view, offset + 8),
    pid: view.getUint32(offset + 16, true),
    port: view.getUint32(offset + 20, true),
  };
}

/** The `const volatile` globals, to set before the load. */
export interface Globals {
  transport: Transport;
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
  ];
}
