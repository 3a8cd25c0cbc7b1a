/** Tables and histograms that the kernel sums up, against those of events, of the same traffic. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HANDSHAKE_KEYS } from '#tcpscope/aggregate/handshake-keys.js';
import { toFilter } from '#tcpscope/cli/filter-flags.js';
import { HandshakeSource } from '#tcpscope/kernel/handshakes.js';
import { NO_PARTS } from '#tcpscope/model/flow-parts.js';
import { isHandshake, type HandshakeItem, type HandshakeSum } from '#tcpscope/model/handshake.js';
import { bucketIndex } from '#tcpscope/model/histogram.js';
import { monotonicNs } from '#tcpscope/session/clock.js';
import {
  connect,
  listen,
  Namespace,
  Network,
  SERVER,
  startConnect,
  type Connecting,
  type ConnectOptions,
} from '#tcpscope/lab/network.js';
import { SLOWDOWN } from '../slowdown.js';
import { Tool, type Ended } from './tool.js';

const PORT = { plain: 9000, other: 9001, nobody: 9002, firstSyn: 9003, allSyn: 9004 } as const;
/** One way. It makes latencies long beside the moment by which two programs on one tracepoint differ. */
const DELAY_US = 5000;
const CONFIG = `
regions:
  west: [${SERVER.ipv4}/32]
  east: ["${SERVER.ipv6}/128"]
`;

/** All of them, in sets that make many groups and few. */
const KEYS = [
  'remote,result',
  'subnet:16,comm',
  'pid,netns',
  'container,pod,namespace,unit,cgroup',
  'region,role,external,service,remote-port,host',
];

type Values = Readonly<Record<string, string | number | boolean | null>>;

/** The lines of the last interval, without what depends on when an interval ended. */
function lastTable(stdout: string): Values[] {
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Values);
  const last = lines.at(-1)?.['time'];
  return lines
    .filter(({ time }) => time === last)
    .map((line) =>
      Object.fromEntries(Object.entries(line).filter(([key]) => !/^(time|rate_per_s|interval_)/.test(key))),
    );
}

/** Two programs on one tracepoint take their times a moment apart: a bucket, but more if the machine stands still in between. */
const MOST_OFF = SLOWDOWN > 1 ? { usually: 1, ofLongest: 1 } : { usually: 0.02, ofLongest: 0.25 };

function assertSame(summed: readonly Values[], counted: readonly Values[]): void {
  const exact = (table: readonly Values[]): string[] =>
    table
      .map((line) =>
        JSON.stringify(Object.fromEntries(Object.entries(line).filter(([key]) => !key.endsWith('_us')))),
      )
      .sort();
  assert.deepEqual(exact(summed), exact(counted));
  const times = (table: readonly Values[]): [string, number][] =>
    table
      .flatMap((line) =>
        Object.entries(line)
          .filter(([key, value]) => key.endsWith('_us') && value !== null)
          .map(([key, value]): [string, number] => [
            `${JSON.stringify(Object.entries(line).filter(([name]) => !name.endsWith('_us')))} ${key}`,
            Number(value),
          ]),
      )
      .sort(([a], [b]) => (a < b ? -1 : 1));
  const expected = times(counted);
  for (const [at, [name, us]] of times(summed).entries()) {
    assert.equal(name, expected[at]?.[0]);
    const off = Math.abs(us / expected[at]![1] - 1);
    const mostOff = / (p99|max)_us$/.test(name) ? MOST_OFF.ofLongest : MOST_OFF.usually;
    assert.ok(off < mostOff, `${name}: ${us} in the kernel, ${expected[at]![1]} from events`);
  }
}

