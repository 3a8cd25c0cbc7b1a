/** What became of one attempt to open a TCP connection; `pending` while the kernel is still trying. */
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

/**
 * One outgoing TCP handshake, or a view of one that still hangs (`outcome: 'pending'`).
 * Every time is CLOCK_MONOTONIC in nanoseconds, taken in the kernel (bpf_ktime_get_ns). A number holds it
 * exactly for 104 days of uptime and to a few nanoseconds after that.
 */
export interface Handshake {
  /** CLOSE -> SYN_SENT. Together with the addresses it names the attempt: it is the same in pending and final events. */
  startNs: number;
  /** When the outcome was known; for a pending attempt, when it was looked at. */
  endNs: number;
  outcome: Outcome;
  /** Positive errno of a failure (sk_err, or what connect(2) returned), 0 if there is none. */
  errno: number;
  /** The kernel's RTT sample of the answered SYN in µs; 0 if there is no sample. */
  wireUs: number;
  /** SYNs sent, retransmissions included; 0 if none left this host. */
  syns: number;
  /** Owner of the socket: thread group id in the host's pid namespace; 0 if unknown. */
  pid: number;
  /** Name of the owning process, control characters removed; '' if unknown. */
  comm: string;
  uid: number;
  /** Inode number of the socket's network namespace. */
  netns: number;
  /** Canonical text; v4-mapped IPv6 is IPv4. '0.0.0.0' or '::' if the attempt got no local address. */
  localAddress: string;
  localPort: number;
  remoteAddress: string;
  remotePort: number;
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
