/** `health` on the real kernel, against what the traffic itself reports and the kernel's counters. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, listen, Namespace, Network, SERVER } from '#tcpscope/lab/network.js';
import { onHost } from '../features.js';
import { FakeHostRoot, TestCgroups } from './cgroup.js';
import { Pane } from './pane.js';
import { loadedPrograms, RUN, Tool, type ToolOptions } from './tool.js';

const PORT = { plain: 9001, nobody: 9002, firstSyn: 9003, allSyn: 9004, full: 9005 } as const;
/** No test depends on how fast a machine is, but those that delay. */
const NO_P99 = ['--threshold', 'p99-internal=off'];

type Figures = Readonly<Record<string, number | string | null>>;

interface Report {
  seconds: number;
  standing: string;
  verdict: string;
  crossings: { scope: string; key: string; threshold: string; value: number; limit: number; unit: string }[];
  lost_events: number;
  host: Figures;
  groups: Figures[];
  regions: Figures[];
}

interface Measured {
  report: Report;
  code: number | null;
  stderr: string;
}

/** The one report of a run around this traffic. */
async function measure(
  flags: readonly string[],
  traffic: () => Promise<unknown>,
  options?: ToolOptions,
): Promise<Measured> {
  const tool = await Tool.start(['health', '--once', '--duration', '10m', '--json', ...flags], options);
  try {
    await traffic();
  } catch (error) {
    await tool.stop('SIGKILL');
    throw error;
  }
  const { stdout, stderr, code } = await tool.stop();
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines.length, 1, stdout);
  const report = JSON.parse(lines[0]!) as Report;
  assert.equal(report.lost_events, 0);
  return { report, code, stderr };
}

const figures = (all: Figures, names: readonly string[]): unknown[] => names.map((name) => all[name]);

describe('health of a network that fails and loses', () => {
  let network: Network;
  before(async () => {
    const drop = [`first-syn:${PORT.firstSyn}`, `all-syn:${PORT.allSyn}`];
    network = await Network.create({ name: 'health', drop });
    await listen(network.server, SERVER.ipv4, PORT.plain);
    await listen(network.server, SERVER.ipv4, PORT.firstSyn);
  });
  after(() => network.destroy());

  it('counts attempts, failures by kind and lost SYNs as the traffic and the kernel do', async () => {
    const { client } = network;
    const before = await client.snmp();
    const { report, code, stderr } = await measure(['--netns', client.name, ...NO_P99], async () => {
      const { ok } = await connect(client, SERVER.ipv4, PORT.plain, { count: 131 });
      assert.equal(ok, 131);
      const { errors } = await connect(client, SERVER.ipv4, PORT.nobody, { count: 17 });
      assert.deepEqual(errors, { ECONNREFUSED: 17 });
      const lossy = await connect(client, SERVER.ipv4, PORT.firstSyn, { count: 5, concurrent: 5 });
      assert.equal(lossy.ok, 5);
      const { abandoned } = await connect(client, SERVER.ipv4, PORT.allSyn, {
        ...{ count: 3, concurrent: 3, timeoutMs: 300 },
      });
      assert.equal(abandoned, 3);
    });
    const { host } = report;
    const names = ['attempts', 'ok', 'failed', 'refused', 'abandoned', 'timeout', 'syn_lost', 'internal_ok'];
    assert.deepEqual(figures(host, names), [156, 136, 20, 17, 3, 0, 5, 136]);
    const after = await client.snmp();
    const grown = (name: string): number => (after[name] ?? 0) - (before[name] ?? 0);
    assert.equal(host['attempts'], grown('Tcp.ActiveOpens'));
    assert.equal(host['syn_lost'], grown('TcpExt.TCPSynRetrans'));
    assert.equal(host['syn_loss_percent'], 3.205);
    assert.ok(Number(host['internal_p99_us']) > 1e6, 'a SYN is sent again after a second');
    // Where sockets have no cgroup, a group may be of those whose process is still there, and so have too few.
    const [crossing] = report.crossings.filter(({ scope }) => scope === 'host');
    assert.deepEqual(crossing, {
      ...{
        scope: 'host',
        key: 'host',
        threshold: 'syn-loss',
        value: 3.20512820513,
        limit: 0.1,
        unit: 'percent',
      },
    });
    assert.equal(report.standing, 'crossed');
    assert.match(report.verdict, /^\d thresholds? crossed: .*SYN loss 3\.2% \(> 0\.1%\) on this host/);
    assert.equal(code, 3);
    assert.match(stderr, /156 attempts in .*: 136 ok, 17 refused, 3 abandoned/);
  });

  it('tells of full accept queues as many connections as the kernel counts', async () => {
    const { client, server } = network;
    const before = await server.snmp();
    const flags = [
      '--netns',
      `${client.name},${server.name}`,
      '--threshold',
      'accept-overflows=0',
      ...NO_P99,
    ];
    const { report, code } = await measure(flags, async () => {
      const listener = await listen(server, SERVER.ipv4, PORT.full, { backlog: 1, noAccept: true });
      await connect(client, SERVER.ipv4, PORT.full, { count: 7, concurrent: 7, timeoutMs: 2500 });
      await listener.stop();
    });
    const overflows = (await server.snmp())['TcpExt.ListenOverflows']! - before['TcpExt.ListenOverflows']!;
    assert.ok(overflows > 3, String(overflows));
    assert.equal(report.host['accept_overflows'], overflows);
    assert.equal(code, 3);
    const crossed = report.crossings.find(({ scope }) => scope === 'host');
    assert.deepEqual(crossed, {
      ...{
        scope: 'host',
        key: 'host',
        threshold: 'accept-overflows',
        value: overflows,
        limit: 0,
        unit: 'count',
      },
    });
  });
});

