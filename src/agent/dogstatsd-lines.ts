/** Lines of DogStatsD: what was measured and has not been sent. */
import { bucketStart } from '../model/histogram.js';
import type { Attributes } from './counters.js';
import type { Distribution, Measurement, Metrics } from './dogstatsd-metrics.js';
import type { Bucket } from './tallies.js';

export interface Line {
  /** Without its tags. */
  readonly message: string;
  readonly tags: readonly string[];
  /** To call when it was sent. */
  readonly taken: () => void;
}

/** What was sent of one combination of tags. */
interface Sent {
  readonly counts: number[];
  /** In the order of `distributions`: by bucket. */
  readonly buckets: Map<number, number>[];
}

const DECIMALS = { s: 9, ms: 6 } as const;
const UNIT_NS = { s: 1e9, ms: 1e6 } as const;
/** Of one line, which has to fit into a packet. */
const MOST_VALUES = 64;

/** Remembers what was sent. */
export class Ledger {
  #sent = new Map<string, Sent>();

  /** What is new; what is 0 is left out. A combination that is no more is forgotten. */
  lines({ measurements, gauges }: Metrics): Line[] {
    this.#sent = new Map(
      [...measurements].map(([key, { counts, distributions }]) => [
        key,
        this.#sent.get(key) ?? { counts: counts.map(() => 0), buckets: distributions.map(() => new Map()) },
      ]),
    );
    return [
      ...gauges.map(({ name, tags, value }) => ({
        message: `${name}:${value}|g`,
        tags: textsOf(tags),
        taken: () => undefined,
      })),
      ...[...measurements].flatMap(([key, measurement]) => {
        const sent = this.#sent.get(key)!;
        return [...counterLines(measurement, sent), ...distributionLines(measurement, sent)];
      }),
    ];
  }
}

function counterLines({ tags, counters, counts }: Measurement, sent: Sent): Line[] {
  return counters.flatMap((counter, at) => {
    const now = counts[at]!;
    const grown = now - sent.counts[at]!;
    if (grown === 0) return [];
    const taken = (): void => {
      sent.counts[at] = now;
    };
    const text = Number.isInteger(grown) ? String(grown) : grown.toFixed(DECIMALS.s);
    return [{ message: `${counter.name}:${text}|c`, tags: textsOf({ ...tags, ...counter.tags }), taken }];
  });
}

/** Values that stand for as many each share a line, as version 1.1 of the protocol has it: their tags are the longest part of it. */
function distributionLines({ tags, distributions, buckets }: Measurement, sent: Sent): Line[] {
  const texts = textsOf(tags);
  return distributions.flatMap((distribution, at) => {
    const before = sent.buckets[at]!;
    const byGrowth = new Map<number, Bucket[]>();
    for (const bucket of buckets) {
      const [pair, count] = bucket;
      const grown = count - (before.get(pair) ?? 0);
      if (grown === 0) continue;
      const same = byGrowth.get(grown);
      if (same) same.push(bucket);
      else byGrowth.set(grown, [bucket]);
    }
    return [...byGrowth].flatMap(([grown, same]) =>
      chunksOf(same, MOST_VALUES).map((chunk) => ({
        message: distributionMessage(distribution, chunk, grown),
        tags: texts,
        taken: (): void => {
          for (const [pair, count] of chunk) before.set(pair, count);
        },
      })),
    );
  });
}

function distributionMessage(
  { name, unit }: Distribution,
  buckets: readonly Bucket[],
  count: number,
): string {
  const values = buckets.map(([pair]) => valueText(pair, unit)).join(':');
  return count === 1 ? `${name}:${values}|d` : `${name}:${values}|d|@${rateText(count)}`;
}

function chunksOf<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  );
}

/** By pair of buckets: there are few, and each comes again and again. */
const VALUE_TEXTS: Record<'s' | 'ms', string[]> = { s: [], ms: [] };

/** The middle of two buckets that are counted as one. Never with an exponent. */
function valueText(pair: number, unit: 's' | 'ms'): string {
  return (VALUE_TEXTS[unit][pair] ??= (middleOfPair(pair) / UNIT_NS[unit])
    .toFixed(DECIMALS[unit])
    .replace(/\.?0+$/, ''));
}

/** In nanoseconds, of five digits. */
function middleOfPair(pair: number): number {
  const middle = (bucketStart(2 * pair) + bucketStart(2 * pair + 2) - 1) / 2;
  return Number(Math.floor(middle).toPrecision(5));
}

/**
 * The sample rate of a value that stands for `count`. Receivers weigh by 1/rate; the Agent of Datadog cuts that to a whole number. So 1/rate is
 * greater than `count`, by so little that rounding gives `count` too.
 */
export function rateText(count: number): string {
  const weight = count + Math.min(count * 1e-6, 0.25);
  return (1 / weight).toFixed(9 + String(count).length);
}

const textsOf = (tags: Attributes): string[] =>
  Object.entries(tags).map(([name, value]) => `${name}:${value}`);
