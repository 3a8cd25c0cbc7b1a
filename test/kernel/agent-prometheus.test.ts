/** What Prometheus makes of agents, against the raw handshakes, the traffic and the kernel's counters. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { setImmediate } from 'node:timers/promises';
import { OUTCOMES } from '#tcpscope/model/handshake.js';
import { HANDSHAKE_EDGES_S } from '#tcpscope/model/network.js';
import { connect, listen, Network, SERVER, type ConnectOptions } from '#tcpscope/lab/network.js';
import { onHost } from '../features.js';
import { prometheusPrograms, PrometheusServer } from '../host/prometheus.js';
import { AgentProcess, sumOf } from './agent-tool.js';
import { Tool, type Row } from './tool.js';

const PORT = { open: 9000, closed: 9001, deaf: 9002, losesSyn: 9003 };
const SENT = 'tcpscope_tcp_segments_sent_total';
const HISTOGRAM = 'tcpscope_tcp_handshake_duration_seconds';

const configOf = (region: string): string =>
  `regions: {far: [${SERVER.ipv4}/32]}\nagent: {region: ${region}, source: namespace, prometheus: {listen: "127.0.0.1:0"}}\n`;

const scraping = (agents: readonly AgentProcess[]): string =>
  [
    'global: {scrape_interval: 200ms, scrape_timeout: 200ms}',
    'scrape_configs:',
    '- job_name: tcpscope',
    `  static_configs: [{targets: [${agents.map(({ url }) => `"${new URL(url).host}"`).join(', ')}]}]`,
  ].join('\n');

/** The nearest rank. */
function quantile(values: readonly number[], q: number): number {
  const ordered = values.toSorted((a, b) => a - b);
  return ordered[Math.max(0, Math.ceil(q * ordered.length) - 1)]!;
}

/** Limits of the bucket that a duration is in. */
function bucketOf(seconds: number): [above: number, upTo: number] {
  const at = HANDSHAKE_EDGES_S.findIndex((edge) => seconds <= edge);
  return [HANDSHAKE_EDGES_S[at - 1] ?? 0, HANDSHAKE_EDGES_S[at] ?? Infinity];
}

async function numberOf(server: PrometheusServer, expression: string): Promise<number> {
  const [sample] = await server.query(expression);
  return Number(sample?.value[1] ?? NaN);
}

/** Prometheus scrapes when it likes: waits until it has this. Mocha's time-out bounds the wait. */
async function scraped(server: PrometheusServer, expression: string, wanted: number): Promise<void> {
  while ((await numberOf(server, expression)) !== wanted) await setImmediate();
}