describe('health of a lossy network', () => {
  it('has what was sent and sent again as the kernel counts it', async () => {
    const network = await Network.create({ name: 'lossy', drop: [`data-3:${PORT.plain}`], ipv6: false });
    try {
      const { client } = network;
      await listen(network.server, SERVER.ipv4, PORT.plain, { close: true });
      const { report } = await measure(['--netns', client.name], () =>
        connect(client, SERVER.ipv4, PORT.plain, { count: 7, send: 50_000 }),
      );
      const counters = await client.snmp();
      const { host } = report;
      assert.equal(host['retransmits'], counters['Tcp.RetransSegs']);
      assert.ok(Number(host['retransmits']) >= 7);
      const kinds = ['fast', 'rto', 'loss', 'tlp'].map((kind) => Number(host[`retransmits_${kind}`]));
      assert.equal(
        kinds.reduce((sum, count) => sum + count),
        host['retransmits'],
      );
      assert.equal(host['segments_sent'], counters['Tcp.OutSegs']! + counters['Tcp.RetransSegs']!);
    } finally {
      await network.destroy();
    }
  });
});

describe('health of a slow network', () => {
  let network: Network;
  before(async () => {
    network = await Network.create({ name: 'slow', delayUs: 10_000, ipv6: false });
    await listen(network.server, SERVER.ipv4, PORT.plain);
  });
  after(() => network.destroy());

  const traffic = () => connect(network.client, SERVER.ipv4, PORT.plain, { count: 113, concurrent: 16 });

  it('crosses the P99 of 5 ms inside: exit code 3', async () => {
    const { report, code } = await measure(['--netns', network.client.name, '--by', 'none'], traffic);
    const [crossing, ...others] = report.crossings;
    assert.deepEqual(others, []);
    assert.deepEqual(report.groups, []);
    const { threshold, value, limit, unit } = crossing!;
    assert.deepEqual([threshold, limit, unit], ['p99-internal', 5000, 'us']);
    assert.ok(value >= 20_000, String(value));
    assert.equal(value, report.host['internal_p99_us']);
    assert.equal(code, 3);
  });

  it('crosses nothing where that is allowed, outside, or too seldom seen: exit code 0', async () => {
    for (const flags of [
      ['--threshold', 'p99-internal=10s'],
      ['--threshold', 'p99-internal=off'],
      ['--threshold', 'min-attempts=114'],
    ]) {
      const { report, code } = await measure(['--netns', network.client.name, ...flags], traffic);
      assert.deepEqual(report.crossings, [], flags.join(' '));
      assert.equal(report.host['attempts'], 113);
      assert.equal(code, 0);
    }
  });
});

