/** A segment that TCP sent again. What it holds is generated from `struct retransmit` of bpf/retrans.bpf.c. */
import type { Retransmit } from '../events/retrans.js';
import type { Flow } from './flow.js';

export type { Retransmit } from '../events/retrans.js';
export { KINDS, type Kind } from '../events/shared.js';

/** What one socket, or all sockets of a group that came and went, did since the last look. */
export interface SocketGrowth extends Flow {
  type: 'socket';
  timeNs: number;
  /** Segments sent, retransmissions and bare ACKs included. */
  segsOut: number;
  /** Segments that the other end reported to have got twice (DSACK): sending them again was not needed. */
  spurious: number;
  /** Recoveries that the kernel took back, because nothing had been lost. */
  undone: number;
  /** True of sums of what the kernel had no room for. */
  isOther?: boolean;
}

/** What the source of `retrans` gives. */
export type RetransItem = Retransmit | SocketGrowth;

export function isRetransmit(item: RetransItem): item is Retransmit {
  return item.type === 'retransmit';
}

/** True if it did not leave this host. */
export function isFailed({ error }: Retransmit): boolean {
  return error !== 0;
}

/**
 * How long the flow had not moved forward when a timer (RTO, TLP, SYN, SYN-ACK) sent again: since data was last
 * acknowledged or, after idleness, first sent. Undefined where ACKs made it send, since then it moves.
 */
export function stallNs({ timeNs, progressNs }: Retransmit): number | undefined {
  return progressNs === 0 ? undefined : Math.max(0, timeNs - progressNs);
}
