import assert from 'node:assert/strict';
import { bucketIndex, bucketStart, HISTOGRAM_BUCKETS, LatencyHistogram } from '#tcpscope/model/histogram.js';
import { randomDuration, seededRandom } from './random.js';

/** The definition of the buckets, word by word as in bpf/include/histogram.h, on whole numbers of any size. */
function exactIndex(ns: bigint): number {
  if (ns >= 1n << 40n) return HISTOGRAM_BUCKETS - 1;
  if (ns < 128n) return Number(ns);
  const exponent = BigInt(ns.toString(2).length - 1);
  const shift = exponent - 7n;
  return Number((shift + 1n) * 128n + ((ns >> shift) - 128n));
}

function recorded(values: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

const QUANTILES = [0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1];

describe('LatencyHistogram', () => {
  const random = seededRandom(1);
  const values = Array.from({ length: 20_000 }, () => randomDuration(random, 40));

  it('has 4352 buckets that join without a gap', () => {
    assert.equal(HISTOGRAM_BUCKETS, 4352);
    for (let index = 0; index < HISTOGRAM_BUCKETS; index++) {
      const [start, end] = [bucketStart(index), bucketStart(index + 1)];
      assert.ok(start < end);
      assert.ok(end - start <= Math.max(1, start / 128));
      assert.equal(bucketIndex(start), index);
      assert.equal(bucketIndex(end - 1), index);
    }
    assert.equal(bucketStart(HISTOGRAM_BUCKETS), 2 ** 40);
  });

  it('agrees with arithmetic on big integers at and around every power of two', () => {
    for (let exponent = 0; exponent <= 41; exponent++) {
      for (const offset of [-2, -1, 0, 1, 2]) {
        const ns = 2 ** exponent + offset;
        if (ns >= 0) assert.equal(bucketIndex(ns), exactIndex(BigInt(ns)), String(ns));
      }
    }
  });

  it('agrees with arithmetic on big integers for any duration', () => {
    for (const ns of values) assert.equal(bucketIndex(ns), exactIndex(BigInt(ns)), String(ns));
  });

  it('puts impossible durations into the first bucket and endless ones into the last', () => {
    for (const ns of [-1, 0, 0.5, NaN]) assert.equal(bucketIndex(ns), 0);
    for (const ns of [2 ** 40, 2 ** 53, Infinity]) assert.equal(bucketIndex(ns), HISTOGRAM_BUCKETS - 1);
  });

  it('never falls with a rising duration', () => {
    const sorted = [...values].sort((a, b) => a - b).map(bucketIndex);
    assert.deepEqual(
      sorted,
      [...sorted].sort((a, b) => a - b),
    );
  });

  it('keeps quantiles within 1/128 of the exact ones', () => {
    for (const length of [1, 2, 3, 10, 99, 100, 101, 20_000]) {
      const part = values.slice(0, length);
      const sorted = [...part].sort((a, b) => a - b);
      const histogram = recorded(part);
      for (const q of QUANTILES) {
        const exact = sorted[Math.max(0, Math.ceil(q * length) - 1)] ?? NaN;
        const found = histogram.quantile(q) ?? NaN;
        assert.ok(Math.abs(found - exact) <= exact / 128, `q ${q} of ${length}: ${found} for ${exact}`);
      }
      assert.equal(histogram.min, sorted[0]);
      assert.equal(histogram.max, sorted.at(-1));
      assert.equal(histogram.quantile(1), sorted.at(-1));
    }
  });

  it('uses the nearest rank, whatever the rounding of q times the count', () => {
    const histogram = recorded(Array.from({ length: 100 }, (_, at) => at * 1_000_000));
    for (let percent = 1; percent <= 100; percent++) {
      const exact = (percent - 1) * 1_000_000;
      assert.ok(Math.abs((histogram.quantile(percent / 100) ?? NaN) - exact) <= exact / 128, String(percent));
    }
  });

  it('merges parts into the whole', () => {
    const whole = recorded(values);
    const merged = new LatencyHistogram();
    for (let at = 0; at < values.length; at += 777) merged.merge(recorded(values.slice(at, at + 777)));
    merged.merge(new LatencyHistogram());
    assert.deepEqual([...merged.buckets()], [...whole.buckets()]);
    assert.deepEqual([merged.count, merged.min, merged.max], [whole.count, whole.min, whole.max]);
    merged.merge(merged);
    assert.equal(merged.count, 2 * whole.count);
  });

  it('takes counts of the kernel', () => {
    const byBucket = new Map<number, number[]>();
    for (const ns of values) {
      const bucket = exactIndex(BigInt(ns));
      byBucket.set(bucket, [...(byBucket.get(bucket) ?? []), ns]);
    }
    const whole = recorded(values);
    const counted = new LatencyHistogram();
    counted.addBuckets(
      [...byBucket].map(([bucket, all]) => ({
        bucket,
        count: all.length,
        minNs: Math.min(...all),
        maxNs: Math.max(...all),
      })),
    );
    assert.deepEqual([...counted.buckets()], [...whole.buckets()]);
    assert.deepEqual([counted.min, counted.max], [whole.min, whole.max]);
    for (const q of [0, 0.5, 0.99, 1]) assert.equal(counted.quantile(q), whole.quantile(q));
  });

  it('takes one count of several', () => {
    const histogram = new LatencyHistogram();
    histogram.addBuckets([{ bucket: 5, count: 3, minNs: 5, maxNs: 5 }]);
    assert.deepEqual([histogram.min, histogram.max, histogram.count], [5, 5, 3]);
  });

  it('knows nothing when empty', () => {
    const histogram = new LatencyHistogram();
    assert.deepEqual(
      [histogram.min, histogram.max, histogram.quantile(0.5)],
      [undefined, undefined, undefined],
    );
  });
});
