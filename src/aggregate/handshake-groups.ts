import { isHandshake, type Handshake, type HandshakeItem, type HandshakeSum } from '../model/handshake.js';
import type { HistogramSection, HistogramSource } from '../model/histogram-section.js';
import { formatCount } from '../model/units.js';
import {
  Grouping,
  namedKeys,
  OTHER_GROUP,
  overflowNotes,
  TABLE_GROUP_LIMIT,
  titleOf,
  type Folding,
  type Group,
  type GroupKey,
} from './grouping.js';
import { handshakeSection } from './handshake-report.js';
import { finishedOf, HandshakeGroupStats, HandshakeStats } from './handshake-stats.js';
import { PendingAttempts } from './pending.js';
import { IntervalClock } from './recent.js';
import type { Reducer } from './reducer.js';

export type HandshakeGroup = Group<HandshakeGroupStats>;

/** Where attempts hang they are still to be counted. */
const FOLDING: Folding<HandshakeGroupStats> = {
  weight: ({ finished, pending }) => (pending > 0 ? Infinity : finished),
  merge: (other, folded) => {
    other.merge(folded);
  },
};

/** Handshakes by the keys of `--by`; with no key, one group of all. */
export class HandshakeGroups implements Reducer<HandshakeItem>, HistogramSource {
  readonly keys: readonly GroupKey<HandshakeItem>[];
  readonly #clock = new IntervalClock();
  readonly #pending = new PendingAttempts();
  /** Attempts in the group `other` that the kernel made. */
  #withoutRoom = 0;
  readonly #grouping: Grouping<HandshakeItem, HandshakeGroupStats>;

  constructor(keys: readonly GroupKey<HandshakeItem>[], limit = TABLE_GROUP_LIMIT) {
    this.keys = keys;
    this.#grouping = new Grouping(keys, () => new HandshakeGroupStats(this.#clock), limit, FOLDING);
  }

  add(item: HandshakeItem): void {
    if (item.type === 'sum') this.#addSum(item);
    else if (isHandshake(item)) this.#addAttempt(item);
    else this.#pending.end(item);
  }

  #addAttempt(attempt: Handshake): void {
    const { stats } = this.#grouping.of(attempt);
    this.#pending.track(attempt, stats);
    if (attempt.outcome !== 'pending') stats.finish(attempt);
  }

  #addSum(sum: HandshakeSum): void {
    if (sum.isOther) this.#withoutRoom += finishedOf(sum.counts);
    const { stats } = sum.isOther ? this.#grouping.other() : this.#grouping.of(sum);
    stats.addCounts(sum.counts);
  }

  tick(nowNs: number): void {
    this.#clock.tick(nowNs);
  }

  /** Length of the last interval; 0 before there is one. */
  get intervalSeconds(): number {
    return this.#clock.seconds;
  }

  /** The rows of a table. */
  rows(): HandshakeGroup[] {
    // A group may have had only attempts that hung, and that ended in another group (`--by result`).
    return this.#grouping.all().filter(({ stats }) => stats.finished > 0 || stats.pending > 0);
  }

  /** What a reader of the table has to know beside it. */
  notes(): string[] {
    const notes = overflowNotes(this.#grouping);
    if (this.#withoutRoom > 0)
      notes.push(
        `more groups at once than the kernel has room for: ${formatCount(this.#withoutRoom)} attempts are in "${OTHER_GROUP}"`,
      );
    return notes;
  }

  /** The same groups as histograms, the fullest first; without keys there is one also of nothing. */
  sections(): HistogramSection[] {
    const rows = this.rows();
    if (rows.length === 0 && this.keys.length === 0) return [handshakeSection(new HandshakeStats())];
    return rows
      .sort((a, b) => b.stats.latency.count - a.stats.latency.count)
      .map(({ keys, stats }) =>
        handshakeSection(stats, titleOf(this.keys, keys), namedKeys(this.keys, keys)),
      );
  }
}
