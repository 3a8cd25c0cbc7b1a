import { isHandshake, type Handshake, type HandshakeItem } from '../model/handshake.js';
import type { SummaryFacts } from '../model/summary.js';
import { handshakeFacts } from './handshake-report.js';
import { HandshakeStats } from './handshake-stats.js';
import { PendingAttempts } from './pending.js';
import type { Reducer } from './reducer.js';

/** Everything a session saw, for its last lines. */
export class HandshakeTotals implements Reducer<HandshakeItem> {
  readonly stats = new HandshakeStats();
  /** Finished attempts whose process is not known; sums do not tell. */
  ownersUnknown = 0;
  readonly #pending = new PendingAttempts();

  add(item: HandshakeItem): void {
    if (item.type === 'sum') this.stats.addCounts(item.counts);
    else if (isHandshake(item)) this.#addAttempt(item);
    else this.#pending.end(item);
  }

  #addAttempt(attempt: Handshake): void {
    this.#pending.track(attempt, this.stats);
    if (attempt.outcome === 'pending') return;
    this.stats.finish(attempt);
    if (attempt.pid === 0) this.ownersUnknown++;
  }

  tick(): void {
    // Totals know no intervals.
  }

  facts(): SummaryFacts {
    return handshakeFacts(this.stats, this.ownersUnknown);
  }
}