describe('sums of the kernel', function () {
  this.timeout(120_000);
  let network: Network;
  let folder: string;
  before(async () => {
    network = await Network.create({
      delayUs: DELAY_US,
      drop: [`first-syn:${PORT.firstSyn}`, `all-syn:${PORT.allSyn}`],
    });
    for (const port of [PORT.plain, PORT.other, PORT.firstSyn])
      for (const address of [SERVER.ipv4, SERVER.ipv6]) await listen(network.server, address, port);
    folder = mkdtempSync(path.join(tmpdir(), 'tcpscope-'));
    writeFileSync(path.join(folder, 'config.yaml'), CONFIG);
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await network.destroy();
  });

  /**
   * The processes stay, since what they are part of may be asked of them. In a guest one connects after the other: Linux 7.2 skips a
   * program of a tracepoint while another task is preempted in it.
   */
  const traffic = async (): Promise<Connecting[]> => {
    const atOnce = (concurrent: number): Pick<ConnectOptions, 'concurrent'> =>
      SLOWDOWN > 1 ? {} : { concurrent };
    const all: [address: string, port: number, options: ConnectOptions][] = [
      [SERVER.ipv4, PORT.plain, { count: 300, ...atOnce(30), name: 'puma' }],
      [SERVER.ipv6, PORT.plain, { count: 100, ...atOnce(10), name: 'puma' }],
      [SERVER.ipv4, PORT.other, { count: 50, ...atOnce(10), name: 'sidekiq' }],
      [SERVER.ipv4, PORT.nobody, { count: 40, ...atOnce(10), name: 'curl' }],
      [SERVER.ipv4, PORT.firstSyn, { count: 7, concurrent: 7, name: 'curl' }],
      [SERVER.ipv4, PORT.allSyn, { count: 5, concurrent: 5, timeoutMs: 1200, name: 'curl' }],
    ];
    const processes: Connecting[] = [];
    for (const [address, port, options] of all) {
      const connecting = startConnect(network.client, address, port, { ...options, hold: true });
      processes.push(connecting);
      if (SLOWDOWN > 1) await connecting.summary;
    }
    await Promise.all(processes.map(({ summary }) => summary));
    return processes;
  };

  /** What `args` gives by sums, and from events: a recording needs those. */
  async function both(args: readonly string[]): Promise<{ summed: Ended; counted: Ended }> {
    const common = ['connlat', '--netns', network.client.name, '--config', path.join(folder, 'config.yaml')];
    const file = path.join(mkdtempSync(path.join(folder, 'run-')), 'events.tsr');
    const tools = await Promise.all([
      Tool.start([...common, ...args]),
      Tool.start([...common, ...args, '--record', file]),
    ]);
    const processes = await traffic();
    const [summed, counted] = await Promise.all(tools.map((tool) => tool.stop()));
    await Promise.all(processes.map((each) => each.stop()));
    for (const ended of [summed!, counted!]) {
      assert.equal(ended.code, 0, ended.stderr);
      assert.match(ended.stderr, /; 0 events lost/);
    }
    return { summed: summed!, counted: counted! };
  }

  it('knows every key', () => {
    const tried = KEYS.flatMap((keys) => keys.split(',')).map((key) => key.split(':')[0]!);
    assert.deepEqual(tried.sort(), Object.keys(HANDSHAKE_KEYS).sort());
  });

  for (const keys of KEYS) {
    it(`are those of events, by ${keys}`, async () => {
      const { summed, counted } = await both(['--json', '--by', keys]);
      const table = lastTable(summed.stdout);
      assertSame(table, lastTable(counted.stdout));
      const sum = (key: string): number => table.reduce((all, line) => all + Number(line[key]), 0);
      assert.deepEqual(['attempts', 'ok', 'refused', 'abandoned'].map(sum), [502, 457, 40, 5], summed.stdout);
      const lostSyn = sum('lost_syn');
      // An emulated guest is late to answer some more.
      assert.ok(SLOWDOWN > 1 ? lostSyn >= 12 : lostSyn === 12, summed.stdout);
      const counts = /\d+ attempts in .*?: (.*)/.exec(summed.stderr)?.[1];
      assert.equal(counts, `457 ok, 40 refused, 5 abandoned; ${lostSyn} lost a SYN`);
    });
  }

  it('pass the same filters of user space', async () => {
    const { summed, counted } = await both(['--json', '--by', 'remote-port', '--region', 'west']);
    assertSame(lastTable(summed.stdout), lastTable(counted.stdout));
    assert.match(summed.stderr, /402 attempts in/);
  });

  it('are those of events in a histogram', async () => {
    const { summed, counted } = await both(['--hist', '--csv', '--by', 'comm']);
    const buckets = ({ stdout }: Ended): Map<string, number> => {
      const lines = stdout.trimEnd().split('\n');
      const last = lines.at(-1)!.split(',')[0];
      const found = new Map<string, number>();
      for (const [time, comm, from, , count] of lines.map((line) => line.split(','))) {
        if (time !== last) continue;
        const key = `${comm} ${Math.round(Math.log2(Number(from)) * 2)}`;
        found.set(key, (found.get(key) ?? 0) + Number(count));
      }
      return found;
    };
    const total = (found: Map<string, number>): number => [...found.values()].reduce((a, b) => a + b, 0);
    const [kernel, events] = [buckets(summed), buckets(counted)];
    assert.deepEqual([total(kernel), total(events)], [457, 457]);
    // A latency near the limit of two half octaves may be on either side.
    const differing = [...kernel].reduce(
      (sum, [key, count]) => sum + Math.abs(count - (events.get(key) ?? 0)),
      0,
    );
    assert.ok(differing <= 20 * SLOWDOWN, `${differing} of 457 are in other half octaves`);
  });

  it('tell of attempts that hang, while they hang', async () => {
    const tool = await Tool.start([
      ...['connlat', '--json', '--by', 'result', '--netns', network.client.name],
      ...['--pending', '200ms', '--interval', '200ms'],
    ]);
    const pending = (): number[] =>
      (tool.rows() as unknown as { result: string; pending: number }[])
        .filter(({ result }) => result === 'pending')
        .map((row) => row.pending);
    const hanging = connect(network.client, SERVER.ipv4, PORT.allSyn, {
      count: 3,
      concurrent: 3,
      timeoutMs: 1500,
    });
    await tool.said(() => pending().includes(3));
    await hanging;
    await tool.said(() => tool.rows().some((row) => row.result === 'abandoned'));
    const { stderr } = await tool.stop();
    assert.match(stderr, /3 attempts in .*: 3 abandoned; 3 lost a SYN/);
  });
});

