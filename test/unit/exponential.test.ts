/** Exponential histograms: nothing is lost on the way from our buckets, and what is told is as near as the scale says. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  FINEST_SCALE,
  MOST_BUCKETS,
  toExponential,
  type ExponentialBuckets,
} from '#tcpscope/agent/exponential.js';
import { bucketMiddle, LatencyHistogram } from '#tcpscope/model/histogram.js';

/** Nanoseconds of every magnitude that a handshake may have. */
const duration = fc.double({ min: 0, max: 40, noNaN: true }).map((power) => Math.floor(2 ** power));
const durations = fc.array(duration, { minLength: 1, maxLength: 300 });

function histogramOf(values: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

const convert = (values: readonly number[]): ExponentialBuckets =>
  toExponential([...histogramOf(values).buckets()]);

const total = ({ zeroCount, counts }: ExponentialBuckets): number =>
  zeroCount + counts.reduce((sum, count) => sum + count, 0);

/** The limits of a bucket in seconds, as the data model of OpenTelemetry defines them. */
function limits({ scale, offset }: ExponentialBuckets, at: number): [above: number, upTo: number] {
  const base = 2 ** (2 ** -scale);
  return [base ** (offset + at), base ** (offset + at + 1)];
}

describe('exponential histograms', () => {
  it('have every value exactly once, in at most 160 buckets', () => {
    fc.assert(
      fc.property(durations, (values) => {
        const converted = convert(values);
        assert.equal(total(converted), values.length);
        assert.equal(converted.zeroCount, values.filter((value) => value === 0).length);
        assert.ok(converted.counts.length <= MOST_BUCKETS);
        if (converted.counts.length > 0) assert.ok(converted.counts[0]! > 0 && converted.counts.at(-1)! > 0);
      }),
    );
  });

  it('count each value between the limits of its bucket, by the formula of the data model', () => {
    fc.assert(
      fc.property(duration, (value) => {
        fc.pre(value > 0);
        const converted = convert([value]);
        const [above, upTo] = limits(converted, 0);
        const seconds = bucketMiddle([...histogramOf([value]).buckets()][0]![0]) / 1e9;
        // The limits are themselves rounded.
        assert.ok(above * (1 - 1e-12) < seconds && seconds <= upTo * (1 + 1e-12), `${seconds}`);
        assert.ok(Math.abs(seconds * 1e9 - value) <= value / 256);
      }),
    );
  });

  it('have the finest scale at which 160 buckets are enough', () => {
    fc.assert(
      fc.property(durations, (values) => {
        const { scale } = convert(values);
        assert.ok(scale <= FINEST_SCALE);
        if (scale === FINEST_SCALE) return;
        const seconds = values
          .filter((value) => value > 0)
          .map((value) => bucketMiddle([...histogramOf([value]).buckets()][0]![0]) / 1e9);
        const indexes = seconds.map((value) => Math.ceil(Math.log2(value) * 2 ** (scale + 1)) - 1);
        assert.ok(Math.max(...indexes) - Math.min(...indexes) + 1 > MOST_BUCKETS);
      }),
    );
  });

  it('tell quantiles of the raw values within the relative error of their scale', () => {
    fc.assert(
      fc.property(durations, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const converted = convert(values);
        const sorted = [...values].sort((a, b) => a - b);
        const rank = Math.max(1, Math.ceil(q * values.length - 1e-9));
        const truth = sorted[rank - 1]! / 1e9;
        let seen = converted.zeroCount;
        if (rank <= seen) {
          assert.equal(truth, 0);
          return;
        }
        const at = converted.counts.findIndex((count) => (seen += count) >= rank);
        const [above, upTo] = limits(converted, at);
        // 1/256 is by how much the middle of our own bucket may be off.
        assert.ok(
          truth >= above * (1 - 1 / 255) && truth <= upTo * (1 + 1 / 255),
          `${truth}: ${above}, ${upTo}`,
        );
      }),
    );
  });

  it('of two halves, merged at the coarser scale, are that of both', () => {
    fc.assert(
      fc.property(durations, durations, (some, others) => {
        const halves = [convert(some), convert(others)];
        const whole = convert([...some, ...others]);
        const merged = new Map<number, number>();
        for (const { scale, offset, counts } of halves)
          for (const [at, count] of counts.entries()) {
            const index = (offset + at) >> (scale - whole.scale);
            merged.set(index, (merged.get(index) ?? 0) + count);
          }
        const found = new Map(whole.counts.map((count, at): [number, number] => [whole.offset + at, count]));
        for (const index of new Set([...merged.keys(), ...found.keys()]))
          assert.equal(found.get(index) ?? 0, merged.get(index) ?? 0, `bucket ${index}`);
        assert.equal(whole.zeroCount, halves[0]!.zeroCount + halves[1]!.zeroCount);
      }),
    );
  });

  it('of nothing have no bucket', () => {
    assert.deepEqual(toExponential([]), { scale: FINEST_SCALE, zeroCount: 0, offset: 0, counts: [] });
    assert.deepEqual(toExponential([[0, 3]]), { scale: FINEST_SCALE, zeroCount: 3, offset: 0, counts: [] });
  });
});
