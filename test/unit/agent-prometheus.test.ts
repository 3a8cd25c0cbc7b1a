/** The text for Prometheus: what each number becomes. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { cumulative, FAMILIES } from '#tcpscope/agent/prometheus-families.js';
import { PrometheusText } from '#tcpscope/agent/prometheus.js';
import { LatencyHistogram } from '#tcpscope/model/histogram.js';
import { HANDSHAKE_EDGES_S, type NetworkSnapshot } from '#tcpscope/model/network.js';
import { KINDS } from '#tcpscope/model/retransmit.js';
import { parseMetrics, sumOf, type Metric } from '../kernel/agent-tool.js';
import { makeSeries, makeSnapshot } from './agent-snapshot.js';

const OUTPUTS = { prometheus: { sent: 19, failed: 23, dropped: 29, bytes: 31, lastError: undefined } };
const DURATION = 'tcpscope_tcp_handshake_duration_seconds';

const textOf = (snapshot: NetworkSnapshot): Promise<string> =>
  new PrometheusText().of({ snapshot, outputs: OUTPUTS, processStartS: 1234.5 });

async function metricsOf(snapshot: NetworkSnapshot): Promise<Metric[]> {
  return parseMetrics(await textOf(snapshot));
}

describe('the buckets of Prometheus', () => {
  it('have each duration at or below its edge, but for what is within half a bucket of the kernel of it', () => {
    const duration = fc.oneof(
      fc.integer({ min: 0, max: 20e9 }),
      fc.integer({ min: 0, max: 1e6 }),
      fc
        .tuple(fc.constantFrom(...HANDSHAKE_EDGES_S), fc.integer({ min: -1e6, max: 1e6 }))
        .map(([edge, off]) => Math.max(0, Math.round(edge * 1e9 * (1 + off / 1e8)))),
    );
    fc.assert(
      fc.property(fc.array(duration, { maxLength: 200 }), (durations) => {
        const histogram = new LatencyHistogram();
        for (const ns of durations) histogram.record(ns);
        const counts = cumulative(histogram);
        const within = (factor: number, edge: number): number =>
          durations.filter((ns) => ns <= edge * 1e9 * factor).length;
        for (const [at, edge] of HANDSHAKE_EDGES_S.entries()) {
          const count = counts[at]!;
          assert.ok(
            count >= within(1 - 1 / 128, edge) && count <= within(1 + 1 / 128, edge),
            `${edge}: ${count}`,
          );
        }
        assert.equal(counts.length, HANDSHAKE_EDGES_S.length + 1);
        assert.equal(counts.at(-1), durations.length);
        assert.deepEqual(
          counts,
          counts.toSorted((a, b) => a - b),
        );
      }),
    );
  });

  it('do not tell a lost SYN from another one than they should', () => {
    const histogram = new LatencyHistogram();
    for (const ms of [899, 1_003, 2_004, 3_005, 7_050, 15_000]) histogram.record(ms * 1e6);
    const counts = cumulative(histogram);
    const upTo = (edge: number): number => counts[HANDSHAKE_EDGES_S.indexOf(edge)]!;
    assert.deepEqual([0.9, 1.1, 1.9, 2.1, 2.9, 3.1, 7.1].map(upTo), [1, 2, 2, 3, 3, 4, 5]);
    assert.equal(counts.at(-1), 6);
  });
});

describe('the text for Prometheus', () => {
  const series = makeSeries({
    latenciesNs: [400e3, 400e3, 1_003e6],
    outcomes: { ok: 3, refused: 5, timeout: 7, 'no-port': 11 },
    rest: {
      lostSyn: 13,
      pending: 17,
      retransmits: KINDS.map((_, at) => at + 1),
      segmentsSent: 1_000,
      spurious: 19,
      stallNs: 2.5e9,
    },
  });

  it('has each number under its name', async () => {
    const metrics = await metricsOf(
      makeSnapshot([series], [{ sourceNamespace: 'shop', acceptOverflows: 37 }]),
    );
    const expected: [name: string, value: number, labels?: Record<string, string>][] = [
      [`${DURATION}_count`, 3],
      [`${DURATION}_bucket`, 0, { le: '0.0003' }],
      [`${DURATION}_bucket`, 2, { le: '0.0005' }],
      [`${DURATION}_bucket`, 2, { le: '1' }],
      [`${DURATION}_bucket`, 3, { le: '1.1' }],
      [`${DURATION}_bucket`, 3, { le: '+Inf' }],
      ['tcpscope_tcp_connection_attempts_total', 26],
      ['tcpscope_tcp_connection_failures_total', 5, { error_type: 'refused' }],
      ['tcpscope_tcp_connection_failures_total', 7, { error_type: 'timeout' }],
      ['tcpscope_tcp_connection_failures_total', 11, { error_type: 'no-port' }],
      ['tcpscope_tcp_connection_failures_total', 23],
      ['tcpscope_tcp_connection_syn_lost_total', 13],
      ['tcpscope_tcp_connections_pending', 17],
      ['tcpscope_tcp_retransmits_total', 1, { type: 'syn' }],
      ['tcpscope_tcp_retransmits_total', 2, { type: 'synack' }],
      ['tcpscope_tcp_retransmits_total', 6, { type: 'tlp' }],
      ['tcpscope_tcp_retransmits_spurious_total', 19],
      ['tcpscope_tcp_segments_sent_total', 1_000],
      ['tcpscope_tcp_stall_seconds_total', 2.5],
      ['tcpscope_tcp_accept_queue_overflows_total', 37, { source_namespace: 'shop' }],
      ['tcpscope_build_info', 1, { version: '1.2.3' }],
      ['tcpscope_events_lost_total', 2],
      ['tcpscope_attempts_untracked_total', 3],
      ['tcpscope_program_runs_missed_total', 5],
      ['tcpscope_series_overflow_total', 7],
      ['tcpscope_series', 1],
      ['tcpscope_kernel_seconds_total', 17],
      ['process_cpu_seconds_total', 11],
      ['process_resident_memory_bytes', 13],
      ['process_start_time_seconds', 1234.5],
      ['tcpscope_output_sent_total', 19, { output: 'prometheus' }],
      ['tcpscope_output_failed_total', 23],
      ['tcpscope_output_dropped_total', 29],
      ['tcpscope_output_bytes_total', 31],
    ];
    for (const [name, value, labels] of expected) assert.equal(sumOf(metrics, name, labels), value, name);
    const sum = sumOf(metrics, `${DURATION}_sum`);
    assert.ok(Math.abs(sum / 1.0038 - 1) < 1 / 256, String(sum));
    const names = new Set(
      metrics.map(({ name }) => name.replace(/^(tcpscope_tcp_handshake\w+)_(bucket|sum|count)$/, '$1')),
    );
    assert.deepEqual(
      [...names].sort(),
      [DURATION, ...new Set(expected.map(([name]) => name))]
        .filter((name) => !/_(count|bucket)$/.test(name))
        .sort(),
    );
  });

  it('has the labels of the series, and remote only where it is asked for', async () => {
    const [one] = (await metricsOf(makeSnapshot([series]))).filter(
      ({ name }) => name === `${DURATION}_count`,
    );
    assert.deepEqual(one?.labels, {
      external: 'no',
      source_namespace: 'shop',
      source_region: 'here',
      region: 'there',
      role: 'database',
    });
    const remote = makeSeries({ labels: { remote: '10.1.2.3' } });
    const [other] = (await metricsOf(makeSnapshot([remote]))).filter(
      ({ name }) => name === `${DURATION}_count`,
    );
    assert.equal(other?.labels['remote'], '10.1.2.3');
  });

  it('cannot be broken by a name', async () => {
    const evil = 'a"}\\ 1\n# HELP x \u001b[31m';
    const text = await textOf(makeSnapshot([makeSeries({ labels: { sourceNamespace: evil } })]));
    assert.ok(!text.includes('\u001b'));
    const broken = text
      .split('\n')
      .filter((line) => line !== '' && !/^(# (HELP|TYPE) |\w+(\{.*\})? \S+$)/.test(line));
    assert.deepEqual(broken, []);
    assert.equal(text.match(/^# HELP x/gm), null);
  });

  it('has of a new snapshot what is in it, and nothing of the one before', async () => {
    const text = new PrometheusText();
    const measured = { outputs: OUTPUTS, processStartS: 1 };
    const many = makeSnapshot([series, makeSeries({ labels: { region: 'other' } })]);
    await text.of({ ...measured, snapshot: many });
    const metrics = parseMetrics(await text.of({ ...measured, snapshot: makeSnapshot([series]) }));
    assert.equal(metrics.filter(({ name }) => name === `${DURATION}_count`).length, 1);
  });

  it('says of each family what it means, in one sentence', () => {
    for (const { name, help, type } of FAMILIES) {
      assert.match(help, /^[A-Z][^\n]*\.$/, name);
      assert.equal(type === 'counter', name.endsWith('_total'), name);
    }
  });
});
