/** Outgoing TCP handshakes, one by one and summed up. */
import type { Handshake, Outcome } from '../events/shared.js';
import type { Flow } from './flow.js';
import type { BucketCount } from './histogram.js';

/** One handshake. What it holds is generated from `struct handshake` of bpf/include/handshake.h. */
export { OUTCOMES, type Handshake, type Outcome } from '../events/shared.js';

/** Sums over finished attempts. */
export interface HandshakeCounts {
  /** In the order of OUTCOMES. */
  outcomes: number[];
  /** Attempts that had to send their SYN again. */
  lostSyn: number;
  /** Of the ok ones, in any order. */
  latencies: BucketCount[];
}

/**
 * What the kernel summed up of the handshakes of one group since the last look. As a flow it has only what makes the group
 * (FlowParts); the rest is 0 or empty.
 */
export interface HandshakeSum extends Flow {
  type: 'sum';
  /** That of all of them, if it makes groups. */
  outcome: Outcome;
  counts: HandshakeCounts;
  /** True of the group that takes what the kernel had no room for. */
  isOther: boolean;
}

/** An attempt that was told to be pending, and is so no more: what became of it is in a sum. */
export interface PendingEnd extends Flow {
  type: 'pending-end';
  startNs: number;
  outcome: Outcome;
}

/** What the source of `connlat` gives. */
export type HandshakeItem = Handshake | HandshakeSum | PendingEnd;

export function isHandshake(item: HandshakeItem): item is Handshake {
  return item.type === 'handshake';
}

/** LATENCY: SYN_SENT to the outcome, in µs with the nanoseconds as decimals. */
export function latencyUs(handshake: Handshake): number {
  return (handshake.endNs - handshake.startNs) / 1000;
}

/** True if the kernel gave a verdict that is not success. */
export function isFailure(handshake: Handshake): boolean {
  return handshake.outcome !== 'ok' && handshake.outcome !== 'pending';
}

/** True if the kernel had to send the SYN again: it, or its SYN-ACK, was lost or late. */
export function lostSyn(handshake: Handshake): boolean {
  return handshake.syns > 1;
}