describe('health by places', () => {
  let host: Namespace;
  let folder: string;
  before(async () => {
    host = await Namespace.create('health-places');
    await listen(host, '127.0.0.1', PORT.plain);
    await listen(host, '127.0.0.2', PORT.plain);
    await listen(host, '127.0.0.3', PORT.plain);
    folder = mkdtempSync(path.join(tmpdir(), 'health-'));
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await host.destroy();
  });

  it('keeps sides and regions apart, and has thresholds of the configuration; a flag wins', async () => {
    const config = path.join(folder, 'config.yaml');
    writeFileSync(
      config,
      'internal: [127.0.0.0/8]\nexternal: [127.0.0.3]\nregions: {eu: [127.0.0.1], us: [127.0.0.2, 127.0.0.3]}\n' +
        'thresholds: {failures: 2%, min-attempts: 20, p99-internal: off, syn-loss: off}\n',
    );
    const traffic = async (): Promise<void> => {
      await connect(host, '127.0.0.1', PORT.plain, { count: 41 });
      await connect(host, '127.0.0.2', PORT.plain, { count: 29 });
      await connect(host, '127.0.0.3', PORT.plain, { count: 23 });
      await connect(host, '127.0.0.3', PORT.nobody, { count: 2 });
    };
    const flags = ['--netns', host.name, '--config', config];
    const { report, code } = await measure(flags, traffic);
    assert.deepEqual(figures(report.host, ['internal_ok', 'external_ok', 'attempts']), [70, 23, 95]);
    const regions = report.regions.map((row) =>
      figures(row, ['key', 'internal_ok', 'external_ok', 'refused']),
    );
    assert.deepEqual(regions, [
      ['us', 29, 23, 2],
      ['eu', 41, 0, 0],
    ]);
    assert.deepEqual(report.crossings.map(({ scope, threshold }) => `${scope} ${threshold}`).sort(), [
      'host failures',
      'namespace failures',
      'region failures',
    ]);
    assert.equal(code, 3);
    const allowed = await measure([...flags, '--threshold', 'failures=5%'], traffic);
    assert.deepEqual(allowed.report.crossings, []);
    assert.equal(allowed.code, 0);
  });

  // Said before the kernel is asked anything.
  onHost.it('says that a setting of the configuration is wrong, and where', async () => {
    const config = path.join(folder, 'wrong.yaml');
    writeFileSync(config, 'thresholds:\n  p99-internal: fast\n  syn-los: 1%\n');
    const { code, stderr } = await Tool.spawn(['health', '--config', config]).wait();
    assert.equal(code, 2);
    assert.match(
      stderr,
      /wrong\.yaml:2:17: thresholds\.p99-internal: "fast" is no duration; write 5ms, or off/,
    );
    assert.match(stderr, /wrong\.yaml:3:3: unknown key "syn-los"; nearest: syn-loss; /);
  });
});

const CONTAINER_ID = 'fedcba9876543210'.repeat(4);
const POD_UID = '99999999-8888-7777-6666-555555555555';
const SLICE = `tcpscope-health${process.pid}.slice`;
const CONTAINER = `${SLICE}/kubepods-burstable-pod${POD_UID.replaceAll('-', '_')}.slice/cri-containerd-${CONTAINER_ID}.scope`;
const UNIT = `${SLICE}/nginx.service`;

describe('health by whose connections they are', () => {
  const cgroups = new TestCgroups();
  const root = new FakeHostRoot();
  before(() => {
    cgroups.make(UNIT);
    cgroups.make(CONTAINER);
    root.addKubeletLog('shop', 'web-7f9', POD_UID, 'app', CONTAINER_ID);
  });
  after(() => {
    cgroups.removeAll();
    root.remove();
  });

  const traffic = (): Promise<void> => {
    cgroups.refused(CONTAINER, 7);
    cgroups.refused(UNIT, 3);
    return Promise.resolve();
  };
  const expected: [by: string, groups: Record<string, number>][] = [
    ['namespace', { shop: 7, 'nginx.service': 3 }],
    ['container', { 'shop/web-7f9/app': 7 }],
    ['unit', { 'nginx.service': 3 }],
  ];
  for (const [by, groups] of expected) {
    it(`by ${by}`, async () => {
      const flags = ['--host-root', root.path, '--port', '1', '--netns', 'self', '--by', by];
      const { report } = await measure(flags, traffic, root);
      assert.equal(report.host['refused'], 10);
      const found = Object.fromEntries(report.groups.map(({ key, refused }) => [String(key), refused]));
      assert.deepEqual({ ...found, ...groups }, found);
      assert.equal(
        report.groups.reduce((sum, { refused }) => sum + Number(refused), 0),
        10,
      );
    });
  }
});

