import { commonIntervalNs, LEAST_INTERVALS } from '../model/statistics/counts.js';
import { adjusted } from '../model/statistics/multiple.js';
import { Grouping, overflowNotes, type Group, type GroupKey } from './grouping.js';

export type Side = 'before' | 'after';
export type Sides<Value> = Readonly<Record<Side, Value>>;

/** p at or below this is a change. */
export const DEFAULT_ALPHA = 0.01;
/** Events that each side of a group needs. */
export const LEAST_EVENTS = 8;
/** Blocks of time that each side's events have to be in: fewer say nothing of whether they come in bursts. */
export const LEAST_BLOCKS = 5;

/** Whether one measure of a group differs between the sides. */
export interface DiffTest<Name extends string> {
  name: Name;
  /** Two-sided; in a row it is adjusted for all comparisons. */
  p: number;
  /** The same if events were independent of each other; equal to p where the test knows no bursts. */
  independentP: number;
  /** How often a value after is greater than one before, ties half: of tests by ranks. */
  effect?: number;
  /** How many times greater the variance is, because events come in bursts; at least 1. */
  designEffect?: number;
  /** The quantile that changed most, of durations: 0.5 or 0.95. */
  quantile?: number;
  /** In words, what it is if it is no chance: `slower`. */
  finding: string;
  /** True if somebody would complain of it. */
  worse: boolean;
  /** How big the change is, on a scale that all measures share: a doubling, or ten points of a share, is 1. */
  size: number;
  /** False if nobody would care, however certain it is. */
  relevant: boolean;
}

/** What happened to a group, most interesting first: the order of rows. */
export const DIFF_CLASSES = ['changed', 'new', 'gone', 'unclear', 'same', 'too few'] as const;
export type DiffClass = (typeof DIFF_CLASSES)[number];

const RANKS: Readonly<Record<DiffClass, number>> = {
  changed: 0,
  new: 1,
  gone: 1,
  unclear: 2,
  same: 3,
  'too few': 4,
};

/** One group on both sides. */
export interface DiffRow<Stats, Name extends string> extends Group<Sides<Stats>> {
  readonly class: DiffClass;
  /** What was tested, p adjusted. Empty for groups that are new, gone or too few. */
  readonly tests: readonly DiffTest<Name>[];
  /** The tests that make the class, biggest change first; empty where nothing changed. */
  readonly changes: readonly DiffTest<Name>[];
  /** Size of the biggest change; 0 where nothing changed. */
  readonly score: number;
  /** What a group has of what it needs, where it has too few: `3 of 8`. */
  readonly shortage?: string;
}

export interface DiffResult<Stats, Name extends string> {
  /** Biggest change first. */
  rows: DiffRow<Stats, Name>[];
  /** Number of tests that p is adjusted for. */
  comparisons: number;
  alpha: number;
  /** What a reader has to know of the groups. */
  notes: string[];
}

/** What differs between kinds of recordings. Durations are those of the recordings, in ns. */
export interface DiffStrategy<Stats, Name extends string> {
  /** Stats of a side whose recording started then. */
  create(startNs: number): Stats;
  /** True if the group does not exist on this side. */
  isEmpty(stats: Stats): boolean;
  /** True if the group is worth a row. */
  isShown(sides: Sides<Stats>): boolean;
  /** Number of events, for the order of groups that are alike. */
  weight(stats: Stats): number;
  /** What is missing for a test: `3 of 8`. */
  shortage(sides: Sides<Stats>, durationsNs: Sides<number>): string | undefined;
  /** The tests that make sense for this group, p not adjusted. */
  tests(sides: Sides<Stats>, durationsNs: Sides<number>): DiffTest<Name>[];
}

/** Two recordings, group by group. */
export abstract class Diff<Item, Stats, Name extends string> {
  readonly keys: readonly GroupKey<Item>[];
  readonly #strategy: DiffStrategy<Stats, Name>;
  readonly #grouping: Grouping<Item, Sides<Stats>>;

  /** `startedNs`: CLOCK_MONOTONIC at the start of each recording. */
  constructor(
    keys: readonly GroupKey<Item>[],
    startedNs: Sides<number>,
    strategy: DiffStrategy<Stats, Name>,
    limit?: number,
  ) {
    this.keys = keys;
    this.#strategy = strategy;
    const create = (): Sides<Stats> => ({
      before: strategy.create(startedNs.before),
      after: strategy.create(startedNs.after),
    });
    this.#grouping = new Grouping(keys, create, limit);
  }

