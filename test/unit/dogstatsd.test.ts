/** What an Agent of Datadog gets, read by the published grammar: names, tags, exact counts, true quantiles. */
import assert from 'node:assert/strict';
import { rateText } from '#tcpscope/agent/dogstatsd-lines.js';
import { createDogStatsdOutput } from '#tcpscope/agent/dogstatsd.js';
import type { Output } from '#tcpscope/agent/output.js';
import type { DogStatsdConfig } from '#tcpscope/model/agent-config.js';
import { parseDatagram, quantileOf, weightOf, type Sample } from './dogstatsd-parser.js';
import { CountedNetwork, FakeSurroundings } from './network-snapshots.js';
import { randomDuration, seededRandom } from './random.js';
import { UdpReceiver } from './udp-receiver.js';

const LATENCY = 'network_monitor.tcp_region_connection_latency_ms';
const RETRANSMITS = 'network_monitor.tcp_region_retransmit_count';
const MEDIAN = 'network_monitor.tcp_median_connection_latency_ms';
/** Half of 1/64, the width of a bucket. */
const PRECISION = 1 / 127;

const grouped = <T>(items: readonly T[], key: (item: T) => string): Record<string, T[]> => {
  const groups: Record<string, T[]> = {};
  for (const item of items) (groups[key(item)] ??= []).push(item);
  return groups;
};

describe('sample rates', () => {
  it('give each count from 1 to 100,000 back, cut or rounded, in doubles and in floats', () => {
    for (let count = 1; count <= 100_000; count++) {
      const text = rateText(count);
      const weight = 1 / Number(text);
      const single = Math.fround(1 / Math.fround(Number(text)));
      for (const each of [weight, single]) {
        assert.equal(Math.trunc(each), count, text);
        assert.equal(Math.round(each), count, text);
      }
      // Who does not cut is hardly wrong.
      assert.ok(weight - count <= 2e-6 * count);
      assert.match(text, /^0\.\d+$/);
    }
  });

  it('give counts of millions back', () => {
    for (const count of [350_000, 999_983, 1_000_000, 12_345_678, 100_000_000]) {
      const weight = 1 / Number(rateText(count));
      assert.deepEqual([Math.trunc(weight), Math.round(weight)], [count, count]);
    }
  });
});

