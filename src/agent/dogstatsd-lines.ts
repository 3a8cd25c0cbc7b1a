/** Lines of DogStatsD: what was measured and has not been sent. */
import { bucketStart } from '../model/histogram.js';
import type { Attributes } from './counters.js';
import type { Distribution, Measurement, Metrics } from './dogstatsd-metrics.js';

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

function distributionLines({ tags, distributions, buckets }: Measurement, sent: Sent): Line[] {
  const texts = textsOf(tags);
  return distributions.flatMap((distribution, at) => {
    const before = sent.buckets[at]!;
    return buckets.flatMap(([pair, count]) => {
      const grown = count - (before.get(pair) ?? 0);
      if (grown === 0) return [];
      const taken = (): void => void before.set(pair, count);
      return [{ message: distributionMessage(distribution, pair, grown), tags: texts, taken }];
    });
  });
}

function distributionMessage({ name, unit }: Distribution, pair: number, count: number): string {
  const value = valueText(middleOfPair(pair), unit);
  return count === 1 ? `${name}:${value}|d` : `${name}:${value}|d|@${rateText(count)}`;
}

/** In nanoseconds, of two buckets that are counted as one. */
function middleOfPair(pair: number): number {
  return Math.floor((bucketStart(2 * pair) + bucketStart(2 * pair + 2) - 1) / 2);
}

/** Never with an exponent. */
function valueText(ns: number, unit: 's' | 'ms'): string {
  return (ns / UNIT_NS[unit]).toFixed(DECIMALS[unit]).replace(/\.?0+$/, '');
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
