import type { FlowParts } from '../model/flow-parts.js';
import { formatCount } from '../model/units.js';

/** One key of `--by`. */
export interface GroupKey<Item> {
  /** As typed, without an argument: `remote-port`. Its column key has underscores. */
  name: string;
  header: string;
  description: string;
  /** The group an item belongs to, as text; `-` if unknown. */
  of(item: Item): string;
  /** What of a flow `of` looks at; absent: more than the kernel can sum up by. */
  parts?: Partial<FlowParts>;
  /** What a person reads in place of a group's text, where something better is known by now. */
  label?(text: string): string | undefined;
  /** Default: left. */
  align?: 'left' | 'right';
  /** Usual width in characters. */
  width?: number;
  /** True if JSON carries a number and sorting compares numbers. */
  numeric?: boolean;
}

export interface Group<Stats> {
  /** One text a key. */
  readonly keys: readonly string[];
  readonly stats: Stats;
}

/** How the smallest groups make room for new ones: they become part of `other`. */
export interface Folding<Stats> {
  /** The smaller, the sooner a group is folded; Infinity: it stays. */
  weight(stats: Stats): number;
  /** Adds to `other` all that a group has counted. */
  merge(other: Stats, folded: Stats): void;
}

/** Of the groups, those that stay when there is no room for another. */
const STAYING = 1 / 2;

/** The first key of the group that takes everything once there are too many groups. */
export const OTHER_GROUP = 'other';
export const DEFAULT_GROUP_LIMIT = 100_000;
/** Of tables: nobody reads as many, and each keeps what it did in the last minute. */
export const TABLE_GROUP_LIMIT = 10_000;

/**
 * Finds the group of an item and makes it where it is new. Memory is bounded: beyond the limit one group `other` takes what is new or,
 * with a Folding, the smallest groups.
 */
export class Grouping<Item, Stats> {
  readonly keys: readonly GroupKey<Item>[];
  readonly limit: number;
  /** Items that went into `other`. */
  overflow = 0;
  /** Groups that became part of `other`; one that comes again is counted from 0. */
  folded = 0;
  readonly #newStats: () => Stats;
  readonly #groups = new Map<string, Group<Stats>>();
  #other: Group<Stats> | undefined;

  readonly #folding: Folding<Stats> | undefined;

  constructor(
    keys: readonly GroupKey<Item>[],
    newStats: () => Stats,
    limit = DEFAULT_GROUP_LIMIT,
    folding?: Folding<Stats>,
  ) {
    this.#folding = folding;
    this.keys = keys;
    this.limit = limit;
    this.#newStats = newStats;
  }

  of(item: Item): Group<Stats> {
    const keys = this.keys.map((key) => key.of(item));
    const id = keys.length === 1 ? (keys[0] ?? '') : keys.join('\0');
    const known = this.#groups.get(id);
    if (known) return known;
    if (this.#groups.size >= this.limit && this.#folding) this.#fold(this.#folding);
    if (this.#groups.size >= this.limit) {
      this.overflow++;
      return this.other();
    }
    const group = { keys, stats: this.#newStats() };
    this.#groups.set(id, group);
    return group;
  }

  #fold(folding: Folding<Stats>): void {
    const weighed = [...this.#groups].map(([id, { stats }]) => ({
      id,
      stats,
      weight: folding.weight(stats),
    }));
    weighed.sort((a, b) => b.weight - a.weight);
    for (const { id, stats, weight } of weighed.slice(Math.ceil(this.limit * STAYING))) {
      if (weight === Infinity) continue;
      folding.merge(this.other().stats, stats);
      this.#groups.delete(id);
      this.folded++;
    }
  }

  /** The group that takes what there is no room for. */
  other(): Group<Stats> {
    return (this.#other ??= {
      keys: this.keys.map((_, at) => (at === 0 ? OTHER_GROUP : '')),
      stats: this.#newStats(),
    });
  }

  /** All groups in the order in which they appeared, `other` last. */
  all(): Group<Stats>[] {
    return this.#other ? [...this.#groups.values(), this.#other] : [...this.#groups.values()];
  }
}

/** What a reader of a table has to know of its groups. */
export function overflowNotes({
  overflow,
  folded,
  limit,
}: {
  overflow: number;
  folded: number;
  limit: number;
}): string[] {
  const more = `more than ${formatCount(limit)} groups`;
  const notes: string[] = [];
  if (folded > 0) notes.push(`${more}: the ${formatCount(folded)} smallest are in "${OTHER_GROUP}"`);
  if (overflow > 0) notes.push(`${more}: ${formatCount(overflow)} events are in "${OTHER_GROUP}"`);
  return notes;
}

/** A group's texts by column key, for machines. */
export function namedKeys(
  keys: readonly { name: string }[],
  texts: readonly string[],
): Record<string, string> {
  return Object.fromEntries(keys.map(({ name }, at) => [name.replaceAll('-', '_'), texts[at] ?? '']));
}

/** A group's texts as one line for people. */
export function titleOf(
  keys: readonly { label?(text: string): string | undefined }[],
  texts: readonly string[],
): string {
  return texts.map((text, at) => keys[at]?.label?.(text) ?? text).join('  ');
}
