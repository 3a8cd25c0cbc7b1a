/** Several tools on one kernel: two of ours, and bpftrace on the same tracepoint. None disturbs another. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { toFilter } from '#tcpscope/cli/filter-flags.js';
import { HandshakeSource } from '#tcpscope/kernel/handshakes.js';
import { connect, listen, loop, Namespace, Network, SERVER } from '#tcpscope/lab/network.js';
import { monotonicNs } from '#tcpscope/session/clock.js';
import { onHost } from '../features.js';
import { fewer } from '../slowdown.js';
import { bpfIds, skippedRuns, stillLoaded, type BpfIds } from '../soak/process.js';
import { parseSummary } from '../soak/rules.js';
import { Tool, type Ended } from './tool.js';

const NAME = 'neighbour';
const PORT = { open: 9000, losesFirstSyn: 9001, nobody: 9 };
const [OK, UNLUCKY, REFUSED] = [997, 23, 31];
const ATTEMPTS = OK + UNLUCKY + REFUSED;
const KERNEL_SWITCHES = ['bpf_stats_enabled', 'perf_event_paranoid', 'unprivileged_bpf_disabled'];

/** What the summary of each has to say of the traffic; of the kernel's skips see `sawAll`. */
const CONNLAT = { ok: OK + UNLUCKY, refused: REFUSED };
const RETRANS = { syn: UNLUCKY };

const bpfOf = (tool: Tool): BpfIds => bpfIds(tool.process.pid!);

describe('several tools at once', () => {
  let network: Network;
  let only: string[];
  let switches: string[];

  before(async () => {
    network = await Network.create({ name: 'neighbours', drop: [`first-syn:${PORT.losesFirstSyn}`] });
    only = ['--netns', [network.client, network.server].map(({ name }) => name).join()];
    for (const port of [PORT.open, PORT.losesFirstSyn])
      await listen(network.server, SERVER.ipv4, port, { close: true });
  });
  after(() => network.destroy());
  beforeEach(() => {
    switches = kernelSwitches();
  });
  afterEach(() => {
    assert.deepEqual(kernelSwitches(), switches);
  });

  async function traffic(): Promise<void> {
    const { client } = network;
    const results = await Promise.all([
      connect(client, SERVER.ipv4, PORT.open, { count: OK, name: NAME, reset: true }),
      connect(client, SERVER.ipv4, PORT.losesFirstSyn, { count: UNLUCKY, concurrent: UNLUCKY, name: NAME }),
      connect(client, SERVER.ipv4, PORT.nobody, { count: REFUSED, name: NAME }),
    ]);
    const [ok, refused] = [
      results.map((each) => each.ok),
      results.map(({ errors }) => errors['ECONNREFUSED']),
    ];
    assert.deepEqual(
      [ok, refused],
      [
        [OK, UNLUCKY, 0],
        [undefined, undefined, REFUSED],
      ],
    );
  }

  const pairs: [string, string][] = [
    ['connlat --json', 'connlat --json'],
    ['connlat --json', 'retrans --json'],
    ['connlat --by remote', 'connlat --by remote'],
    ['connlat --by comm', 'connlat --hist'],
    ['retrans --by remote', 'retrans --json'],
  ];

  for (const words of pairs) {
    it(`${words.join(' beside ')}: each sees all of the traffic`, async () => {
      const tools = await Promise.all(words.map(start));
      const ids = tools.map(bpfOf);
      assert.deepEqual(shared(ids), []);
      await traffic();
      assert.deepEqual(kernelSwitches(), switches);
      for (const [at, tool] of tools.entries()) {
        sawAll(words[at]!, await tool.stop());
        assert.deepEqual(
          tools.slice(at + 1).map(ended),
          tools.slice(at + 1).map(() => false),
        );
      }
      await gone(...ids);
    });
  }

  // How a tool ends by itself is the same on every kernel; what a killed one leaves is the kernel's to remove.
  for (const [signal, test] of [
    ['SIGINT', onHost.it],
    ['SIGKILL', it],
  ] as const) {
    for (const words of pairs) {
      test(`${words.join(' beside ')}: ${signal} ends the first, the second goes on and counts on`, async () => {
        const [first, second] = [await start(words[0]), await start(words[1])];
        const [ofFirst, ofSecond] = [bpfOf(first), bpfOf(second)];
        await traffic();
        const { code, signal: by } = await first.stop(signal);
        assert.deepEqual(
          { code, by },
          signal === 'SIGINT' ? { code: 0, by: null } : { code: null, by: signal },
        );
        await gone(ofFirst);
        assert.equal(stillLoaded(ofSecond).length, ofSecond.programs.size + ofSecond.maps.size);
        await traffic();
        sawAll(words[1], await second.stop(), 2);
        await gone(ofSecond);
      });
    }
  }

  const start = (words: string): Promise<Tool> => Tool.start([...words.split(' '), ...only]);
});

