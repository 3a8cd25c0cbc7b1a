/** What a snapshot has counted, as copies that can be compared with later ones. */
import { bucketMiddle } from '../model/histogram.js';
import type { NetworkSnapshot } from '../model/network.js';
import {
  OVERFLOW_COUNTERS,
  SELF_COUNTERS,
  SERIES_COUNTERS,
  tagsOf,
  type Attributes,
  type Counter,
} from './counters.js';

/** A bucket of LatencyHistogram, or two of them, and how many are in it. */
export type Bucket = readonly [index: number, count: number];

export interface Tally {
  readonly tags: Attributes;
  readonly counters: readonly Counter<never>[];
  /** In the order of `counters`. */
  readonly counts: readonly number[];
  readonly latency: Latency;
}

export interface Latency {
  /** In rising order. */
  readonly buckets: readonly Bucket[];
  readonly sumNs: number;
  /** Undefined where there is none. */
  readonly minNs: number | undefined;
  readonly maxNs: number | undefined;
}

const NO_LATENCY: Latency = { buckets: [], sumNs: 0, minNs: undefined, maxNs: undefined };

/** By what is the same in another snapshot. */
export type Tallies = ReadonlyMap<string, Tally>;

const keyOf = (kind: string, tags: Attributes): string => [kind, ...Object.values(tags)].join('\0');

export function talliesOf({ series, overflows, self }: NetworkSnapshot): Tallies {
  const tallies = new Map<string, Tally>();
  const add = <Of>(
    kind: string,
    tags: Attributes,
    counters: readonly Counter<Of>[],
    of: Of,
    latency = NO_LATENCY,
  ): void => {
    const counts = counters.map((counter) => counter.value(of));
    tallies.set(keyOf(kind, tags), { tags, counters, counts, latency });
  };
  for (const each of series) {
    const { latency, latencySumNs } = each;
    add('series', tagsOf(each.labels), SERIES_COUNTERS, each, {
      buckets: [...latency.buckets()],
      sumNs: latencySumNs,
      minNs: latency.min,
      maxNs: latency.max,
    });
  }
  for (const each of overflows)
    add('overflows', { source_namespace: each.sourceNamespace }, OVERFLOW_COUNTERS, each);
  add('self', {}, SELF_COUNTERS, self);
  return tallies;
}

/** What was counted since `before`. The least and the greatest of that are known by their buckets only. */
export function growthOf(now: Tallies, before: Tallies): Tallies {
  return new Map([...now].map(([key, tally]) => [key, growth(tally, before.get(key))]));
}

function growth(now: Tally, before: Tally | undefined): Tally {
  if (!before) return now;
  const buckets = newIn(now.latency.buckets, before.latency.buckets);
  const [first, last] = [buckets[0], buckets.at(-1)];
  return {
    ...now,
    counts: now.counts.map((count, at) => count - (before.counts[at] ?? 0)),
    latency: {
      buckets,
      sumNs: now.latency.sumNs - before.latency.sumNs,
      minNs: first && bucketMiddle(first[0]),
      maxNs: last && bucketMiddle(last[0]),
    },
  };
}

/** Both in rising order, and nothing of `before` is missing in `now`. */
function newIn(now: readonly Bucket[], before: readonly Bucket[]): Bucket[] {
  let at = 0;
  return now.flatMap(([index, count]): Bucket[] => {
    const known = before[at]?.[0] === index ? before[at++]![1] : 0;
    return count > known ? [[index, count - known]] : [];
  });
}
