import { isRetransmit, type RetransItem } from '../model/retransmit.js';
import type { SummaryFacts } from '../model/summary.js';
import type { Reducer } from './reducer.js';
import { retransmitFacts } from './retransmit-report.js';
import { RetransmitStats } from './retransmit-stats.js';
import { StallClock } from './stall-clock.js';

/** Everything a session saw, for its last lines. */
export class RetransmitTotals implements Reducer<RetransItem> {
  readonly stats = new RetransmitStats();
  /** Retransmissions whose process is not known. */
  ownersUnknown = 0;
  readonly #stalls = new StallClock();

  add(item: RetransItem): void {
    if (!isRetransmit(item)) {
      this.stats.addSocket(item);
      return;
    }
    this.stats.add(item, this.#stalls.added(item));
    if (item.pid === 0) this.ownersUnknown++;
  }

  tick(): void {
    // Totals know no intervals.
  }

  facts(): SummaryFacts {
    return retransmitFacts(this.stats, this.ownersUnknown);
  }
}