describe('what an Agent of Datadog gets', () => {
  let receiver: UdpReceiver;
  let output: Output | undefined;
  let network: CountedNetwork;
  let seconds = 0;

  beforeEach(async () => {
    receiver = await UdpReceiver.open();
    network = new CountedNetwork();
  });
  afterEach(async () => {
    await output?.close();
    await receiver.close();
  });

  async function open(config: Partial<DogStatsdConfig> = {}): Promise<void> {
    const address = { host: '127.0.0.1', port: receiver.port };
    output = await createDogStatsdOutput(
      { address, preset: 'network-monitor', tags: [], ...config },
      new FakeSurroundings(),
    );
  }

  async function publish(): Promise<Sample[]> {
    await output!.publish(network.snapshot((seconds += 10)));
    assert.equal(output!.telemetry().lastError, undefined);
    return (await receiver.take()).flatMap(parseDatagram);
  }

  it('has exactly the three metrics and the three tags of the preset', async () => {
    await open();
    network.of().connected(1_450_000, 2_070_000, 1_940_000).resent('rto', 5).resent('syn', 7);
    network.of().resent('synack', 11).resent('tlp', 13).resent('fast', 17).resent('loss', 19);
    const samples = await publish();
    const tags = { external: 'no', source_namespace: 'shop', region: 'eu-north' };
    for (const sample of samples) assert.deepEqual(sample.tags, tags);
    const byName = grouped(samples, ({ name, type }) => `${name} ${type}`);
    assert.deepEqual(Object.keys(byName).sort(), [`${MEDIAN} d`, `${LATENCY} d`, `${RETRANSMITS} c`].sort());
    // Segments of data: neither SYNs nor SYN-ACKs.
    assert.deepEqual(
      byName[`${RETRANSMITS} c`]!.map(({ value }) => value),
      [54],
    );
    for (const name of [LATENCY, MEDIAN]) {
      const values = byName[`${name} d`]!.map(({ value }) => value).sort((a, b) => a - b);
      for (const [at, ms] of [1.45, 1.94, 2.07].entries())
        assert.ok(Math.abs(values[at]! - ms) <= ms * PRECISION, `${values[at]}: ${ms}`);
    }
  });

  it('has one series for all that differ only in other labels', async () => {
    await open({ tags: ['env:production', 'team:net'] });
    network.of({ role: 'database' }).connected(1e6, 1e6).resent('fast', 3);
    network.of({ role: 'cache' }).connected(1e6, 5e6).resent('fast', 5);
    network.of({ external: 'yes', region: 'none' }).connected(40e6);
    network.of({ sourceNamespace: 'pay' }).connected(2e6);
    const samples = await publish();
    const bySeries = grouped(
      samples.filter(({ name }) => name === LATENCY),
      ({ tags }) => JSON.stringify(tags),
    );
    const extra = { env: 'production', team: 'net' };
    const weights = Object.entries(bySeries).map(([tags, each]): [unknown, number] => [
      JSON.parse(tags),
      weightOf(each),
    ]);
    assert.deepEqual(weights, [
      [{ ...extra, external: 'no', source_namespace: 'shop', region: 'eu-north' }, 4],
      [{ ...extra, external: 'yes', source_namespace: 'shop', region: 'none' }, 1],
      [{ ...extra, external: 'no', source_namespace: 'pay', region: 'eu-north' }, 1],
    ]);
    assert.deepEqual(
      samples.filter(({ name }) => name === RETRANSMITS).map(({ value }) => value),
      [8],
    );
  });

  it('has true quantiles and exact counts of thousands of handshakes, over several intervals', async () => {
    await open();
    const random = seededRandom(31);
    const counted = network.of();
    const samples: Sample[] = [];
    for (let round = 0; round < 5; round++) {
      const values = Array.from({ length: 1_009 }, () => 20_000 + randomDuration(random, 32));
      counted.connected(...values, ...Array.from({ length: 499 }, () => 400_000));
      samples.push(...(await publish()).filter(({ name }) => name === LATENCY));
    }
    assert.equal(weightOf(samples), 5 * 1_508);
    const sorted = [...counted.values].sort((a, b) => a - b);
    for (const q of [0.01, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999]) {
      const truth = sorted[Math.ceil(q * sorted.length - 1e-9) - 1]! / 1e6;
      const found = quantileOf(samples, q);
      assert.ok(Math.abs(found - truth) <= truth * PRECISION, `p${100 * q}: ${found}, ${truth}`);
    }
  });

  it('has few lines however many handshakes there are', async () => {
    await open();
    const random = seededRandom(37);
    // 350,000 handshakes of ten seconds, from 50 µs to 1 s.
    for (let i = 0; i < 350; i++)
      network.of().connected(...Array.from({ length: 1_000 }, () => Math.floor(50_000 * 20_000 ** random())));
    const samples = (await publish()).filter(({ name }) => name === LATENCY);
    assert.equal(weightOf(samples), 350_000);
    // 64 in each of 15 powers of two.
    assert.ok(samples.length <= 64 * 15, `${samples.length} lines`);
  });

  it('has all measurements by all labels in the preset tcpscope', async () => {
    await open({ preset: 'tcpscope' });
    const counted = network.of().connected(1e6, 1e6, 3e6).ended('refused', 5).ended('no-port', 7);
    counted.resent('syn', 11).resent('rto', 13);
    Object.assign(counted, {
      lostSyn: 17,
      pending: 19,
      segmentsSent: 23,
      spurious: 29,
      stallNs: 31_500_000_000,
    });
    network.overflows.set('shop', 37);
    network.self = { ...network.self, lostEvents: 41, cpuNs: 1_250_000_000 };
    const samples = await publish();
    const labels = {
      external: 'no',
      source_namespace: 'shop',
      source_region: 'eu-west',
      region: 'eu-north',
      role: 'database',
    };
    const counts = samples
      .filter(({ type }) => type !== 'd')
      .map(({ name, type, value, tags }) => ({ [`${name} ${type} ${value}`]: tags }));
    assert.deepEqual(counts, [
      { 'tcpscope.tcp.connections.pending g 19': labels },
      { 'tcpscope.series.count g 1': {} },
      { 'tcpscope.process.memory.usage g 50000000': {} },
      { 'tcpscope.tcp.connection.attempts c 15': labels },
      { 'tcpscope.tcp.connection.failures c 5': { ...labels, error_type: 'refused' } },
      { 'tcpscope.tcp.connection.failures c 7': { ...labels, error_type: 'no-port' } },
      { 'tcpscope.tcp.connection.syn_lost c 17': labels },
      { 'tcpscope.tcp.retransmits c 11': { ...labels, type: 'syn' } },
      { 'tcpscope.tcp.retransmits c 13': { ...labels, type: 'rto' } },
      { 'tcpscope.tcp.spurious_retransmits c 29': labels },
      { 'tcpscope.tcp.segments.sent c 23': labels },
      { 'tcpscope.tcp.stall.time c 31.5': labels },
      { 'tcpscope.tcp.accept_queue.overflows c 37': { source_namespace: 'shop' } },
      { 'tcpscope.events.lost c 41': {} },
      { 'tcpscope.process.cpu.time c 1.25': {} },
    ]);
    const handshakes = samples.filter(({ type }) => type === 'd');
    assert.ok(handshakes.every(({ name }) => name === 'tcpscope.tcp.handshake.duration'));
    assert.equal(weightOf(handshakes), 3);
    const median = quantileOf(handshakes, 0.5);
    assert.ok(Math.abs(median - 0.001) <= 0.001 * PRECISION, `${median} s`);
  });

  it('has what is new only', async () => {
    await open({ preset: 'tcpscope' });
    network.of().connected(1e6).ended('timeout', 3);
    await publish();
    network.of().connected(1e6, 2e6).ended('timeout', 4);
    const second = (await publish()).filter(({ type }) => type !== 'g');
    assert.deepEqual(
      second.filter(({ type }) => type === 'c').map(({ name, value }) => `${name} ${value}`),
      ['tcpscope.tcp.connection.attempts 6', 'tcpscope.tcp.connection.failures 4'],
    );
    assert.equal(weightOf(second.filter(({ type }) => type === 'd')), 2);
    assert.deepEqual(
      (await publish()).filter(({ type }) => type !== 'g'),
      [],
    );
  });

  it('of an output that comes in later has what is counted from then on', async () => {
    network.of().connected(1e6, 1e6).resent('rto', 5);
    const address = { host: '127.0.0.1', port: receiver.port };
    output = await createDogStatsdOutput({ address, preset: 'network-monitor', tags: [] });
    output.begin(network.snapshot(1));
    network.of().connected(1e6).resent('rto', 2);
    const samples = await publish();
    assert.equal(weightOf(samples.filter(({ name }) => name === LATENCY)), 1);
    assert.deepEqual(
      samples.filter(({ name }) => name === RETRANSMITS).map(({ value }) => value),
      [2],
    );
  });

  it('has no tag that breaks a line', async () => {
    await open({ tags: ['odd:a,b|c#d\ne'] });
    network.of({ sourceNamespace: 'x|y,z#1\n2@3', region: 'a:b' }).connected(1e6);
    const [sample] = await publish();
    assert.deepEqual(sample!.tags, {
      odd: 'a_b_c_d_e',
      external: 'no',
      source_namespace: 'x_y_z_1_2_3',
      region: 'a:b',
    });
  });

  it('has no tag and no metric of the environment of the process', async () => {
    const before = { ...process.env };
    Object.assign(process.env, {
      DD_TAGS: 'from:environment',
      DD_ENV: 'x',
      DD_ENTITY_ID: 'y',
      DD_AGENT_HOST: '192.0.2.1',
      DD_DOGSTATSD_URL: 'udp://192.0.2.1:1',
    });
    try {
      await open();
      network.of().connected(1e6);
      const samples = await publish();
      assert.deepEqual(Object.keys(grouped(samples, ({ name }) => name)), [LATENCY, MEDIAN]);
      assert.deepEqual(Object.keys(samples[0]!.tags), ['external', 'source_namespace', 'region']);
    } finally {
      process.env = before;
    }
  });

  it('has packets that an Ethernet takes whole, of whole lines, as few as that allows', async () => {
    await open({ preset: 'tcpscope' });
    for (let i = 0; i < 50; i++) network.of({ sourceNamespace: `namespace-${i}` }).connected(1e6, 2e6, 9e6);
    await output!.publish(network.snapshot(1));
    const packets = await receiver.take();
    const sizes = packets.map((packet) => Buffer.byteLength(packet));
    assert.ok(Math.max(...sizes) <= 1_432, sizes.join());
    assert.ok(
      sizes.slice(0, -1).every((size) => size > 1_432 - 200),
      sizes.join(),
    );
    const samples = packets.flatMap(parseDatagram);
    assert.equal(weightOf(samples.filter(({ type }) => type === 'd')), 150);
    const { sent, bytes, failed, dropped } = output!.telemetry();
    assert.deepEqual([sent, bytes], [packets.length, sizes.reduce((sum, size) => sum + size, 0)]);
    assert.deepEqual([failed, dropped], [0, 0]);
  });

  it('comes by IPv6 and by name too', async () => {
    network.of().connected(1e6);
    for (const host of ['::1', 'localhost']) {
      const there = await UdpReceiver.open(0, host === '::1' ? '::1' : '127.0.0.1');
      await open({ address: { host, port: there.port } });
      await output!.publish(network.snapshot(1));
      assert.equal((await there.take()).flatMap(parseDatagram).length, 2, host);
      await output!.close();
      await there.close();
    }
  });
});
