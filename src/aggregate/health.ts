/** What `health` shows: the host, its groups and the regions that it talks to, each judged by the thresholds. */
import type { NetworkItem } from '../model/network.js';
import {
  judge,
  STANDINGS,
  worstOf,
  type Judgement,
  type Standing,
  type Thresholds,
} from '../model/thresholds.js';
import { sanitize } from '../model/units.js';
import { Grouping, OTHER_GROUP, overflowNotes, type Folding, type GroupKey } from './grouping.js';
import { finishedOf } from './handshake-stats.js';
import { figuresOf, HealthSums, sideOf, type Side } from './health-sums.js';
import { SlidingWindow, WindowClock } from './health-window.js';
import { isWithoutRoom, type NetworkClocks } from './network-stats.js';
import { PendingAttempts } from './pending.js';
import { IntervalClock, RecentLatency } from './recent.js';
import type { Reducer } from './reducer.js';
import { StallClock } from './stall-clock.js';

/** Groups of a section: more than anybody has of namespaces, containers or regions. */
const GROUP_LIMIT = 1000;

/** One line of the report, of the time that the window covers. */
export interface HealthRow {
  /** What it is of: `host`, `namespace`, `region`. */
  readonly scope: string;
  /** Its name, safe to print; that of the host is `host`. */
  readonly key: string;
  readonly sums: HealthSums;
  readonly seconds: number;
  readonly judgements: readonly Judgement[];
  /** The worst of the judgements. */
  readonly standing: Standing;
  /** p95 of the latencies of each of the last intervals, both sides together unless asked for one. */
  recent(length: number, side?: Side): readonly (number | undefined)[];
}

/** The worst first, then those with the most attempts. */
export interface HealthSectionRows {
  readonly scope: string;
  readonly rows: readonly HealthRow[];
  readonly notes: readonly string[];
}

/** A threshold that is crossed, and by whom. */
export interface Crossing {
  readonly scope: string;
  readonly key: string;
  readonly judgement: Judgement;
}

export interface HealthReport {
  readonly seconds: number;
  readonly host: HealthRow;
  /** As `--by` asks for. */
  readonly groups: HealthSectionRows | undefined;
  /** Undefined if the configuration has none. */
  readonly regions: HealthSectionRows | undefined;
  /** The worst first. */
  readonly crossings: readonly Crossing[];
  readonly thresholds: Thresholds;
}

/** One group: its window, and the curves of its latencies. */
class HealthGroup {
  readonly window: SlidingWindow<NetworkItem, HealthSums>;
  readonly #all: RecentLatency;
  readonly #sides: Readonly<Record<Side, RecentLatency>>;

  constructor(clock: WindowClock, intervals: IntervalClock, clocks: NetworkClocks) {
    this.window = new SlidingWindow(clock, () => new HealthSums(clocks));
    this.#all = new RecentLatency(intervals);
    this.#sides = { internal: new RecentLatency(intervals), external: new RecentLatency(intervals) };
  }