describe('attempts in flight', function () {
  this.timeout(120_000);

  // The tracepoint stores an attempt; the socket is in SYN_SENT only when the programs of all other tools have run as well.
  it('are not lost to a look at them that comes before their socket connects', async () => {
    const ATTEMPTS = fewer(50_000);
    const host = await Namespace.create('looks');
    const sources = Array.from({ length: 4 }, () => startSource(host));
    try {
      const ended = new AbortController();
      const traffic = loop(ATTEMPTS, 9000, {}, host).finally(() => {
        ended.abort();
      });
      const seen = sources.map(() => 0);
      const drain = (): void => {
        for (const [at, source] of sources.entries()) seen[at]! += source.drain(monotonicNs()).length;
      };
      while (!ended.signal.aborted) {
        sources[0]!.inFlight();
        drain();
        await setImmediate();
      }
      await traffic;
      drain();
      for (const [at, source] of sources.entries()) {
        const { lost, untracked, missed } = source.losses();
        assert.deepEqual({ lost, untracked }, { lost: 0, untracked: 0 });
        assert.ok(seen[at]! <= ATTEMPTS && seen[at]! >= ATTEMPTS - missed, `${seen[at]}, ${missed} missed`);
      }
    } finally {
      for (const source of sources) source.close();
      await host.destroy();
    }
  });
});

// A guest takes half a minute to compile the script, which has no part in what the kernel does.
onHost.describe('beside bpftrace', function () {
  this.timeout(120_000);
  const HANDSHAKES = 20_011;
  let host: Namespace;
  before(async () => {
    const { error } = spawnSync('bpftrace', ['--version']);
    assert.equal(error, undefined, 'scripts/setup installs bpftrace');
    host = await Namespace.create('bpftrace');
  });
  after(() => host.destroy());

  for (const words of ['connlat --json', 'connlat --by remote', 'connlat --hist', 'retrans --json']) {
    it(`${words}: both see every handshake`, async () => {
      const peer = await Peer.start();
      const tool = await Tool.start([...words.split(' '), '--netns', host.name]);
      await loop(HANDSHAKES, 9000, { name: NAME }, host);
      const { stderr } = await tool.stop();
      const counted = await peer.stop();
      const { count, lost, missed } = parseSummary(stderr);
      assert.equal(lost, 0);
      const expected = words.startsWith('connlat') ? HANDSHAKES : 0;
      assert.ok(count <= expected && count >= expected - missed, stderr);
      assert.ok(
        counted.starts <= HANDSHAKES && counted.starts >= HANDSHAKES - counted.missed,
        JSON.stringify(counted),
      );
    });
  }

  it('goes on when connlat is killed, and connlat when bpftrace is', async () => {
    const [peer, mortal] = [await Peer.start(), await Peer.start()];
    const tool = await Tool.start(['connlat', '--json', '--netns', host.name]);
    const victim = await Tool.start(['connlat', '--json', '--netns', host.name]);
    await loop(HANDSHAKES, 9000, { name: NAME }, host);
    await victim.stop('SIGKILL');
    await mortal.kill();
    await loop(HANDSHAKES, 9000, { name: NAME }, host);
    const { count, missed } = parseSummary((await tool.stop()).stderr);
    assert.ok(count <= 2 * HANDSHAKES && count >= 2 * HANDSHAKES - missed);
    const { starts, missed: skipped } = await peer.stop();
    assert.ok(starts <= 2 * HANDSHAKES && starts >= 2 * HANDSHAKES - skipped);
  });
});