// What Prometheus does with the numbers is no matter of kernels.
onHost.describe('Prometheus with two agents', function () {
  this.timeout(120_000);
  let near: Network;
  let far: Network;
  before(async () => {
    near = await Network.create({
      name: 'near',
      delayUs: 3_000,
      ipv6: false,
      drop: [`first-syn:${PORT.losesSyn}`],
    });
    far = await Network.create({
      name: 'far',
      delayUs: 21_000,
      ipv6: false,
      drop: [`all-syn:${PORT.deaf}`],
    });
    for (const network of [near, far]) {
      await listen(network.server, SERVER.ipv4, PORT.open);
      await listen(network.server, SERVER.ipv4, PORT.losesSyn);
      await listen(network.client, '127.0.0.1', PORT.open);
    }
  });
  after(async () => {
    await near.destroy();
    await far.destroy();
  });

  /** Of what is done while both agents run, and Prometheus scrapes them. */
  async function watched(
    work: (server: PrometheusServer, agents: [AgentProcess, AgentProcess]) => Promise<void>,
  ): Promise<void> {
    const agents: [AgentProcess, AgentProcess] = [
      await AgentProcess.start(configOf('one'), ['--netns', near.client.name]),
      await AgentProcess.start(configOf('two'), ['--netns', far.client.name]),
    ];
    const server = await PrometheusServer.start(scraping(agents));
    try {
      await work(server, agents);
    } finally {
      await server.stop();
      for (const agent of agents) await agent.stop();
    }
  }

  it('has the quantiles of all raw handshakes together, by host, region and side, and counts exactly what ended', () =>
    watched(async (server, agents) => {
      const opensBefore = await activeOpens();
      const rows = await rawRows();
      await scraped(server, 'sum(tcpscope_tcp_connection_attempts_total)', ATTEMPTS);
      const opens = await activeOpens();
      assert.equal(opens[0] - opensBefore[0] + opens[1] - opensBefore[1], ATTEMPTS);
      for (const [at, host] of ['one', 'two'].entries()) {
        const query = `sum(tcpscope_tcp_connection_attempts_total{source_region="${host}"})`;
        assert.equal(await numberOf(server, query), opens[at]! - opensBefore[at]!);
      }
      await assertLatencies(server, rows);
      await assertPlaces(server);
      await assertFailures(server, rows);
      assertSound(await (await fetch(`${agents[0].url}/metrics`)).text());
    }));

  it('sees a reset when an agent was killed', () =>
    watched(async (server, agents) => {
      const total = `${HISTOGRAM}_count{source_region="one",region="far"}`;
      await connect(near.client, SERVER.ipv4, PORT.open, { count: 13 });
      await scraped(server, total, 13);
      const { host } = new URL(agents[0].url);
      await agents[0].stop('SIGKILL');
      agents[0] = await AgentProcess.start(configOf('one').replace('127.0.0.1:0', host), [
        ...['--netns', near.client.name],
      ]);
      await connect(near.client, SERVER.ipv4, PORT.open, { count: 7 });
      await scraped(server, total, 7);
      assert.equal(await numberOf(server, `resets(${total}[5m])`), 1);
      assert.equal(await numberOf(server, 'max(changes(process_start_time_seconds[5m]))'), 1);
    }));

  const COUNTS = { open: 211, loopback: 101, closed: 17, losesSyn: 3 };
  const FAR = { open: 53, loopback: 11, abandoned: 5, timeout: 2 };
  const ATTEMPTS = [...Object.values(COUNTS), ...Object.values(FAR)].reduce((sum, count) => sum + count, 0);

  /** Rows of every attempt that was made on both hosts. */
  async function rawRows(): Promise<Row[]> {
    const raw = await Tool.start(['connlat', '--json', '--netns', `${near.client.name},${far.client.name}`]);
    await far.client.sysctl('net.ipv4.tcp_syn_retries', 1);
    const inFar = (port: number, options: ConnectOptions) => connect(far.client, SERVER.ipv4, port, options);
    await Promise.all([
      connect(near.client, SERVER.ipv4, PORT.open, { count: COUNTS.open, concurrent: 4 }),
      connect(near.client, '127.0.0.1', PORT.open, { count: COUNTS.loopback }),
      connect(near.client, SERVER.ipv4, PORT.closed, { count: COUNTS.closed }),
      connect(near.client, SERVER.ipv4, PORT.losesSyn, { count: COUNTS.losesSyn, concurrent: 3 }),
      connect(far.client, '127.0.0.1', PORT.open, { count: FAR.loopback }),
      inFar(PORT.open, { count: FAR.open, concurrent: 4 }),
      inFar(PORT.deaf, { count: FAR.abandoned, concurrent: 5, timeoutMs: 700 }),
      inFar(PORT.deaf, { count: FAR.timeout, concurrent: 2 }),
    ]);
    const finished = (): Row[] => raw.rows().filter(({ result }) => result !== 'pending');
    await raw.said(() => finished().length === ATTEMPTS);
    await raw.stop();
    return finished();
  }

  const activeOpens = async (): Promise<[near: number, far: number]> => [
    (await near.client.snmp())['Tcp.ActiveOpens']!,
    (await far.client.snmp())['Tcp.ActiveOpens']!,
  ];

  async function assertLatencies(server: PrometheusServer, rows: readonly Row[]): Promise<void> {
    const seconds = rows.filter(({ result }) => result === 'ok').map(({ latency_us }) => latency_us / 1e6);
    assert.equal(seconds.length, ATTEMPTS - COUNTS.closed - FAR.abandoned - FAR.timeout);
    for (const q of [0.5, 0.95, 0.99]) {
      const [above, upTo] = bucketOf(quantile(seconds, q));
      const merged = await numberOf(server, `histogram_quantile(${q}, sum by (le) (${HISTOGRAM}_bucket))`);
      assert.ok(merged > above && merged <= upTo, `q ${q}: ${merged} is not in (${above}, ${upTo}]`);
    }
    const sum = seconds.reduce((all, each) => all + each, 0);
    const merged = await numberOf(server, `sum(${HISTOGRAM}_sum)`);
    assert.ok(Math.abs(merged / sum - 1) < 1 / 256, `${merged} ${sum}`);
  }

  async function assertPlaces(server: PrometheusServer): Promise<void> {
    const count = (labels: string): Promise<number> => numberOf(server, `sum(${HISTOGRAM}_count{${labels}})`);
    const toFar = 'region="far",external="no"';
    assert.equal(await count(`source_region="one",${toFar}`), COUNTS.open + COUNTS.losesSyn);
    assert.equal(await count(`source_region="two",${toFar}`), FAR.open);
    assert.equal(await count('source_region="one",region="none",external="no"'), COUNTS.loopback);
    const p50 = (host: string): Promise<number> => {
      const buckets = `${HISTOGRAM}_bucket{source_region="${host}",region="far"}`;
      return numberOf(server, `histogram_quantile(0.5, sum by (le) (${buckets}))`);
    };
    // There and back: 6 ms and 42 ms, injected by the link.
    const [one, two] = [await p50('one'), await p50('two')];
    assert.ok(one > 0.005 && one <= 0.007, String(one));
    assert.ok(two > 0.03 && two <= 0.05, String(two));
  }

  async function assertFailures(server: PrometheusServer, rows: readonly Row[]): Promise<void> {
    const failures = await server.query('sum by (error_type) (tcpscope_tcp_connection_failures_total)');
    const counted = failures.map(({ metric, value }) => [metric['error_type'], Number(value[1])] as const);
    const endings = new Map<string, number>([
      ['refused', COUNTS.closed],
      ['abandoned', FAR.abandoned],
      ['timeout', FAR.timeout],
    ]);
    assert.deepEqual(
      new Map(counted.toSorted()),
      new Map(
        OUTCOMES.slice(1, -1)
          .map((outcome) => [outcome, endings.get(outcome) ?? 0] as const)
          .toSorted(),
      ),
    );
    const lost = rows.filter(({ syns }) => syns > 1).length;
    assert.equal(lost, COUNTS.losesSyn + FAR.timeout);
    assert.equal(await numberOf(server, 'sum(tcpscope_tcp_connection_syn_lost_total)'), lost);
    assert.equal(await numberOf(server, 'sum(tcpscope_tcp_connections_pending)'), 0);
  }
});