  add(item: NetworkItem): void {
    this.window.add(item);
    const side = sideOf(item);
    record(this.#all, item);
    if (side !== 'unknown') record(this.#sides[side], item);
  }

  merge(folded: HealthGroup): void {
    this.window.merge(folded.window);
    this.#all.merge(folded.#all);
    this.#sides.internal.merge(folded.#sides.internal);
    this.#sides.external.merge(folded.#sides.external);
  }

  recent(length: number, side?: Side): readonly (number | undefined)[] {
    return (side ? this.#sides[side] : this.#all).series(length);
  }
}

/** True of attempts that have no outcome yet. */
function isHanging(item: NetworkItem): boolean {
  return 'startNs' in item && (item.type === 'pending-end' || item.outcome === 'pending');
}

function record(recent: RecentLatency, item: NetworkItem): void {
  if (item.type === 'sum') recent.recordBuckets(finishedOf(item.counts), item.counts.latencies);
  else if ('startNs' in item && 'endNs' in item && item.outcome !== 'pending')
    recent.record(item.outcome === 'ok' ? item.endNs - item.startNs : undefined);
}

const FOLDING: Folding<HealthGroup> = {
  weight: ({ window }) => {
    const { attempts, sent } = window.sum();
    return attempts + sent;
  },
  merge: (other, folded) => {
    other.merge(folded);
  },
};

/** Groups by one key. */
class HealthSection {
  readonly #grouping: Grouping<NetworkItem, HealthGroup>;

  constructor(
    private readonly key: GroupKey<NetworkItem>,
    newGroup: () => HealthGroup,
    limit: number,
  ) {
    this.#grouping = new Grouping([key], newGroup, limit, FOLDING);
  }

  add(item: NetworkItem): void {
    (isWithoutRoom(item) ? this.#grouping.other() : this.#grouping.of(item)).stats.add(item);
  }

  rows(seconds: number, thresholds: Thresholds): HealthSectionRows {
    const rows = this.#grouping
      .all()
      .filter(({ stats }) => !stats.window.isEmpty)
      .map(({ keys: [key = OTHER_GROUP], stats }) =>
        rowOf({ scope: this.key.name, key }, stats, seconds, thresholds),
      )
      .sort(byImportance);
    return { scope: this.key.name, rows, notes: overflowNotes(this.#grouping) };
  }
}

function rowOf(
  { scope, key }: { scope: string; key: string },
  group: HealthGroup,
  seconds: number,
  thresholds: Thresholds,
): HealthRow {
  const sums = group.window.sum();
  const judgements = figuresOf(sums, seconds).flatMap((figure) => judge(figure, thresholds) ?? []);
  return {
    scope,
    key: sanitize(key),
    sums,
    seconds,
    judgements,
    standing: worstOf(judgements.map(({ standing }) => standing)),
    recent: (length, side) => group.recent(length, side),
  };
}

/** How far a row is from its thresholds, or beyond them, if that is what it stands out by. */
function excessOf({ judgements, standing }: HealthRow): number {
  if (standing !== 'crossed' && standing !== 'near') return 0;
  return Math.max(...judgements.filter((each) => each.standing === standing).map(({ excess }) => excess));
}

/** Whether a row is fine or there is too little of it makes no difference to its place. */
const rankOf = ({ standing }: HealthRow): number =>
  Math.max(STANDINGS.indexOf('ok'), STANDINGS.indexOf(standing));

/** Numbers from high to low; Infinity is as high as Infinity. */
const descending = (a: number, b: number): number => (a === b ? 0 : b - a);

function byImportance(a: HealthRow, b: HealthRow): number {
  return (
    rankOf(b) - rankOf(a) ||
    descending(excessOf(a), excessOf(b)) ||
    b.sums.attempts - a.sums.attempts ||
    (a.key < b.key ? -1 : 1)
  );
}

function crossingsOf(rows: readonly HealthRow[]): Crossing[] {
  return rows
    .flatMap(({ scope, key, judgements }) => judgements.map((judgement) => ({ scope, key, judgement })))
    .filter(({ judgement }) => judgement.standing === 'crossed')
    .sort((a, b) => descending(a.judgement.excess, b.judgement.excess));
}

export interface HealthOptions {
  /** How far back figures reach; Infinity: to the start. */
  windowNs: number;
  /** Undefined: only the host. */
  by: GroupKey<NetworkItem> | undefined;
  /** Undefined where no region is configured. */
  byRegion: GroupKey<NetworkItem> | undefined;
  thresholds: Thresholds;
  groupLimit?: number;
}

export class Health implements Reducer<NetworkItem> {
  readonly #clock: WindowClock;
  readonly #intervals = new IntervalClock();
  readonly #host: HealthGroup;
  readonly #groups: HealthSection | undefined;
  readonly #regions: HealthSection | undefined;
  readonly #thresholds: Thresholds;
  /** Those that have not begun. */
  readonly #stallClocks: StallClock[] = [];

  constructor({ windowNs, by, byRegion, thresholds, groupLimit = GROUP_LIMIT }: HealthOptions) {
    this.#clock = new WindowClock(windowNs);
    // Each counts all items, so each has to know for itself which stalls it has counted.
    const newClocks = (): NetworkClocks => {
      const stalls = new StallClock();
      this.#stallClocks.push(stalls);
      return { pending: new PendingAttempts(), stalls };
    };
    const section = (key: GroupKey<NetworkItem> | undefined): HealthSection | undefined => {
      const clocks = newClocks();
      return (
        key && new HealthSection(key, () => new HealthGroup(this.#clock, this.#intervals, clocks), groupLimit)
      );
    };
    this.#host = new HealthGroup(this.#clock, this.#intervals, newClocks());
    this.#groups = section(by);
    this.#regions = section(byRegion);
    this.#thresholds = thresholds;
  }

  add(item: NetworkItem): void {
    if (isHanging(item)) return;
    this.#host.add(item);
    this.#groups?.add(item);
    // Listeners belong to no region.
    if (item.type !== 'accept-overflows') this.#regions?.add(item);
  }

  tick(nowNs: number): void {
    for (const stalls of this.#stallClocks.splice(0)) stalls.begin(nowNs);
    this.#clock.tick(nowNs);
    this.#intervals.tick(nowNs);
  }

  /** Length of the last interval; 0 before there is one. */
  get intervalSeconds(): number {
    return this.#intervals.seconds;
  }

  /** The state now. */
  report(nowNs: number): HealthReport {
    const seconds = this.#clock.coveredNs(nowNs) / 1e9;
    const host = rowOf({ scope: 'host', key: 'host' }, this.#host, seconds, this.#thresholds);
    const groups = this.#groups?.rows(seconds, this.#thresholds);
    const regions = this.#regions?.rows(seconds, this.#thresholds);
    const rows = [host, ...(groups?.rows ?? []), ...(regions?.rows ?? [])];
    return { seconds, host, groups, regions, crossings: crossingsOf(rows), thresholds: this.#thresholds };
  }
}
