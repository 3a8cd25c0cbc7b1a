/** Recordings of the real kernel: what is replayed is what was shown, whatever ended it, and as one with other hosts' recordings. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Network, SERVER, connect, listen } from '#tcpscope/lab/network.js';
import { RecordingWriter } from '#tcpscope/record/writer.js';
import { openRecording } from '#tcpscope/record/reader.js';
import { onHost } from '../features.js';
import { RUN, Tool, countBy, trace, traceRetrans, type Row } from './tool.js';

const PORT = { plain: 9000, delayed: 9001, refused: 9009, firstSyn: 9002, allSyn: 9003 } as const;
const OUTCOMES = { ok: 9, refused: 3, abandoned: 2 } as const;
/** Filters and how many of the attempts below pass each. */
const FILTERS: readonly [flags: string, count: number][] = [
  ['', 14],
  [`--port ${PORT.refused}`, 3],
  [`--exclude-port ${PORT.refused},${PORT.allSyn}`, 9],
  ['--comm curl', 3],
  [`--addr ${SERVER.ipv6}/64`, 2],
  ['-6', 2],
  ['-4', 12],
  ['--min-latency 900ms', 4],
  ['--min-latency 30m', 0],
  ['--uid 1', 0],
  ['--internal', 14],
  ['--external', 0],
];

