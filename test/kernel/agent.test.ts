/** The life of the agent: what it measures, how it is told of a new configuration, how it ends. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { connect, listen, Namespace, Network, SERVER } from '#tcpscope/lab/network.js';
import { onHost } from '../features.js';
import { AgentProcess, ANY_PORT, parseMetrics, sumOf, type Metric } from './agent-tool.js';
import { loadedPrograms, RUN, Tool } from './tool.js';
import { threadPrivileges } from './thread-status.js';

const PORT = { open: 9000, closed: 9001 };
const ATTEMPTS = 'tcpscope_tcp_connection_attempts_total';
const FAILURES = 'tcpscope_tcp_connection_failures_total';
const HANDSHAKES = 'tcpscope_tcp_handshake_duration_seconds_count';
const START = 'process_start_time_seconds';

const REGIONS = (server: string): string =>
  `internal: [10.0.0.0/8, 127.0.0.0/8]\nregions: {${server}: [${SERVER.ipv4}/32]}\n`;

describe('the agent', () => {
  let network: Network;
  let loaded: number[];
  let agent: AgentProcess | undefined;
  before(async () => {
    network = await Network.create({ ipv6: false });
    await listen(network.server, SERVER.ipv4, PORT.open);
  });
  beforeEach(() => {
    loaded = loadedPrograms();
  });
  afterEach(async () => {
    if (agent?.tool.process.exitCode === null && agent.tool.process.signalCode === null)
      await agent.stop('SIGKILL');
    // The kernel frees a program some RCU grace periods after its last descriptor; mocha's time-out bounds the wait.
    while (loadedPrograms().some((id) => !loaded.includes(id))) await setImmediate();
  });
  after(() => network.destroy());

  const watching = (): string[] => ['--netns', network.client.name];

  it('counts what ends, by its labels, up to the moment of the scrape', async () => {
    agent = await AgentProcess.start(`${REGIONS('west')}${ANY_PORT}`, watching());
    await connect(network.client, SERVER.ipv4, PORT.open, { count: 23 });
    await connect(network.client, SERVER.ipv4, PORT.closed, { count: 7 });
    await connect(network.client, '127.0.0.1', PORT.closed, { count: 3 });
    const metrics = await agent.metrics();
    const west = { region: 'west', external: 'no', role: 'none', source_region: 'none' };
    assert.equal(sumOf(metrics, ATTEMPTS, west), 30);
    assert.equal(sumOf(metrics, HANDSHAKES, west), 23);
    assert.equal(sumOf(metrics, FAILURES, { ...west, error_type: 'refused' }), 7);
    assert.equal(sumOf(metrics, FAILURES, west), 7);
    assert.equal(sumOf(metrics, ATTEMPTS, { region: 'none' }), 3);
    assert.equal(sumOf(metrics, 'tcpscope_events_lost_total'), 0);
    const { 'Tcp.ActiveOpens': opens } = await network.client.snmp();
    assert.equal(sumOf(metrics, ATTEMPTS), opens);
    const { code, stderr } = await agent.stop();
    assert.equal(code, 0, stderr);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
  });

  it('has each name and label of the contract once', async () => {
    agent = await AgentProcess.start(ANY_PORT, watching());
    await connect(network.client, SERVER.ipv4, PORT.open);
    const text = await (await fetch(`${agent.url}/metrics`)).text();
    const ids = parseMetrics(text).map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`);
    assert.equal(new Set(ids).size, ids.length);
    const version = execFileSync(process.execPath, [RUN, '--version'], { encoding: 'utf8' });
    const [{ labels } = { labels: {} as Record<string, string> }] = parseMetrics(text).filter(
      ({ name }) => name === 'tcpscope_build_info',
    );
    assert.ok(version.includes(labels['version'] ?? 'none'), version);
    await agent.stop();
  });

  it('SIGHUP: regions, labels and outputs as the file says now; counters go on', async () => {
    agent = await AgentProcess.start(`${REGIONS('west')}${ANY_PORT}`, watching());
    await connect(network.client, SERVER.ipv4, PORT.open, { count: 11 });
    const { url } = agent;
    await agent.reload(`${REGIONS('east')}agent: {prometheus: {listen: "127.0.0.1:0"}, region: here}\n`);
    assert.equal(agent.url, url);
    await connect(network.client, SERVER.ipv4, PORT.open, { count: 5 });
    const metrics = await agent.metrics();
    assert.equal(sumOf(metrics, ATTEMPTS, { region: 'west', source_region: 'none' }), 11);
    assert.equal(sumOf(metrics, ATTEMPTS, { region: 'east', source_region: 'here' }), 5);
    await agent.reload(ANY_PORT.replace('127.0.0.1:0', '127.0.0.2:0'));
    assert.match(agent.url, /127\.0\.0\.2/);
    await assert.rejects(fetch(`${url}/metrics`));
    assert.equal(sumOf(await agent.metrics(), ATTEMPTS), 16);
    assert.equal((await agent.stop()).code, 0);
  });

  it('SIGHUP with a file that is wrong: goes on as before, and says what is wrong in a line each', async () => {
    agent = await AgentProcess.start(`${REGIONS('west')}${ANY_PORT}`, watching());
    await agent.reload('agent: {interval: 1}\nregion: {}\n', /config\.yaml:2:1/);
    const lines = agent.tool.stderr.trim().split('\n').slice(1);
    assert.match(lines[0] ?? '', /^tcpscope agent: The configuration .* has 2 mistakes\.$/);
    assert.match(
      lines[1] ?? '',
      /^tcpscope agent: .*config\.yaml:1:19: agent\.interval: "1" is not a duration/,
    );
    assert.match(lines[2] ?? '', /^tcpscope agent: .*config\.yaml:2:1: unknown key "region"/);
    await connect(network.client, SERVER.ipv4, PORT.open, { count: 5 });
    assert.equal(sumOf(await agent.metrics(), ATTEMPTS, { region: 'west' }), 5);
    await agent.stop();
  });

  it('kill -9 and a new start: nothing is left, counters begin at 0 with another start time', async () => {
    agent = await AgentProcess.start(ANY_PORT, watching());
    await connect(network.client, SERVER.ipv4, PORT.open, { count: 5 });
    const before = await agent.metrics();
    assert.equal(sumOf(before, ATTEMPTS), 5);
    await agent.stop('SIGKILL');
    agent = await AgentProcess.start(ANY_PORT, watching());
    await connect(network.client, SERVER.ipv4, PORT.open, { count: 2 });
    const now = await agent.metrics();
    assert.equal(sumOf(now, ATTEMPTS), 2);
    assert.ok(sumOf(now, START) > sumOf(before, START));
    await agent.stop();
  });

  it('gives up what it needs no more', async () => {
    agent = await AgentProcess.start(ANY_PORT, watching());
    const { pid } = agent.tool.process;
    assert.ok(pid);
    for (const { isMain, permitted, noNewPrivileges } of threadPrivileges(pid)) {
      if (!isMain) assert.equal(permitted, 0n);
      assert.ok(noNewPrivileges);
    }
    await agent.stop();
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`${signal}: ends soon, exit code 0`, async () => {
      agent = await AgentProcess.start(ANY_PORT, watching());
      const { code, stderr } = await agent.stop(signal);
      assert.equal(code, 0, stderr);
    });
  }
});

// What outputs do with numbers is no matter of kernels.
onHost.describe('outputs that the agent publishes to', () => {
  let host: Namespace;
  before(async () => {
    host = await Namespace.create('published');
    await listen(host, '127.0.0.1', PORT.open);
  });
  after(() => host.destroy());

  /** A collector that takes all that comes, and says how many requests that were. */
  async function collector(port: number): Promise<{ server: HttpServer; requests: () => number }> {
    let requests = 0;
    const server = createHttpServer((request, response) => {
      requests++;
      request.resume().on('end', () => {
        response.writeHead(200, { 'Content-Type': 'application/x-protobuf' }).end();
      });
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return { server, requests: () => requests };
  }
  const configOf = (port: number): string =>
    `agent: {interval: 1s, prometheus: {listen: "127.0.0.1:0"}, otlp: {endpoint: "http://127.0.0.1:${port}"}}\n`;
  const failedOf = (metrics: readonly Metric[]): number =>
    sumOf(metrics, 'tcpscope_output_failed_total', { output: 'otlp' });

  it('SIGTERM publishes a last time', async () => {
    const { server, requests } = await collector(0);
    const { port } = server.address() as AddressInfo;
    const agent = await AgentProcess.start(configOf(port).replace('1s', '1h'), ['--netns', host.name]);
    assert.match(agent.tool.stderr, /publishing by otlp/);
    await connect(host, '127.0.0.1', PORT.open, { count: 3 });
    const { code, stderr } = await agent.stop();
    assert.equal(code, 0, stderr);
    // By chance one more, where the first of the hour was due already.
    assert.ok(requests() === 1 || requests() === 2, String(requests()));
    server.close();
  });

  it('a collector that is down: degraded, one line, and /metrics as ever; well again when it comes', async () => {
    const taken = await collector(0);
    const { port } = taken.server.address() as AddressInfo;
    taken.server.close();
    await once(taken.server, 'close');
    const agent = await AgentProcess.start(configOf(port), ['--netns', host.name]);
    const health = async (): Promise<{ code: number; status: string; reasons: string[] }> => {
      const answer = await fetch(`${agent.url}/healthz`);
      return { code: answer.status, ...((await answer.json()) as { status: string; reasons: string[] }) };
    };
    await connect(host, '127.0.0.1', PORT.open, { count: 3 });
    while ((await health()).status === 'ok') await setImmediate();
    const degraded = await health();
    assert.deepEqual([degraded.code, degraded.status], [200, 'degraded']);
    assert.match(degraded.reasons.join(), /^nothing was published by otlp for \d/);
    const metrics = await agent.metrics();
    assert.equal(sumOf(metrics, ATTEMPTS), 3);
    assert.ok(failedOf(metrics) > 0);
    const lines = agent.tool.stderr.split('\n').filter((line) => line.includes('otlp: '));
    assert.equal(lines.length, 1, agent.tool.stderr);
    const { server, requests } = await collector(port);
    while ((await health()).status !== 'ok') await setImmediate();
    assert.ok(requests() > 0);
    assert.equal((await agent.stop()).code, 0);
    server.close();
  });
});

