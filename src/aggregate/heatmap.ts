import type { HeatmapSection, HeatmapSource, OtherLine, Timeline } from '../model/heatmap-section.js';
import type { Measure } from '../model/histogram-section.js';
import { formatCount } from '../model/units.js';
import { Grouping, namedKeys, overflowNotes, type Group, type GroupKey } from './grouping.js';
import { HeatmapColumns } from './heatmap-columns.js';
import type { PendingGauge } from './pending.js';
import type { Reducer } from './reducer.js';

/** Where a heatmap counts an item: by its value, or in the line `other`. */
export type Place = { ns: number } | { other: string };

/** What a command shows in a heatmap. */
export interface HeatmapKind<Item> {
  measure: Measure;
  /** What an item that has a value is called: `ok`. */
  result: string;
  /** All lines that `placeOf` names, and at most one gauge. */
  others: readonly OtherLine[];
  /** Undefined: no item to count. */
  placeOf(item: Item): Place | undefined;
  /** Keeps the count of what hangs in the group of the item; absent where nothing hangs. */
  track?(item: Item, gauge: PendingGauge): void;
}

export interface HeatmapLimits {
  /** Groups; beyond is one group `other`. */
  groups: number;
  /** Intervals that are kept. */
  intervals: number;
  /** Memory of all groups together, in numbers of some 16 bytes. The oldest intervals leave first. */
  cells: number;
}

/** A terminal is never as wide as there are intervals. */
const LIMITS: HeatmapLimits = { groups: 10_000, intervals: 600, cells: 4_000_000 };

/** Items by interval, value and the keys of `--by`; with no key, one group of all. */
export class HeatmapGroups<Item> implements Reducer<Item>, HeatmapSource {
  readonly keys: readonly GroupKey<Item>[];
  readonly measure: Measure;
  readonly result: string;
  readonly others: readonly OtherLine[];
  readonly #kind: HeatmapKind<Item>;
  readonly #limits: HeatmapLimits;
  readonly #grouping: Grouping<Item, HeatmapColumns>;
  readonly #lineOf: ReadonlyMap<string, number>;
  readonly #gauge: number;
  #first = 0;
  /** Start of the interval `first`. */
  #startNs: number | undefined;
  #lastNs = 0;
  readonly #endsNs: number[] = [];
  #cells = 0;

  constructor(keys: readonly GroupKey<Item>[], kind: HeatmapKind<Item>, limits: Partial<HeatmapLimits> = {}) {
    this.keys = keys;
    this.#kind = kind;
    this.measure = kind.measure;
    this.result = kind.result;
    this.others = kind.others;
    this.#limits = { ...LIMITS, ...limits };
    this.#grouping = new Grouping(keys, () => new HeatmapColumns(), this.#limits.groups);
    this.#lineOf = new Map(kind.others.map(({ label }, at) => [label, at]));
    this.#gauge = kind.others.findIndex(({ gauge }) => gauge === true);
  }

  add(item: Item): void {
    const place = this.#kind.placeOf(item);
    if (!place && !this.#kind.track) return;
    const { stats } = this.#grouping.of(item);
    this.#kind.track?.(item, stats);
    if (!place) return;
    if ('ns' in place) stats.record(place.ns);
    else stats.recordOther(this.#lineOf.get(place.other) ?? 0, this.others.length);
  }

  tick(nowNs: number): void {
    if (this.#startNs === undefined) {
      this.#startNs = nowNs;
    } else if (nowNs > this.#lastNs) {
      const interval = this.#interval;
      for (const { stats } of this.#grouping.all())
        this.#cells += stats.close(interval, this.others.length, this.#gauge);
      this.#endsNs.push(nowNs);
      this.#dropOld();
    }
    this.#lastNs = nowNs;
  }

  timeline(): Timeline {
    return { first: this.#first, startNs: this.#startNs, endsNs: this.#endsNs };
  }

  sections(): HeatmapSection[] {
    const interval = this.#interval;
    const sections: (HeatmapSection & { count: number })[] = [];
    for (const { keys, stats } of this.#grouping.all()) {
      const columns = stats.columns(interval, this.others.length, this.#gauge);
      if (columns.length === 0) continue;
      const named = namedKeys(this.keys, keys);
      sections.push({ title: keys.join('  '), keys: named, columns, count: stats.count });
    }
    return sections.sort((a, b) => b.count - a.count);
  }

  notes(): string[] {
    const notes = overflowNotes(this.#grouping);
    if (this.#first > 0) notes.push(`only the last ${formatCount(this.#endsNs.length)} intervals are kept`);
    return notes;
  }

  /** Number of the interval that is being filled. */
  get #interval(): number {
    return this.#first + this.#endsNs.length;
  }

  /** Keeps the last interval, however large. */
  #dropOld(): void {
    const { intervals, cells } = this.#limits;
    const groups: Group<HeatmapColumns>[] = this.#grouping.all();
    while (this.#endsNs.length > 1 && (this.#endsNs.length > intervals || this.#cells > cells)) {
      for (const { stats } of groups) this.#cells -= stats.drop(this.#first);
      this.#startNs = this.#endsNs.shift();
      this.#first++;
    }
  }
}
