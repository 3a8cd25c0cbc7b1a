/** One outgoing TCP handshake. What it holds is generated from `struct handshake` of bpf/connlat.bpf.c. */
import type { Handshake } from '../events/connlat.js';

export { OUTCOMES, type Handshake, type Outcome } from '../events/connlat.js';

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