describe('the life of health', () => {
  let host: Namespace;
  before(async () => {
    host = await Namespace.create('health-life');
    await listen(host, '127.0.0.1', PORT.plain);
  });
  after(() => host.destroy());

  it('--once ends by itself after its time', async () => {
    const tool = await Tool.start(['health', '--once', '--duration', '1s', '--netns', host.name, ...NO_P99]);
    const { code, stdout, stderr } = await tool.wait();
    assert.equal(code, 0);
    assert.match(stdout, /^· nothing to judge: no connection has been tried\n\nTHIS HOST, last 1\.\d s\n/);
    assert.match(stderr, /0 attempts in 1\.\d s/);
  });

  it('live on a pipe has an object an interval, of the last window; what is crossed is no failure', async () => {
    const flags = [
      '--interval',
      '200ms',
      '--window',
      '2s',
      '--threshold',
      'failures=0',
      '--threshold',
      'min-attempts=1',
    ];
    const tool = await Tool.start(['health', '--json', '--netns', host.name, ...flags]);
    const last = (): Report | undefined => {
      const lines = tool.stdout.split('\n').slice(0, -1);
      return lines.length === 0 ? undefined : (JSON.parse(lines.at(-1)!) as Report);
    };
    await connect(host, '127.0.0.1', PORT.nobody, { count: 19 });
    await tool.said(() => last()?.host['refused'] === 19);
    assert.equal(last()?.standing, 'crossed');
    await tool.said(() => last()?.host['refused'] === 0);
    const { code, stderr } = await tool.stop();
    assert.equal(code, 0);
    assert.match(stderr, /19 attempts in .*: 19 refused/);
  });

  it('kill -9 leaves no program in the kernel', async () => {
    // Those of a tool that has just ended may still be there, and go now.
    const before = loadedPrograms();
    const own = (): number[] => loadedPrograms().filter((id) => !before.includes(id));
    const tool = await Tool.start(['health', '--netns', host.name]);
    assert.ok(own().length > 0);
    await tool.stop('SIGKILL');
    while (own().length > 0) await setImmediate();
  });

  const wrong: [flags: string[], message: RegExp][] = [
    [
      ['--threshold', 'p99-inside=5ms'],
      /--threshold p99-inside: unknown threshold "p99-inside"; nearest: p99-internal;/,
    ],
    [['--threshold', 'syn-loss'], /--threshold syn-loss: write NAME=VALUE/],
    [['--window', '100ms'], /--window 100ms: at least as long as --interval 1s/],
    [['--top', '0'], /--top 0: must be a whole number/],
    [['--region', 'eu'], /no configuration names regions/],
  ];
  // Said before the kernel is asked anything.
  for (const [flags, message] of wrong) {
    onHost.it(`${flags.join(' ')} is wrong usage`, async () => {
      const { code, stderr } = await Tool.spawn(['health', ...flags]).wait();
      assert.equal(code, 2);
      assert.match(stderr, message);
    });
  }
});

// What is drawn is the terminal's business, and how often that of a fast machine.
onHost.describe('health on a terminal', () => {
  let host: Namespace;
  let pane: Pane;
  before(async () => {
    host = await Namespace.create('health-terminal');
    await listen(host, '127.0.0.1', PORT.plain);
  });
  afterEach(() => {
    pane.end();
  });
  after(() => host.destroy());

  for (const [columns, rows] of [
    [80, 24],
    [160, 40],
    [60, 14],
  ] as const) {
    it(`fits ${columns} columns and ${rows} lines, explains itself, and leaves its last frame`, async () => {
      pane = await Pane.start(columns, rows);
      const flags = `--netns ${host.name} --interval 200ms --threshold failures=50% --threshold p99-internal=10s`;
      pane.enter(`${process.execPath} ${RUN} health ${flags}`);
      await pane.shows((screen) => screen.includes('nothing to judge'));
      await connect(host, '127.0.0.1', PORT.plain, { count: 211 });
      await connect(host, '127.0.0.1', PORT.nobody, { count: 5 });
      const screen = await pane.shows((text) => text.includes('211 ok'));
      assert.match(screen, /^✓ healthy: 216 attempts, 2\.3% failed, no SYN lost/m);
      assert.match(screen, /^✓ Attempts +216 .*5 refused$/m);
      assert.match(screen, /^✓ Inside +211 ok, P50 .*P95 .*P99 /m);
      if (rows > 20) assert.match(screen, /^✓ \S*health-terminal\n? +216 +5 +0% /m);
      pane.keys('?');
      await pane.shows((text) => text.includes('any key goes back') && text.includes('SYN LOSS'));
      pane.keys('x');
      await pane.shows((text) => text.includes('healthy'));
      pane.keys('q');
      const last = await pane.shows((text) => text.includes('0 events lost'));
      assert.match(last, /216 attempts in/);
    });
  }

  it('--plain has words in place of marks, and no escape codes', async () => {
    pane = await Pane.start(100, 40);
    pane.enter(`${process.execPath} ${RUN} health --plain --once --duration 1s --netns ${host.name}`);
    const screen = await pane.shows((text) => text.includes('events lost'));
    assert.match(screen, /^nothing to judge/m);
    assert.match(screen, /^Accept queues: none was full$/m);
    assert.doesNotMatch(screen, /[·✓✗▁-█]/);
  });
});