describe('recordings', function () {
  this.timeout(60_000);
  let folder: string;
  let network: Network;
  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'recordings-'));
    network = await Network.create({
      delayUs: 5000,
      drop: [`first-syn:${PORT.firstSyn}`, `all-syn:${PORT.allSyn}`],
    });
    for (const port of [PORT.plain, PORT.firstSyn, PORT.allSyn]) {
      await listen(network.server, SERVER.ipv4, port);
      await listen(network.server, SERVER.ipv6, port);
    }
  });
  after(async () => {
    await network.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  const inFolder = (name: string): string => path.join(folder, name);

  /** 9 that succeed, 2 of them after a lost SYN and 2 over IPv6; 3 refused; 2 given up after 1.5 s. */
  async function traffic(): Promise<void> {
    const { client } = network;
    await connect(client, SERVER.ipv4, PORT.plain, { count: 5, name: 'puma' });
    await connect(client, SERVER.ipv6, PORT.plain, { count: 2, name: 'puma' });
    await connect(client, SERVER.ipv4, PORT.refused, { count: 3, name: 'curl' });
    await connect(client, SERVER.ipv4, PORT.firstSyn, { count: 2, concurrent: 2 });
    await connect(client, SERVER.ipv4, PORT.allSyn, { count: 2, concurrent: 2, timeoutMs: 1500 });
  }

  const replay = (...args: string[]) =>
    spawnSync(process.execPath, [RUN, 'replay', ...args], { encoding: 'utf8', timeout: 20_000 });
  const rowsOf = (ndjson: string): Row[] =>
    ndjson
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Row);

  describe('of connlat', () => {
    let file: string;
    let live: Awaited<ReturnType<typeof trace>>;
    before(async () => {
      file = inFolder('connlat.tsr');
      live = await trace(['--netns', network.client.name, '--record', file], traffic);
    });

    it('give the very rows that were shown', () => {
      const { status, stdout } = replay(file, '--json');
      assert.equal(status, 0);
      const withoutTime = (row: Row): Row => ({ ...row, time: '' });
      const rows = rowsOf(stdout);
      assert.deepEqual(rows.map(withoutTime), live.rows.map(withoutTime));
      for (const [at, { time }] of rows.entries())
        assert.ok(Math.abs(Date.parse(time) - Date.parse(live.rows[at]!.time)) <= 2, time);
      const ended = rows.filter(({ result }) => result !== 'pending');
      assert.deepEqual(
        countBy(ended, ({ result }) => result),
        OUTCOMES,
      );
    });

    it('give the same summary', () => {
      const sums = (stderr: string): RegExpExecArray | null =>
        /14 attempts in .*: (9 ok.*)\n(ok latency .*; 0 events lost)/.exec(stderr);
      const [, counts, latency] = sums(replay(file).stderr) ?? [];
      assert.deepEqual([counts, latency], sums(live.stderr)?.slice(1));
      assert.ok(counts);
    });

    for (const [flags, count] of FILTERS) {
      const alsoLive = flags.startsWith('--min');
      // A replay asks no kernel.
      const test = alsoLive ? it : onHost.it;
      test(`${flags || 'no filter'} keeps ${count}${alsoLive ? ', as it does in the kernel' : ''}`, async () => {
        const words = flags.split(' ').filter((word) => word !== '');
        const { stdout } = replay(file, '--json', ...words);
        const isEnded = ({ result }: Row): boolean => result !== 'pending';
        assert.equal(rowsOf(stdout).filter(isEnded).length, count);
        if (!alsoLive) return;
        const { rows } = await trace(['--netns', network.client.name, ...words], traffic);
        assert.equal(rows.filter(isEnded).length, count);
      });
    }

    // A replay asks no kernel.
    onHost.it('know the network namespace by the name that it had, and a cgroup by its path', () => {
      const count = (...flags: string[]): number => rowsOf(replay(file, '--json', ...flags).stdout).length;
      const all = count();
      assert.equal(count('--netns', network.client.name), all);
      assert.equal(count('--netns', 'another'), 0);
      assert.equal(count('--cgroup', '/'), live.rows.filter(({ cgroup }) => cgroup !== null).length);
      assert.equal(count('--cgroup', '/no.slice'), 0);
    });

    it('are for the owner alone, and are not written over', async () => {
      assert.equal(statSync(file).mode & 0o777, 0o600);
      const tool = Tool.spawn(['connlat', '--record', file]);
      const { code, stderr } = await tool.wait();
      assert.equal(code, 1);
      assert.match(stderr, /a recording never replaces one/);
    });

    // A replay asks no kernel.
    onHost.it('at their own speed take their own time', () => {
      const began = performance.now();
      const { stdout } = replay(file, '--json', '--speed', '2x', '--duration', '2s');
      assert.ok(performance.now() - began >= 1000);
      assert.ok(rowsOf(stdout).length > 0);
    });

    // A replay asks no kernel.
    onHost.it('redacted hold no address and no name', () => {
      const redacted = inFolder('redacted.tsr');
      const { status, stderr } = replay(file, '--record', redacted, '--redact');
      assert.equal(status, 0, stderr);
      const text = gunzipSync(readFileSync(redacted)).toString();
      for (const secret of [SERVER.ipv4, SERVER.ipv6, 'puma', 'curl', network.client.name])
        assert.ok(!text.includes(secret), secret);
      assert.deepEqual(
        countBy(rowsOf(replay(redacted, '--json').stdout), ({ result }) => result),
        countBy(live.rows, ({ result }) => result),
      );
    });
  });

  it('of retrans give the tables that were shown', async () => {
    const file = inFolder('retrans.tsr');
    const only = ['--netns', `${network.client.name},${network.server.name}`];
    const { rows } = await traceRetrans([...only, '--record', file], traffic);
    const { stdout } = replay(file, '--by', 'kind', '--json');
    const last = new Map<string, number>();
    for (const line of stdout.trim().split('\n')) {
      const { kind, retrans } = JSON.parse(line) as { kind: string; retrans: number };
      last.set(kind, retrans);
    }
    assert.deepEqual(
      Object.fromEntries(last),
      countBy(rows, ({ kind }) => kind),
    );
    assert.ok((last.get('syn') ?? 0) >= 4);
  });

  it('of --hist hold every attempt, though the kernel could have summed them up', async () => {
    const file = inFolder('hist.tsr');
    await trace(['--netns', network.client.name, '--hist', '--record', file], traffic);
    const rows = rowsOf(replay(file, '--json').stdout).filter(({ result }) => result !== 'pending');
    assert.deepEqual(
      countBy(rows, ({ result }) => result),
      OUTCOMES,
    );
  });

  it('end where the recorder was killed, and say so', async () => {
    const file = inFolder('killed.tsr');
    const tool = await Tool.start(['connlat', '--json', '--netns', network.client.name, '--record', file]);
    await traffic();
    await written(file, 14);
    await tool.stop('SIGKILL');
    const { status, stdout, stderr } = replay(file, '--json');
    assert.equal(status, 0);
    assert.equal(rowsOf(stdout).filter(({ result }) => result !== 'pending').length, 14);
    assert.match(stderr, /without an end: cut off, or still being written/);
  });

  it('are followed while they are written', async () => {
    const file = inFolder('followed.tsr');
    const tool = await Tool.start(['connlat', '--netns', network.client.name, '--record', file]);
    const follower = Tool.spawn(['replay', file, '--follow', '--json']);
    await traffic();
    await follower.rowsUntil((rows) => rows.filter(({ result }) => result !== 'pending').length === 14);
    await tool.stop();
    const { code, stderr } = await follower.wait();
    assert.equal(code, 0, stderr);
    assert.match(stderr, /14 attempts/);
  });

  /** Waits until the file has so many finished attempts. */
  async function written(file: string, count: number): Promise<void> {
    const follower = Tool.spawn(['replay', file, '--follow', '--json', '--count', String(count)]);
    await follower.wait();
  }

  describe('of two hosts', () => {
    /** What makes a namespace a host of its own, with a name and a boot. */
    const asHost = (name: string): string[] => {
      const bootId = inFolder(`${name}.boot`);
      writeFileSync(bootId, `00000000-0000-4000-8000-${name.padEnd(12, '0').replace(/[^0-9a-f]/g, 'a')}\n`);
      const script =
        'hostname "$0" && mount --bind "$1" /proc/sys/kernel/random/boot_id && shift && exec "$@"';
      return ['unshare', '--uts', '--mount', 'bash', '-c', script, name, bootId];
    };
    let client: string;
    let server: string;
    before(async () => {
      client = inFolder('client.tsr');
      server = inFolder('server.tsr');
      const start = (name: string, netns: string, file: string): Promise<Tool> =>
        Tool.start(['connlat', '--json', '--netns', netns, '--record', file], { wrapper: asHost(name) });
      const tools = [
        await start('web-1', network.client.name, client),
        await start('db-1', network.server.name, server),
      ];
      await traffic();
      for (const tool of tools) assert.equal((await tool.stop()).code, 0);
    });

    /** What the replay says of the second clock, in ms. */
    function skewMs(stderr: string): number {
      const [, amount = '', unit = '', way = ''] =
        /the clock of db-1 is ([\d.]+) (µs|ms|s) (ahead of|behind) that of web-1/.exec(stderr) ?? [];
      const ms = Number(amount) * { µs: 1e-3, ms: 1, s: 1e3 }[unit as 'ms'];
      return way === 'behind' ? -ms : ms;
    }

    it('come in one order of time, each with its host', () => {
      const { stdout, stderr } = replay(client, server, '--json');
      const rows = rowsOf(stdout);
      assert.deepEqual(new Set(rows.map(({ host }) => host)), new Set(['web-1']), 'only the client connects');
      const times = rows.map(({ time }) => time);
      assert.deepEqual(times, [...times].sort());
      // Both have the same clock, and the round trip is 10 ms.
      assert.ok(Math.abs(skewMs(stderr)) <= 5.5, stderr);
    });

    it('get the difference of their clocks taken out', async () => {
      const shifted = inFolder('shifted.tsr');
      await copyWithClock(server, shifted, 3_000_000_000n);
      const { stderr } = replay(client, shifted, '--json');
      assert.ok(Math.abs(skewMs(stderr) - 3000) <= 5.5, stderr);
    });
  });
});

/** A copy of a recording whose host's wall clock showed so much more. */
async function copyWithClock(from: string, to: string, byNs: bigint): Promise<void> {
  const file = await openRecording(from);
  const { monotonicNs, unixNs } = file.head.clock;
  const writer = await RecordingWriter.create(to, file.head, {
    readClock: () => ({ monotonicNs, unixNs: unixNs + byNs }),
  });
  for await (const lines of file.lines())
    for (const line of lines) {
      if (line.kind === 'item') writer.add(line.item);
      else if (line.kind === 'meeting') writer.add(line.meeting);
    }
  const { losses, endedNs } = file.progress;
  await writer.close({
    losses: losses ?? { lost: 0, untracked: 0, missed: 0 },
    endedNs: endedNs ?? monotonicNs,
  });
  await file.close();
}
