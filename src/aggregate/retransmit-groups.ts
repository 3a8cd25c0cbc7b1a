import type { HistogramSection, HistogramSource } from '../model/histogram-section.js';
import { isRetransmit, type RetransItem, type SocketGrowth } from '../model/retransmit.js';
import { formatCount } from '../model/units.js';
import {
  Grouping,
  namedKeys,
  overflowNotes,
  TABLE_GROUP_LIMIT,
  titleOf,
  type Folding,
  type Group,
  type GroupKey,
} from './grouping.js';
import { IntervalClock } from './recent.js';
import type { Reducer } from './reducer.js';
import { keepSocketsWhole } from './retransmit-keys.js';
import { retransmitSection } from './retransmit-report.js';
import { RetransmitGroupStats } from './retransmit-stats.js';
import { StallClock } from './stall-clock.js';

export type RetransmitGroup = Group<RetransmitGroupStats>;

/** Who only sent what arrived goes first: servers send to a new port with each connection. */
const FOLDING: Folding<RetransmitGroupStats> = {
  weight: ({ segments, failed }) => segments + failed,
  merge: (other, folded) => {
    other.merge(folded);
  },
};

/** Retransmissions by the keys of `--by`; with no key, one group of all. */
export class RetransmitGroups implements Reducer<RetransItem>, HistogramSource {
  readonly keys: readonly GroupKey<RetransItem>[];
  readonly #clock = new IntervalClock();
  readonly #stalls = new StallClock();
  readonly #grouping: Grouping<RetransItem, RetransmitGroupStats>;
  readonly #withSent: boolean;

  constructor(keys: readonly GroupKey<RetransItem>[], limit = TABLE_GROUP_LIMIT) {
    this.keys = keys;
    this.#withSent = keepSocketsWhole(keys);
    this.#grouping = new Grouping(keys, () => new RetransmitGroupStats(this.#clock), limit, FOLDING);
  }

  add(item: RetransItem): void {
    if (isRetransmit(item)) this.#grouping.of(item).stats.add(item, this.#stalls.added(item));
    else if (this.#withSent) this.#groupOf(item).stats.addSocket(item);
  }

  #groupOf(growth: SocketGrowth): RetransmitGroup {
    return growth.isOther === true ? this.#grouping.other() : this.#grouping.of(growth);
  }

  tick(nowNs: number): void {
    this.#clock.tick(nowNs);
  }

  /** Length of the last interval; 0 before there is one. */
  get intervalSeconds(): number {
    return this.#clock.seconds;
  }

  /** The rows of a table: who only sent what arrived is not of interest. */
  rows(): RetransmitGroup[] {
    return this.#grouping.all().filter(({ stats }) => stats.segments > 0 || stats.failed > 0);
  }

  /** What a reader of the table has to know beside it. */
  notes(): string[] {
    const failed = this.#grouping.all().reduce((sum, { stats }) => sum + stats.failed, 0);
    const notes = overflowNotes(this.#grouping);
    if (failed > 0) notes.push(`could not leave this host: ${formatCount(failed)} (column failed)`);
    return notes;
  }

  /** The same groups as histograms, the fullest first. */
  sections(): HistogramSection[] {
    const rows = this.rows().sort((a, b) => b.stats.tries.count - a.stats.tries.count);
    return rows.map(({ keys, stats }) =>
      retransmitSection(stats, titleOf(this.keys, keys), namedKeys(this.keys, keys)),
    );
  }
}
