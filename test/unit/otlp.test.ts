/** What a collector gets, decoded by the official schema: names, units, times, exact counts. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createOtlpOutput, endpointOf } from '#tcpscope/agent/otlp.js';
import type { Output } from '#tcpscope/agent/output.js';
import { thisHost, type ServiceResource } from '#tcpscope/agent/resource.js';
import type { OtlpConfig } from '#tcpscope/model/agent-config.js';
import { Failure } from '#tcpscope/model/failure.js';
import { CountedNetwork, START_MS } from './network-snapshots.js';
import { attributesOf, OtlpReceiver, valueOf, type Metric, type Point } from './otlp-receiver.js';

const RESOURCE: ServiceResource = { version: '1.2.3', instanceId: 'an-id', hostName: 'web-7' };
const LABEL_ATTRIBUTES = {
  'tcpscope.external': 'no',
  'tcpscope.source_namespace': 'shop',
  'tcpscope.source_region': 'eu-west',
  'tcpscope.region': 'eu-north',
  'tcpscope.role': 'database',
};

const nanos = (seconds: number): string => String(BigInt(START_MS + seconds * 1e3) * 1_000_000n);

function named(metrics: readonly Metric[], name: string): Metric {
  const found = metrics.filter((metric) => metric.name === name);
  assert.equal(found.length, 1, `${name}: ${found.length} times`);
  return found[0]!;
}

/** The points of a sum by their own attributes, which are not those of labels. */
function sumOf(metrics: readonly Metric[], name: string): Record<string, number> {
  const { dataPoints } = named(metrics, name).sum!;
  return Object.fromEntries(dataPoints.map((point): [string, number] => [ownOf(point), valueOf(point)]));
}

const ownOf = ({ attributes }: Point): string =>
  Object.entries(attributesOf(attributes))
    .filter(([key]) => !(key in LABEL_ATTRIBUTES))
    .map(([, value]) => value)
    .join();

