import type { HandshakeItem } from '../model/handshake.js';
import type { SummaryFacts } from '../model/summary.js';
import { HandshakeTotals } from './handshake-totals.js';
import type { Reducer } from './reducer.js';

/** What was seen since somebody last asked. */
export class IntervalTotals implements Reducer<HandshakeItem> {
  private totals = new HandshakeTotals();

  add(item: HandshakeItem): void {
    this.totals.add(item);
  }

  tick(): void {
    // The end of an interval is when somebody asks.
  }

  take(): SummaryFacts {
    const facts = this.totals.facts();
    this.totals = new HandshakeTotals();
    return facts;
  }
}
