/** What a recording holds of each item: its fields and what may stand in them. One table for the writer, the reader and the docs. */
import type { Attribution } from '../model/attribution.js';
import { OUTCOMES, type Handshake } from '../model/handshake.js';
import { ROLES, type Meeting } from '../model/meeting.js';
import { KINDS, type Retransmit, type SocketGrowth } from '../model/retransmit.js';

export type { Meeting } from '../model/meeting.js';

/** What is recorded for the views. */
export type RecordedItem = (Handshake | Retransmit | SocketGrowth) & Attribution;

/**
 * What may stand in a field.
 * - `time`: ns of CLOCK_MONOTONIC; `progress`: the same, 0 for none
 * - `u8` … `u32`, `i32`: whole numbers of that size; `count`: whole numbers up to 2^64; `socket`: a number that stands for a socket
 * - `address`: an IPv4 or IPv6 address; `text`: a process name; `flag`: true or false
 * - a list: one of these words
 */
export type FieldKind =
  | 'time'
  | 'progress'
  | 'u8'
  | 'u16'
  | 'u32'
  | 'i32'
  | 'count'
  | 'socket'
  | 'address'
  | 'text'
  | 'flag'
  | readonly string[];

/** A field of an item that the table does not have, or the other way round, does not compile. */
type Fields<Item> = { readonly [Name in Exclude<keyof Item, keyof Attribution | 'type'>]-?: FieldKind };

const FLOW = {
  localAddress: 'address',
  localPort: 'u16',
  remoteAddress: 'address',
  remotePort: 'u16',
  netns: 'u32',
  cgroupId: 'count',
  uid: 'u32',
  pid: 'u32',
  comm: 'text',
} as const;

const HANDSHAKE: Fields<Handshake> = {
  startNs: 'time',
  endNs: 'time',
  socket: 'socket',
  ...FLOW,
  outcome: OUTCOMES,
  errno: 'u32',
  wireUs: 'u32',
  syns: 'u32',
};

const RETRANSMIT: Fields<Retransmit> = {
  timeNs: 'time',
  kind: KINDS,
  socket: 'socket',
  ...FLOW,
  progressNs: 'progress',
  bytesRetrans: 'count',
  error: 'i32',
  sequence: 'u32',
  initialSequence: 'u32',
  length: 'u32',
  segments: 'u32',
  tries: 'u32',
  rtoUs: 'u32',
  srttUs: 'u32',
  minRttUs: 'u32',
  cwnd: 'u32',
  ssthresh: 'u32',
  lostOut: 'u32',
  sackedOut: 'u32',
  retransOut: 'u32',
  segsOut: 'u32',
  mss: 'u32',
  state: 'u8',
  caState: 'u8',
  startKnown: 'flag',
};

/** Sums are not recorded. */
const SOCKET: Fields<Omit<SocketGrowth, 'isOther'>> = {
  timeNs: 'time',
  ...FLOW,
  segsOut: 'count',
  spurious: 'count',
  undone: 'count',
};

const MEETING: Fields<Meeting> = {
  timeNs: 'time',
  role: ROLES,
  rttUs: 'u32',
  localAddress: 'address',
  localPort: 'u16',
  remoteAddress: 'address',
  remotePort: 'u16',
  netns: 'u32',
};

export interface ItemSchema {
  readonly fields: readonly (readonly [name: string, kind: FieldKind])[];
}

const schema = (fields: Readonly<Record<string, FieldKind>>): ItemSchema => ({
  fields: Object.entries(fields),
});

/** By the type that a line names. */
export const ITEM_SCHEMAS = {
  handshake: schema(HANDSHAKE),
  retransmit: schema(RETRANSMIT),
  socket: schema(SOCKET),
  meeting: schema(MEETING),
} as const;
export type ItemType = keyof typeof ITEM_SCHEMAS;

export function itemType(item: RecordedItem | Meeting): ItemType {
  return item.type as ItemType;
}

export function isHandshake(item: RecordedItem): item is Handshake & Attribution {
  return item.type === 'handshake';
}

/** When it was seen: the time by which items are in order. */
export function itemTimeNs(item: RecordedItem): number {
  return isHandshake(item) ? item.endNs : item.timeNs;
}