describe('what a collector gets', () => {
  let receiver: OtlpReceiver;
  let output: Output | undefined;

  beforeEach(async () => {
    receiver = await OtlpReceiver.open();
  });
  afterEach(async () => {
    await output?.close();
    await receiver.close();
  });

  async function open(config: Partial<OtlpConfig> = {}): Promise<Output> {
    const defaults: OtlpConfig = {
      endpoint: receiver.endpoint,
      temporality: 'cumulative',
      headers: {},
      ca: undefined,
      timeoutMs: 5_000,
    };
    output = await createOtlpOutput({ ...defaults, ...config }, RESOURCE);
    return output;
  }

  function everything(): CountedNetwork {
    const network = new CountedNetwork();
    const counted = network.of().connected(1_000_003, 2_000_003, 3_000_017);
    counted.ended('refused', 5).ended('timeout', 7).ended('unreachable', 11);
    counted.ended('reset', 13).ended('abandoned', 17).ended('no-port', 19);
    counted.resent('syn', 23).resent('synack', 29).resent('fast', 31);
    counted.resent('rto', 37).resent('loss', 41).resent('tlp', 43);
    Object.assign(counted, {
      lostSyn: 47,
      pending: 53,
      segmentsSent: 5_900_000_059,
      spurious: 61,
      stallNs: 67_500_000_000,
    });
    network.overflows.set('shop', 71);
    network.self = {
      ...network.self,
      lostEvents: 73,
      untrackedAttempts: 79,
      missedRuns: 83,
      overflowedItems: 89,
      series: 97,
      cpuNs: 1_500_000_000,
      rssBytes: 50_000_001,
      kernelNs: 250_000_000,
    };
    return network;
  }

  it('has each name of the conventions once, with its unit, and exact counts', async () => {
    await (await open()).publish(everything().snapshot(60));
    const [metrics] = receiver.metrics;
    assert.ok(metrics);
    const sums = Object.fromEntries(
      metrics.filter(({ sum }) => sum).map(({ name, unit }) => [`${name} ${unit}`, sumOf(metrics, name)]),
    );
    assert.deepEqual(sums, {
      'tcpscope.tcp.connection.attempts {connection}': { '': 75 },
      'system.network.tcp.connection.failures {connection}': {
        refused: 5,
        timed_out: 7,
        host_unreachable: 11,
        reset: 13,
        abandoned: 17,
        no_port: 19,
      },
      'tcpscope.tcp.connection.syn_lost {connection}': { '': 47 },
      'system.network.tcp.retransmits {segment}': {
        syn: 23,
        syn_ack: 29,
        fast: 31,
        timeout: 37,
        loss: 41,
        tail_loss_probe: 43,
      },
      'tcpscope.tcp.spurious_retransmits {segment}': { '': 61 },
      'tcpscope.tcp.segments.sent {segment}': { '': 5_900_000_059 },
      'tcpscope.tcp.stall.time s': { '': 67.5 },
      'tcpscope.tcp.accept_queue.overflows {connection}': { '': 71 },
      'tcpscope.events.lost {event}': { '': 73 },
      'tcpscope.attempts.untracked {connection}': { '': 79 },
      'tcpscope.program_runs.missed {run}': { '': 83 },
      'tcpscope.series.overflows {item}': { '': 89 },
      'tcpscope.kernel.time s': { '': 0.25 },
      'process.cpu.time s': { '': 1.5 },
    });
    for (const { sum } of metrics) if (sum) assert.equal(sum.isMonotonic, true);
    const gauges = metrics
      .filter(({ gauge }) => gauge)
      .map(({ name, unit, gauge }) => `${name} ${unit} ${valueOf(gauge!.dataPoints[0]!)}`);
    assert.deepEqual(gauges, [
      'tcpscope.tcp.connections.pending {connection} 53',
      'tcpscope.series.count {series} 97',
      'process.memory.usage By 50000001',
    ]);
    assert.ok(metrics.every(({ description }) => description.endsWith('.')));
  });

  it('has keys of attributes as documented', async () => {
    await (await open()).publish(everything().snapshot(60));
    const [metrics = []] = receiver.metrics;
    const keys = (name: string): Record<string, string> =>
      attributesOf(named(metrics, name).sum!.dataPoints[0]!.attributes);
    assert.deepEqual(keys('tcpscope.tcp.connection.attempts'), LABEL_ATTRIBUTES);
    assert.deepEqual(keys('system.network.tcp.connection.failures'), {
      ...LABEL_ATTRIBUTES,
      'error.type': 'refused',
    });
    assert.deepEqual(keys('system.network.tcp.retransmits'), {
      ...LABEL_ATTRIBUTES,
      'network.tcp.retransmit.type': 'syn',
    });
    assert.deepEqual(keys('tcpscope.tcp.accept_queue.overflows'), { 'tcpscope.source_namespace': 'shop' });
    assert.deepEqual(keys('tcpscope.events.lost'), {});
    const handshakes = named(metrics, 'system.network.tcp.handshake.duration');
    assert.deepEqual(attributesOf(handshakes.exponentialHistogram!.dataPoints[0]!.attributes), {
      ...LABEL_ATTRIBUTES,
      'network.tcp.handshake.role': 'client',
    });
  });

  it('has a remote address where that is a label', async () => {
    const network = new CountedNetwork();
    network.of({ remote: '10.3.0.12' }).connected(1e6);
    await (await open()).publish(network.snapshot(1));
    const { dataPoints } = named(receiver.metrics[0]!, 'tcpscope.tcp.connection.attempts').sum!;
    assert.equal(attributesOf(dataPoints[0]!.attributes)['tcpscope.remote'], '10.3.0.12');
  });

  it('says whom it is from', async () => {
    await (await open()).publish(everything().snapshot(60));
    const [taken] = receiver.taken;
    const { resource, scopeMetrics } = taken!.resourceMetrics[0]!;
    assert.deepEqual(attributesOf(resource.attributes), {
      'service.name': 'tcpscope',
      'service.version': '1.2.3',
      'service.instance.id': 'an-id',
      'host.name': 'web-7',
      'os.type': 'linux',
    });
    assert.deepEqual(
      scopeMetrics.map(({ scope }) => `${scope.name} ${scope.version}`),
      ['tcpscope 1.2.3'],
    );
  });

  it('names the host by its name, and the instance by the same after a restart', () => {
    const first = thisHost('1');
    assert.match(first.instanceId, /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.deepEqual(thisHost('1'), first);
  });

  it('has buckets in which the raw values are, least, greatest and sum', async () => {
    const network = new CountedNetwork();
    const values = [40_961, 52_003, 52_007, 1_000_003, 1_003_000_019, 7_010_000_003, 0];
    network.of().connected(...values);
    await (await open()).publish(network.snapshot(60));
    const metric = named(receiver.metrics[0]!, 'system.network.tcp.handshake.duration');
    assert.equal(metric.unit, 's');
    const [point] = metric.exponentialHistogram!.dataPoints;
    assert.ok(point);
    assert.equal(point.count, '7');
    assert.equal(point.zeroCount, '1');
    assert.equal(point.min, 0);
    assert.equal(point.max, 7.010000003);
    const sum = values.reduce((total, ns) => total + ns, 0) / 1e9;
    assert.ok(Math.abs(point.sum - sum) < sum / 256, `${point.sum} of ${sum}`);
    assert.equal(point.negative.bucketCounts.length, 0);
    const { offset, bucketCounts } = point.positive;
    assert.ok(bucketCounts.length <= 160);
    const base = 2 ** (2 ** -point.scale);
    const expected = bucketCounts.map(() => 0);
    for (const ns of values.filter((value) => value > 0)) {
      const at = bucketCounts.findIndex((_, each) => ns / 1e9 <= base ** (offset + each + 1));
      expected[at]!++;
    }
    assert.deepEqual(bucketCounts.map(Number), expected);
  });

  it('cumulative: all since the start of the agent, each time', async () => {
    const network = new CountedNetwork();
    const output = await open();
    network.of().connected(1e6, 2e6);
    await output.publish(network.snapshot(10));
    network.of().connected(3e6).ended('refused', 3);
    await output.publish(network.snapshot(20));
    const counts = receiver.metrics.map((metrics) => {
      const { sum } = named(metrics, 'tcpscope.tcp.connection.attempts');
      const { exponentialHistogram } = named(metrics, 'system.network.tcp.handshake.duration');
      for (const each of [sum!, exponentialHistogram!]) {
        assert.equal(each.aggregationTemporality, 'AGGREGATION_TEMPORALITY_CUMULATIVE');
        assert.equal(each.dataPoints[0]!.startTimeUnixNano, nanos(0));
      }
      const [point] = exponentialHistogram!.dataPoints;
      return [valueOf(sum!.dataPoints[0]!), point!.count, point!.timeUnixNano];
    });
    assert.deepEqual(counts, [
      [2, '2', nanos(10)],
      [6, '3', nanos(20)],
    ]);
  });

  it('delta: what is new, without a gap or an overlap of time', async () => {
    const network = new CountedNetwork();
    const output = await open({ temporality: 'delta' });
    network.of().connected(1e6, 2e6, 4e6);
    await output.publish(network.snapshot(10));
    network.of().connected(2e6, 3e6).ended('refused', 3);
    network.of({ region: 'us-east' }).connected(9e6);
    await output.publish(network.snapshot(20));
    await output.publish(network.snapshot(30));
    const [first, second, third] = receiver.metrics;
    for (const metrics of [first!, second!])
      for (const { sum, exponentialHistogram } of metrics)
        for (const each of [sum, exponentialHistogram])
          if (each) assert.equal(each.aggregationTemporality, 'AGGREGATION_TEMPORALITY_DELTA');
    const periods = (metrics: Metric[]): Set<string> =>
      new Set(
        metrics
          .flatMap(({ sum, exponentialHistogram }) => [
            ...(sum?.dataPoints ?? []),
            ...(exponentialHistogram?.dataPoints ?? []),
          ])
          .map((point) => `${point.startTimeUnixNano} ${point.timeUnixNano}`),
      );
    assert.deepEqual([...periods(first!)], [`${nanos(0)} ${nanos(10)}`]);
    assert.deepEqual([...periods(second!)], [`${nanos(10)} ${nanos(20)}`]);
    const histograms = named(second!, 'system.network.tcp.handshake.duration').exponentialHistogram!;
    assert.deepEqual(
      histograms.dataPoints.map(({ count, attributes }) => [
        attributesOf(attributes)['tcpscope.region'],
        count,
      ]),
      [
        ['eu-north', '2'],
        ['us-east', '1'],
      ],
    );
    const [point] = histograms.dataPoints;
    for (const [found, raw] of [
      [point!.min!, 0.002],
      [point!.max!, 0.003],
      [point!.sum, 0.005],
    ] as const)
      assert.ok(Math.abs(found - raw) <= raw / 256, `${found}: ${raw}`);
    // Nothing has changed: no sum, no histogram, only gauges.
    assert.deepEqual(
      third!.filter(({ gauge }) => !gauge),
      [],
    );
  });

  it('delta of an output that comes in later: what is counted from then on', async () => {
    const network = new CountedNetwork();
    network.of().connected(1e6, 2e6);
    const config = { endpoint: receiver.endpoint, headers: {}, ca: undefined, timeoutMs: 5_000 };
    output = await createOtlpOutput({ ...config, temporality: 'delta' }, RESOURCE);
    output.begin(network.snapshot(5));
    network.of().connected(3e6);
    await output.publish(network.snapshot(10));
    const [point] = named(receiver.metrics[0]!, 'tcpscope.tcp.connection.attempts').sum!.dataPoints;
    assert.equal(valueOf(point!), 1);
    assert.equal(point!.startTimeUnixNano, nanos(5));
  });

  it('is compressed, with the headers that were asked for, at the path of the specification', async () => {
    const output = await open({ headers: { 'x-team': 'network', authorization: 'Bearer secret' } });
    await output.publish(everything().snapshot(60));
    const { url, headers, bytes } = receiver.received[0]!;
    assert.equal(url, '/v1/metrics');
    assert.equal(headers['content-type'], 'application/x-protobuf');
    assert.equal(headers['content-encoding'], 'gzip');
    assert.equal(headers['user-agent'], 'tcpscope/1.2.3');
    assert.equal(headers['x-team'], 'network');
    assert.equal(headers.authorization, 'Bearer secret');
    assert.deepEqual(output.telemetry(), { sent: 1, failed: 0, dropped: 0, bytes, lastError: undefined });
  });

  it('goes to the path of an endpoint that has one', () => {
    const cases: [string, string][] = [
      ['http://collector:4318', 'http://collector:4318/v1/metrics'],
      ['http://collector:4318/', 'http://collector:4318/v1/metrics'],
      ['https://host/api/otlp', 'https://host/api/otlp'],
      ['https://host/otlp/v1/metrics?x=1', 'https://host/otlp/v1/metrics?x=1'],
    ];
    for (const [endpoint, expected] of cases) assert.equal(endpointOf(endpoint).href, expected);
  });

  it('comes by TLS only to whom it may trust', async () => {
    const folder = fs.mkdtempSync(path.join(tmpdir(), 'otlp-'));
    const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
    const words = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
    ];
    const subject = ['-subj', '/CN=collector', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync('openssl', [...words, ...subject, '-keyout', key, '-out', cert], { stdio: 'pipe' });
    const trusted = await OtlpReceiver.open(0, {
      key: fs.readFileSync(key, 'utf8'),
      cert: fs.readFileSync(cert, 'utf8'),
    });
    const stranger = await open({ endpoint: trusted.endpoint });
    await stranger.publish(everything().snapshot(60));
    assert.match(stranger.telemetry().lastError ?? '', /self-signed certificate/);
    const friend = await open({ endpoint: trusted.endpoint, ca: cert });
    fs.rmSync(folder, { recursive: true }); // it was read once
    await friend.publish(everything().snapshot(60));
    assert.deepEqual([friend.telemetry().sent, trusted.taken.length], [1, 1]);
    await trusted.close();
  });

  it('needs the file of certificates that the configuration names', async () => {
    const missing = path.join(fs.mkdtempSync(path.join(tmpdir(), 'otlp-')), 'none.pem');
    await assert.rejects(open({ ca: missing }), (error: Failure) => {
      assert.ok(error instanceof Failure);
      assert.match(error.what, /none\.pem/);
      assert.match(error.why, /ENOENT/);
      return true;
    });
    fs.rmdirSync(path.dirname(missing));
  });
});