/** promtool finds nothing to say. */
function assertSound(text: string): void {
  const words = ['check', 'metrics'];
  const { status, stdout, stderr } = spawnSync(prometheusPrograms().promtool, words, {
    input: text,
    encoding: 'utf8',
  });
  assert.equal(`${stdout}${stderr}`, '');
  assert.equal(status, 0);
}

describe('retransmissions that the agent publishes', () => {
  it('are those of the kernel, by kind', async () => {
    const network = await Network.create({ lossPercent: 10, ipv6: false });
    const agent = await AgentProcess.start(configOf('one'), ['--netns', network.client.name]);
    try {
      await listen(network.server, SERVER.ipv4, PORT.open, { close: true });
      await connect(network.client, SERVER.ipv4, PORT.open, { count: 6, send: 200_000 });
      const counters = await network.client.snmp();
      const again = 'tcpscope_tcp_retransmits_total';
      // OutSegs leaves out what was sent again.
      const sent = counters['Tcp.OutSegs']! + counters['Tcp.RetransSegs']!;
      let metrics = await agent.metrics();
      const isBehind = (): boolean =>
        sumOf(metrics, again) < counters['Tcp.RetransSegs']! || sumOf(metrics, SENT) < sent;
      // Where only processes tell whose a socket is, a retransmission waits for its owner; sockets are looked at now and then.
      while (isBehind()) metrics = await agent.metrics();
      assert.ok(counters['Tcp.RetransSegs']! > 5);
      assert.equal(sumOf(metrics, again), counters['Tcp.RetransSegs']);
      assert.equal(sumOf(metrics, again, { type: 'synack' }), 0);
      assert.equal(sumOf(metrics, again, { type: 'syn' }), counters['TcpExt.TCPSynRetrans'] ?? 0);
      assert.equal(sumOf(metrics, SENT), sent);
      assert.ok(sumOf(metrics, 'tcpscope_tcp_stall_seconds_total') > 0);
    } finally {
      await agent.stop();
      await network.destroy();
    }
  });
});
