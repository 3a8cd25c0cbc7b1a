/**
 * Log-linear buckets (HDR style) for nanoseconds: 128 linear sub-buckets in every power of two, so that a bucket
 * is never wider than 1/128 of its values. bpf/include/histogram.h counts in the same buckets; both merge by addition.
 */
const SUB_BUCKET_BITS = 7;
/** Buckets in one power of two. */
export const SUB_BUCKETS = 1 << SUB_BUCKET_BITS;
const VALUE_BITS = 40;
/** Number of buckets; the last one also takes everything from 2^40 ns (18 minutes) up. */
export const HISTOGRAM_BUCKETS = (VALUE_BITS - SUB_BUCKET_BITS + 1) * SUB_BUCKETS;

const LIMIT = 2 ** VALUE_BITS;

/** Bucket of a duration. Numbers, not 32-bit operations: values reach 2^40. */
export function bucketIndex(ns: number): number {
  if (!(ns >= 1)) return 0;
  if (ns >= LIMIT) return HISTOGRAM_BUCKETS - 1;
  if (ns < SUB_BUCKETS) return Math.floor(ns);
  const high = Math.floor(ns / 2 ** 32);
  const exponent = high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(ns);
  const shift = exponent - SUB_BUCKET_BITS;
  return shift * SUB_BUCKETS + Math.floor(ns / 2 ** shift);
}

/** Smallest value of a bucket; for HISTOGRAM_BUCKETS the end of the last one. */
export function bucketStart(index: number): number {
  if (index < SUB_BUCKETS) return index;
  const shift = Math.floor(index / SUB_BUCKETS) - 1;
  return (index - shift * SUB_BUCKETS) * 2 ** shift;
}

/** What a duration in a bucket is taken for. */
export function bucketMiddle(index: number): number {
  return Math.floor((bucketStart(index) + bucketStart(index + 1) - 1) / 2);
}

/** How many durations are in a bucket, and the least and the greatest of them. */
export interface BucketCount {
  bucket: number;
  count: number;
  minNs: number;
  maxNs: number;
}

/**
 * Counts of durations in log-linear buckets. Only buckets that were hit take memory, as two sorted lists: a hundred
 * thousand groups with a few values each stay small.
 */
export class LatencyHistogram {
  #indexes: number[] = [];
  #counts: number[] = [];
  #count = 0;
  #min = Infinity;
  #max = -Infinity;

  get count(): number {
    return this.#count;
  }

  /** Smallest duration: exact if it was recorded, else the start of the lowest bucket. Undefined when empty. */
  get min(): number | undefined {
    return this.#count === 0 ? undefined : this.#min;
  }

  /** Largest duration: exact if it was recorded, else the last value of the highest bucket. Undefined when empty. */
  get max(): number | undefined {
    return this.#count === 0 ? undefined : this.#max;
  }

  record(ns: number): void {
    const value = ns > 0 ? ns : 0;
    this.#add(bucketIndex(value), 1);
    this.#widen(value, value);
  }

  merge(other: LatencyHistogram): void {
    if (other.#count === 0) return;
    // A snapshot of the length: adding to existing buckets never grows the list, so merging with itself is sound.
    for (const [position, index] of other.#indexes.entries()) this.#add(index, other.#counts[position] ?? 0);
    this.#widen(other.#min, other.#max);
  }

  /** Adds what was counted in the same buckets elsewhere. */
  addBuckets(counts: readonly BucketCount[]): void {
    for (const { bucket, count, minNs, maxNs } of counts) {
      this.#add(bucket, count);
      this.#widen(minNs, maxNs);
    }
  }

  /**
   * The value that a share `q` (0 to 1) of all durations does not exceed: nearest rank, the middle of its bucket, so at
   * most 1/256 off. Undefined when empty.
   */
  quantile(q: number): number | undefined {
    if (this.#count === 0) return undefined;
    // The tiny term takes back the rounding of products such as 0.07 * 100 = 7.000000000000001.
    const rank = Math.max(1, Math.ceil(q * this.#count - 1e-9));
    if (rank >= this.#count) return this.#max;
    let seen = 0;
    let at = 0;
    while (at < this.#counts.length && (seen += this.#counts[at] ?? 0) < rank) at++;
    const index = this.#indexes[at] ?? 0;
    return Math.min(Math.max(bucketMiddle(index), this.#min), this.#max);
  }

  /** Sum of all durations, each taken as the middle of its bucket: at most 1/256 off. */
  get sum(): number {
    return this.#indexes.reduce((sum, index, at) => sum + bucketMiddle(index) * (this.#counts[at] ?? 0), 0);
  }

  /** The same counts, which do not change with this one's. */
  copy(): LatencyHistogram {
    const copy = new LatencyHistogram();
    copy.merge(this);
    return copy;
  }

  /** Buckets that were hit, `[index, count]`, in rising order. */
  *buckets(): Generator<[index: number, count: number]> {
    for (const [position, index] of this.#indexes.entries()) yield [index, this.#counts[position] ?? 0];
  }

  #widen(min: number, max: number): void {
    if (min < this.#min) this.#min = min;
    if (max > this.#max) this.#max = max;
  }

  #add(index: number, count: number): void {
    this.#count += count;
    const indexes = this.#indexes;
    let low = 0;
    let high = indexes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((indexes[middle] ?? 0) < index) low = middle + 1;
      else high = middle;
    }
    if (indexes[low] === index) {
      this.#counts[low] = (this.#counts[low] ?? 0) + count;
    } else {
      indexes.splice(low, 0, index);
      this.#counts.splice(low, 0, count);
    }
  }
}