  /** Counts an item of a recording. */
  abstract add(side: Side, item: Item): void;

  /** Compares what has been added. */
  finish(durationsNs: Sides<number>, alpha = DEFAULT_ALPHA): DiffResult<Stats, Name> {
    const groups = this.#grouping.all().filter(({ stats }) => this.#strategy.isShown(stats));
    const untested = groups.map((group) => this.#untested(group, durationsNs));
    const tests = adjustedTests(
      groups.map(({ stats }, at) => (untested[at] ? [] : this.#strategy.tests(stats, durationsNs))),
      alpha,
    );
    const rows = groups.map((group, at) => untested[at] ?? judged(group, tests[at] ?? []));
    const weight = ({ stats }: DiffRow<Stats, Name>): number =>
      this.#strategy.weight(stats.before) + this.#strategy.weight(stats.after);
    rows.sort((a, b) => RANKS[a.class] - RANKS[b.class] || b.score - a.score || weight(b) - weight(a));
    return {
      rows,
      comparisons: tests.reduce((sum, ofGroup) => sum + ofGroup.length, 0),
      alpha,
      notes: overflowNotes(this.#grouping),
    };
  }

  protected statsOf(side: Side, item: Item): Stats {
    return this.#grouping.of(item).stats[side];
  }

  /** The row of a group that cannot be tested. */
  #untested(group: Group<Sides<Stats>>, durationsNs: Sides<number>): DiffRow<Stats, Name> | undefined {
    const row = { ...group, tests: [], changes: [], score: 0 };
    const { before, after } = group.stats;
    if (this.#strategy.isEmpty(before)) return { ...row, class: 'new' };
    if (this.#strategy.isEmpty(after)) return { ...row, class: 'gone' };
    const shortage = this.#strategy.shortage(group.stats, durationsNs);
    return shortage === undefined ? undefined : { ...row, class: 'too few', shortage };
  }
}

/** A test and what it comes to among all the others. */
interface Judged<Name extends string> extends DiffTest<Name> {
  significant: boolean;
  /** It would be significant if events were independent. */
  unclear: boolean;
}

function adjustedTests<Name extends string>(
  tests: readonly (readonly DiffTest<Name>[])[],
  alpha: number,
): Judged<Name>[][] {
  const all = tests.flat();
  const adjustedP = adjusted(all.map(({ p }) => p));
  const adjustedIndependentP = adjusted(all.map(({ independentP }) => independentP));
  let at = 0;
  return tests.map((ofGroup) =>
    ofGroup.map((test) => {
      const p = adjustedP[at] ?? 1;
      const independentP = adjustedIndependentP[at++] ?? 1;
      const significant = test.relevant && p <= alpha;
      const unclear = test.relevant && !significant && independentP <= alpha;
      return { ...test, p, independentP, significant, unclear };
    }),
  );
}

function judged<Stats, Name extends string>(
  group: Group<Sides<Stats>>,
  tests: readonly Judged<Name>[],
): DiffRow<Stats, Name> {
  const bySize = [...tests].sort((a, b) => b.size - a.size);
  const significant = bySize.filter((test) => test.significant);
  const unclear = bySize.filter((test) => test.unclear);
  const changes = significant.length > 0 ? significant : unclear;
  return {
    ...group,
    class: significant.length > 0 ? 'changed' : unclear.length > 0 ? 'unclear' : 'same',
    tests,
    changes,
    score: changes[0]?.size ?? 0,
  };
}

/** What recordings lack that are too short for a comparison by intervals: `12 of 20 s`. */
export function missingTime({ before, after }: Sides<number>): string | undefined {
  if (commonIntervalNs(before, after) !== undefined) return undefined;
  return `${Math.floor(Math.min(before, after) / 1e9)} of ${LEAST_INTERVALS} s`;
}

/** In words: `slower, more failures`, `too few (3 of 8)`, `same`. */
export function verdictOf({ class: found, changes, shortage }: DiffRow<unknown, string>): string {
  if (found === 'changed') return changes.map(({ finding }) => finding).join(', ');
  return shortage === undefined ? found : `${found} (${shortage})`;
}
