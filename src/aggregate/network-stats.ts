import { isHandshake, type HandshakeItem } from '../model/handshake.js';
import type { NetworkItem } from '../model/network.js';
import { isRetransmit, type RetransItem } from '../model/retransmit.js';
import { finishedOf, HandshakeStats } from './handshake-stats.js';
import type { PendingAttempts } from './pending.js';
import { RetransmitStats } from './retransmit-stats.js';
import type { StallClock } from './stall-clock.js';

/** Of which kind an item is. */
export function isOfRetransmits(item: NetworkItem): item is RetransItem {
  return item.type === 'retransmit' || item.type === 'socket';
}

/** What one item may have to know of others before it. */
export interface NetworkClocks {
  readonly pending: PendingAttempts;
  readonly stalls: StallClock;
}

/** All that was counted of one group: attempts, what was sent again, what listeners could not take. */
export class NetworkStats {
  readonly handshakes = new HandshakeStats();
  readonly retransmits = new RetransmitStats();
  acceptOverflows = 0;

  add(item: NetworkItem, { pending, stalls }: NetworkClocks): void {
    if (item.type === 'accept-overflows') this.acceptOverflows += item.count;
    else if (isOfRetransmits(item)) this.addRetransItem(item, stalls);
    else this.addHandshakeItem(item, pending);
  }

  private addRetransItem(item: RetransItem, stalls: StallClock): void {
    if (isRetransmit(item)) this.retransmits.add(item, stalls.added(item));
    else this.retransmits.addSocket(item);
  }

  private addHandshakeItem(item: HandshakeItem, pending: PendingAttempts): void {
    if (item.type === 'sum') this.handshakes.addCounts(item.counts);
    else if (isHandshake(item)) {
      pending.track(item, this.handshakes);
      if (item.outcome !== 'pending') this.handshakes.finish(item);
    } else pending.end(item);
  }

  /** Adds all that another one has counted, but for what hangs. */
  merge(other: NetworkStats): void {
    this.handshakes.merge(other.handshakes);
    this.retransmits.merge(other.retransmits);
    this.acceptOverflows += other.acceptOverflows;
  }
}

/** Attempts and segments that it tells of. */
export function weightOf(item: NetworkItem): number {
  if (item.type === 'accept-overflows') return item.count;
  if (isOfRetransmits(item)) return isRetransmit(item) ? item.segments : item.segsOut;
  if (item.type === 'sum') return finishedOf(item.counts);
  return isHandshake(item) && item.outcome !== 'pending' ? 1 : 0;
}

/** True of what the kernel had no room for. */
export function isWithoutRoom(item: NetworkItem): boolean {
  return 'isOther' in item && item.isOther;
}