/** All of the traffic so many times, but for what the kernel says that it skipped. */
function sawAll(words: string, { stderr, code }: Ended, times = 1): void {
  assert.equal(code, 0, stderr);
  const { results, count, lost, untracked, missed } = parseSummary(stderr);
  assert.deepEqual({ lost, untracked }, { lost: 0, untracked: 0 }, stderr);
  const expected: Record<string, number> = words.startsWith('connlat') ? CONNLAT : RETRANS;
  for (const [result, each] of Object.entries(expected)) {
    const seen = results[result] ?? 0;
    assert.ok(seen <= each * times && seen >= each * times - missed, `${words}: ${stderr}`);
  }
  if (words.startsWith('connlat')) assert.ok(count <= ATTEMPTS * times, stderr);
}

function ended({ process: { exitCode, signalCode } }: Tool): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Numbers of programs and maps that two tools have both. */
function shared(ids: readonly BpfIds[]): number[] {
  const all = ids.flatMap(({ programs, maps }) => [...programs, ...[...maps].map((id) => -id)]);
  return all.filter((id, at) => all.indexOf(id) !== at);
}

/** Resolves when the kernel has freed them, some RCU grace periods after their last descriptor; mocha's time-out bounds the wait. */
async function gone(...ids: readonly BpfIds[]): Promise<void> {
  while (ids.some((each) => stillLoaded(each).length > 0)) await setImmediate();
}

function kernelSwitches(): string[] {
  return KERNEL_SWITCHES.map((name) => readFileSync(`/proc/sys/kernel/${name}`, 'utf8'));
}

function startSource(host: Namespace): HandshakeSource {
  return HandshakeSource.start({
    filter: toFilter({ netns: [host.name] }),
    transport: 'ring',
    syncErrors: false,
    pendingNs: 0,
    meetings: false,
    audit: false,
  });
}

/** bpftrace, counting on the tracepoint that connlat is on. */
class Peer {
  private static readonly SCRIPT = `
    BEGIN { printf("Tracing\\n"); }
    tracepoint:sock:inet_sock_set_state /args->protocol == 6 && args->newstate == 2 && comm == "${NAME}"/ {
      @starts = count();
    }`;
  /** It needs tracefs; where that is not mounted, it gets one that only it sees. */
  private static readonly WITH_TRACEFS =
    'mountpoint -q "$0" || mount -t tracefs tracefs "$0"; exec bpftrace "$@"';

  private output = '';
  private readonly ended: Promise<unknown>;

  private constructor(private readonly process: ChildProcess) {
    process.stdout!.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.ended = once(process, 'close');
  }

  static async start(): Promise<Peer> {
    const inItsMounts = ['-m', 'sh', '-c', Peer.WITH_TRACEFS, '/sys/kernel/tracing'];
    const words = [...inItsMounts, '-B', 'line', '-e', Peer.SCRIPT];
    const peer = new Peer(spawn('unshare', words, { stdio: ['ignore', 'pipe', 'ignore'] }));
    while (!peer.output.includes('Tracing')) await once(peer.process.stdout!, 'data');
    return peer;
  }

  /** What it has counted, and the runs of its programs that the kernel skipped. */
  async stop(): Promise<{ starts: number; missed: number }> {
    const missed = skippedRuns(bpfIds(this.process.pid!));
    // Again, because bpftrace 0.17 misses a signal now and then.
    const insist = setInterval(() => this.process.kill('SIGINT'), 500);
    this.process.kill('SIGINT');
    await this.ended;
    clearInterval(insist);
    return { starts: Number(/@starts: (\d+)/.exec(this.output)?.[1] ?? '0'), missed };
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }
}