describe('a source that is adjusted while it traces', () => {
  it('sends events, or sums, or sums of one in four, and counts every start', async () => {
    const host = await Namespace.create('adjust');
    await listen(host, '0.0.0.0', PORT.plain);
    const source = HandshakeSource.start({
      filter: toFilter({ netns: [host.name] }),
      transport: 'auto',
      syncErrors: false,
      adjustable: true,
      pendingNs: 0,
      meetings: false,
      audit: false,
    });
    const drained = async (count: number): Promise<{ events: number; summed: number }> => {
      await connect(host, '127.0.0.1', PORT.plain, { count, reset: true });
      const items = source.drain(monotonicNs()) as HandshakeItem[];
      return { events: items.filter(isHandshake).length, summed: attempts(sums(items)) };
    };
    try {
      assert.deepEqual(await drained(10), { events: 10, summed: 0 });
      assert.equal(source.restNs, undefined);
      source.adjust({ sums: true, sampleOneIn: 1 });
      assert.deepEqual(await drained(20), { events: 0, summed: 20 });
      assert.ok(source.restNs! > 0);
      source.adjust({ sums: true, sampleOneIn: 4 });
      const { events, summed } = await drained(2000);
      assert.equal(events, 0);
      assert.equal(summed % 4, 0);
      // Binomial: 500 of 2,000 are followed, with a standard deviation of 19.4.
      assert.ok(Math.abs(summed / 4 - 500) < 5 * 19.4, `${summed / 4} of 2000 followed`);
      source.adjust({ sums: false, sampleOneIn: 1 });
      assert.deepEqual(await drained(10), { events: 10, summed: 0 });
      assert.equal(source.started, 2040);
    } finally {
      source.close();
      await host.destroy();
    }
  });
});

function sums(items: readonly { type: string }[]): HandshakeSum[] {
  return (items as HandshakeItem[]).filter((item) => item.type === 'sum');
}

function attempts(all: readonly HandshakeSum[]): number {
  return all.flatMap(({ counts }) => counts.outcomes).reduce((sum, count) => sum + count, 0);
}

describe('cells of sums', () => {
  let host: Namespace;
  before(async () => {
    host = await Namespace.create('cells');
    await listen(host, '0.0.0.0', PORT.plain);
  });
  after(() => host.destroy());

  const start = (maxCells?: number): HandshakeSource =>
    HandshakeSource.start({
      filter: toFilter({ netns: [host.name] }),
      transport: 'auto',
      syncErrors: false,
      sumsBy: { ...NO_PARTS, ipv4Length: 32 },
      pendingNs: 0,
      meetings: false,
      audit: false,
      ...(maxCells === undefined ? {} : { maxCells }),
    });

  it('hold what happened since the last look, with the least and greatest latency of a bucket', async () => {
    const source = start();
    try {
      const seen: number[] = [];
      for (const count of [10, 0, 25]) {
        if (count > 0) await connect(host, '127.0.0.1', PORT.plain, { count });
        const all = sums(source.drain(monotonicNs()));
        seen.push(attempts(all));
        for (const { bucket, minNs, maxNs } of all.flatMap(({ counts }) => counts.latencies)) {
          assert.ok(minNs > 0 && minNs <= maxNs);
          assert.deepEqual([bucketIndex(minNs), bucketIndex(maxNs)], [bucket, bucket]);
        }
      }
      assert.deepEqual(seen, [10, 0, 25]);
    } finally {
      source.close();
    }
  });

  it('go to the group other when there are too many, and none is lost', async () => {
    const source = start(16);
    try {
      for (let last = 1; last <= 40; last++) await connect(host, `127.0.0.${last}`, PORT.plain, { count: 5 });
      const all = sums(source.drain(monotonicNs()));
      const other = all.filter(({ isOther }) => isOther);
      assert.equal(other.length, 1);
      assert.ok(all.length > 1 && all.length <= 17);
      assert.equal(attempts(all), 200);
      await connect(host, '127.0.0.1', PORT.plain, { count: 3 });
      assert.equal(attempts(sums(source.drain(monotonicNs()))), 3);
    } finally {
      source.close();
    }
  });

  it('are looked at sooner when they fill up', async () => {
    const source = start(64);
    try {
      source.drain(1e9);
      assert.equal(source.restNs, 1e9);
      for (let last = 1; last <= 60; last++) await connect(host, `127.0.0.${last}`, PORT.plain, { count: 1 });
      source.drain(1.2e9);
      // 0.2 s for 60 of 64: half of them take 0.107 s.
      assert.equal(source.restNs, (0.2e9 * 32) / 60);
    } finally {
      source.close();
    }
  });
});
