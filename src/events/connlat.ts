// Generated from bpf/connlat.bpf.c by scripts/generate-events.mjs. Do not edit.
import { encode } from './primitives.js';
import {
  TRANSPORTS,
  type Filter,
  type Grouping,
  type Transport,
  writeFilter,
  writeGrouping,
} from './shared.js';

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