// What happens before anything is traced, and TLS, are not the kernel's.
onHost.describe('where the agent listens', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'agent-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const file = (name: string, text: string): string => {
    writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };
  const run = (config: string, ...args: string[]) =>
    spawnSync(process.execPath, [RUN, 'agent', '--config', file('config.yaml', config), ...args], {
      encoding: 'utf8',
      timeout: 30_000,
    });
  /** A key and its certificate, of this name. */
  const makePair = (name: string): { certificate: string; key: string } => {
    const [certificate, key] = [path.join(folder, `${name}.crt`), path.join(folder, `${name}.key`)];
    const words = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    execFileSync('openssl', ['req', '-x509', ...curve, ...words, '-keyout', key, '-out', certificate], {
      stdio: 'pipe',
    });
    return { certificate, key };
  };
  const withTls = ({ certificate, key }: { certificate: string; key: string }): string =>
    `agent: {prometheus: {listen: "127.0.0.1:0", tls: {certificate: ${certificate}, key: ${key}}}}\n`;

  it('a port that is taken: three lines, exit code 1, nothing left', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { status, stderr } = run(`agent: {prometheus: {listen: "127.0.0.1:${port}"}}`);
    server.close();
    assert.equal(status, 1, stderr);
    const lines = stderr.trim().split('\n');
    assert.equal(lines.length, 3, stderr);
    assert.equal(lines[0], `tcpscope: The agent cannot listen on 127.0.0.1:${port}.`);
    assert.match(lines[1] ?? '', /EADDRINUSE/);
  });

  it('an address that this host has not: three lines, exit code 1', () => {
    const { status, stderr } = run('agent: {prometheus: {listen: "192.0.2.1:9469"}}');
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^tcpscope: The agent cannot listen on 192\.0\.2\.1:9469\.\nThis host has no such address \(EADDRNOTAVAIL\)\.\n[^\n]+\n$/,
    );
  });

  it('a key that is none, is not there, or is of another certificate: three lines, exit code 1', () => {
    const [one, other] = [makePair('one'), makePair('other')];
    const cases: [key: string, what: RegExp][] = [
      [file('none.key', 'no key'), /^tcpscope: The certificate \S+ and the key \S+ cannot be used\.$/],
      [other.key, /^tcpscope: The certificate \S+ and the key \S+ cannot be used\.$/],
      ['/nowhere/tls.key', /^tcpscope: The key \/nowhere\/tls\.key cannot be read\.$/],
    ];
    for (const [key, what] of cases)
      for (const args of [[], ['--check']]) {
        const { status, stderr } = run(withTls({ ...one, key }), ...args);
        assert.equal(status, 1, stderr);
        const lines = stderr.trim().split('\n');
        assert.match(lines[0] ?? '', what);
        assert.equal(lines.length, 3, stderr);
      }
  });

  it('--check: says what would be done, and needs no root', () => {
    const { status, stdout, stderr } = run('agent: {interval: 20s}', '--check');
    assert.equal(status, 0, stderr);
    assert.match(stdout, /config\.yaml: prometheus 127\.0\.0\.1:9469; every 20\.0 s, up to 1,000 series\n$/);
    const wrong = run('agent: {interval: 20}', '--check');
    assert.equal(wrong.status, 2);
  });

  it('TLS: only with its certificate, and the new one after SIGHUP; a bad one changes nothing', async () => {
    const pair = makePair('first');
    const agent = await AgentProcess.start(withTls(pair));
    const { url } = agent;
    assert.match(url, /^https:/);
    const trusted = readFileSync(pair.certificate, 'utf8');
    assert.equal(await commonName(url, trusted), 'first');
    const second = makePair('second');
    copyFileSync(second.certificate, pair.certificate);
    // Certificate and key do not fit now.
    await agent.says(/cannot be used/, () => agent.tool.process.kill('SIGHUP'));
    assert.equal(await commonName(url, trusted), 'first');
    copyFileSync(second.key, pair.key);
    await agent.says(/was read again/, () => agent.tool.process.kill('SIGHUP'));
    assert.equal(await commonName(url, readFileSync(pair.certificate, 'utf8')), 'second');
    assert.equal((await agent.stop()).code, 0);
  });

  /** Whose certificate is shown, which has to be one of these. */
  async function commonName(url: string, ca: string): Promise<string> {
    const { hostname, port } = new URL(url);
    const socket = connectTls({ host: hostname, port: Number(port), ca });
    await once(socket, 'secureConnect');
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return String(CN);
  }

  it('a password: without it no metrics, but /healthz', async () => {
    const secret = file('password', 'correct horse\nsecond line\n');
    const agent = await AgentProcess.start(
      `agent: {prometheus: {listen: "127.0.0.1:0", basic-auth: {user: prom, password-file: ${secret}}}}`,
    );
    const ask = async (credentials?: string): Promise<number> => {
      const headers: Record<string, string> = credentials
        ? { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }
        : {};
      return (await fetch(`${agent.url}/metrics`, { headers })).status;
    };
    assert.equal(await ask(), 401);
    assert.equal(await ask('prom:correct'), 401);
    assert.equal(await ask('other:correct horse'), 401);
    assert.equal(await ask('prom:correct horse'), 200);
    assert.equal((await fetch(`${agent.url}/healthz`)).status, 200);
    writeFileSync(secret, 'battery staple\n');
    await agent.says(/was read again/, () => agent.tool.process.kill('SIGHUP'));
    assert.equal(await ask('prom:correct horse'), 401);
    assert.equal(await ask('prom:battery staple'), 200);
    await agent.stop();
  });

  it('a password in plain HTTP for other hosts: a warning', async () => {
    const secret = file('password', 'secret\n');
    const agent = await AgentProcess.start(
      `agent: {prometheus: {listen: "0.0.0.0:0", basic-auth: {user: a, password-file: ${secret}}}}`,
    );
    assert.match(agent.tool.stderr, /^tcpscope agent: basic-auth without tls: /m);
    await agent.stop();
  });

  it('/healthz at an address of its own', async () => {
    const tool = await Tool.start([
      ...[
        'agent',
        '--config',
        file('config.yaml', 'agent: {health: "127.0.0.2:0", prometheus: {listen: "127.0.0.1:0"}}'),
      ],
    ]);
    const url = /http:\/\/\S+\/healthz/.exec(tool.stderr)?.[0] ?? '';
    const answer = await fetch(url);
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), { status: 'ok', reasons: [] });
    assert.equal((await fetch(url.replace('healthz', 'metrics'))).status, 404);
    await tool.stop('SIGTERM');
  });
});
