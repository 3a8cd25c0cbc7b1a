/** What a snapshot has counted, as copies that can be compared with later ones. */
import { bucketMiddle, LatencyHistogram } from '../model/histogram.js';
import type { NetworkSnapshot } from '../model/network.js';
import {
  OVERFLOW_COUNTERS,
  SELF_COUNTERS,
  SERIES_COUNTERS,
  tagsOf,
  type Attributes,
  type Counter,
} from './counters.js';

/** A bucket of LatencyHistogram, or two of them as one, and how many are in it. */
export type Bucket = readonly [index: number, count: number];

export interface Tally {
  readonly tags: Attributes;
  readonly counters: readonly Counter<never>[];
  /** In the order of `counters`. */
  readonly counts: readonly number[];
  readonly latency: LatencyHistogram;
}

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
    latency = new LatencyHistogram(),
  ): void => {
    const counts = counters.map((counter) => counter.value(of));
    tallies.set(keyOf(kind, tags), { tags, counters, counts, latency });
  };
  for (const each of series) add('series', tagsOf(each.labels), SERIES_COUNTERS, each, each.latency.copy());
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
  return {
    ...now,
    counts: now.counts.map((count, at) => count - (before.counts[at] ?? 0)),
    latency: newIn(now.latency, before.latency),
  };
}

/** Nothing of `before` is missing in `now`, and the buckets of both are in rising order. */
function newIn(now: LatencyHistogram, before: LatencyHistogram): LatencyHistogram {
  const grown = new LatencyHistogram();
  const known = before.buckets();
  let next = known.next();
  for (const [bucket, count] of now.buckets()) {
    let old = 0;
    if (!next.done && next.value[0] === bucket) {
      old = next.value[1];
      next = known.next();
    }
    const middle = bucketMiddle(bucket);
    if (count > old) grown.addBuckets([{ bucket, count: count - old, minNs: middle, maxNs: middle }]);
  }
  return grown;
}
