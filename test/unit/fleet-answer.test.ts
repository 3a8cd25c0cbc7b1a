/** Answers of the API, as documented (prometheus.io/docs/prometheus/latest/querying/api/) and as they should not be. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isRefusal, parseAnswer } from '#tcpscope/fleet/answer.js';

const vector = (...result: unknown[]): object => ({
  status: 'success',
  data: { resultType: 'vector', result },
});
const parse = (body: unknown): ReturnType<typeof parseAnswer> => parseAnswer(JSON.stringify(body));

describe('an answer of the API', () => {
  it('has series with their labels', () => {
    const answer = parse(vector({ metric: { region: 'eu', le: '+Inf' }, value: [1767628800.5, '0.0042'] }));
    assert.deepEqual(answer, {
      series: [{ labels: { region: 'eu', le: '+Inf' }, points: [[1_767_628_800.5, 0.0042]] }],
      samples: undefined,
      warnings: [],
    });
  });

  it('may be of a range', () => {
    const values = [
      [1, 'NaN'],
      [2, '+Inf'],
      [3, '-Inf'],
      [4, '1e-4'],
    ];
    const answer = parse({
      status: 'success',
      data: { resultType: 'matrix', result: [{ metric: {}, values }] },
    });
    assert.ok(!isRefusal(answer));
    assert.deepEqual(
      answer.series[0]?.points.map(([, value]) => value),
      [NaN, Infinity, -Infinity, 0.0001],
    );
  });

  it('says how many samples were read, if the server does', () => {
    const data = {
      resultType: 'vector',
      result: [],
      stats: { timings: {}, samples: { totalQueryableSamples: 262_144, peakSamples: 9 } },
    };
    const answer = parse({ status: 'success', data, warnings: ['a store is down', 7] });
    assert.deepEqual(answer, { series: [], samples: 262_144, warnings: ['a store is down'] });
  });

  it('may be a refusal', () => {
    const answer = parse({ status: 'error', errorType: 'bad_data', error: 'parse error' });
    assert.deepEqual(answer, { errorType: 'bad_data', error: 'parse error' });
    assert.ok(isRefusal(answer));
  });

  it('is refused where it is none', () => {
    for (const body of [
      ...[null, 7, [], {}, { status: 'success' }, { status: 'success', data: [] }],
      { status: 'success', data: { resultType: 'scalar', result: [1, '2'] } },
      { status: 'success', data: { resultType: 'vector', result: {} } },
      ...[vector(7), vector({ metric: [] }), vector({ metric: {} }), vector({ metric: {}, value: 7 })],
      ...[vector({ metric: {}, value: ['1', '2'] }), vector({ metric: {}, value: [1, 2] })],
    ])
      assert.throws(() => parse(body), SyntaxError, JSON.stringify(body));
    assert.throws(() => parseAnswer('<html>'), SyntaxError);
  });

  it('fails in no other way, whatever the text is', () => {
    const anything = fc.oneof(
      fc.json(),
      fc.string(),
      fc
        .record({ status: fc.constant('success'), data: fc.dictionary(fc.string(), fc.jsonValue()) })
        .map((body) => JSON.stringify(body)),
      fc.jsonValue().map((value) => JSON.stringify(vector(value))),
    );
    fc.assert(
      fc.property(anything, (text) => {
        try {
          parseAnswer(text);
        } catch (error) {
          assert.ok(error instanceof SyntaxError);
        }
      }),
    );
  });
});
