/** The agent with real traffic: a collector and an Agent of Datadog get every handshake once, from a process that is root no more. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectUnixDatagram } from '#tcpscope/kernel/unix-datagram.js';
import { connect, listen, Network, SERVER } from '#tcpscope/lab/network.js';
import { onHost } from '../features.js';
import { UnixReceiver } from '../native/unix_receiver.js';
import { parseDatagram, quantileOf, weightOf } from '../unit/dogstatsd-parser.js';
import { attributesOf, OtlpReceiver, valueOf } from '../unit/otlp-receiver.js';
import { AgentProcess } from './agent-tool.js';

const PORT = { open: 9000, closed: 9001 };
const DELAY_US = 20_000;
const LATENCY = 'network_monitor.tcp_region_connection_latency_ms';

// What outputs do with numbers is no matter of kernels.
onHost.describe('what the agent publishes', () => {
  let network: Network;
  let collector: OtlpReceiver;
  let datadog: UnixReceiver;
  let folder: string;

  before(async () => {
    network = await Network.create({ ipv6: false, delayUs: DELAY_US });
    await listen(network.server, SERVER.ipv4, PORT.open);
    folder = mkdtempSync(path.join(tmpdir(), 'agent-outputs-'));
    chmodSync(folder, 0o755);
    collector = await OtlpReceiver.open();
    datadog = await UnixReceiver.open(path.join(folder, 'dsd.socket'));
    chmodSync(path.join(folder, 'dsd.socket'), 0o722);
  });
  after(async () => {
    await datadog.close();
    await collector.close();
    await network.destroy();
    rmSync(folder, { recursive: true });
  });

  it('has every handshake once, in both', async () => {
    const outputs = [
      'prometheus: {listen: "127.0.0.1:0"}',
      'interval: 1s',
      `otlp: {endpoint: "${collector.endpoint}", temporality: delta}`,
      `dogstatsd: {address: "unix://${folder}/dsd.socket", preset: network-monitor}`,
    ];
    const regions = `regions: {west: [${SERVER.ipv4}/32]}\ninternal: [10.0.0.0/8]\n`;
    const agent = await AgentProcess.start(`${regions}agent: {${outputs.join(', ')}}\n`, [
      '--netns',
      network.client.name,
    ]);
    const status = readFileSync(`/proc/${agent.tool.process.pid}/status`, 'utf8');
    assert.match(status, /^Uid:\s+65534\s+65534/m);
    await connect(network.client, SERVER.ipv4, PORT.open, { count: 23 });
    await connect(network.client, SERVER.ipv4, PORT.closed, { count: 7 });
    const { code, stderr } = await agent.stop();
    assert.equal(code, 0, stderr);

    const metrics = collector.metrics.flat();
    const sum = (name: string): number =>
      metrics
        .filter((metric) => metric.name === name)
        .flatMap((metric) => metric.sum!.dataPoints)
        .reduce((total, point) => total + valueOf(point), 0);
    assert.equal(sum('tcpscope.tcp.connection.attempts'), 30);
    assert.equal(sum('system.network.tcp.connection.failures'), 7);
    const points = metrics
      .filter(({ name }) => name === 'system.network.tcp.handshake.duration')
      .flatMap(({ exponentialHistogram }) => exponentialHistogram!.dataPoints);
    assert.equal(
      points.reduce((total, { count }) => total + Number(count), 0),
      23,
    );
    for (const { min, attributes } of points) {
      // Twice 20 ms, less what the middle of a bucket may be off.
      assert.ok(min! >= 0.04 * (1 - 1 / 256) && min! < 0.2, `${min} s`);
      assert.equal(attributesOf(attributes)['tcpscope.region'], 'west');
    }

    connectUnixDatagram(`${folder}/dsd.socket`).send(Buffer.from('end'));
    const samples = (await datadog.until('end')).flatMap(parseDatagram);
    const handshakes = samples.filter(({ name }) => name === LATENCY);
    assert.equal(weightOf(handshakes), 23);
    assert.ok(quantileOf(handshakes, 0) >= 40 * (1 - 1 / 127));
    for (const { tags } of handshakes) {
      assert.deepEqual(Object.keys(tags), ['external', 'source_namespace', 'region']);
      assert.deepEqual([tags['external'], tags['region']], ['no', 'west']);
    }
  });
});
