/** As fast as one CPU can connect: nothing is lost, and what is lost on purpose is counted. */
import assert from 'node:assert/strict';
import { Namespace, Network, SERVER, connect, loop } from '#tcpscope/lab/network.js';
import { HandshakeSource } from '#tcpscope/kernel/handshakes.js';
import { monotonicNs } from '#tcpscope/session/clock.js';
import { toFilter, type FilterFlagValues } from '#tcpscope/cli/filter-flags.js';
import { onHost } from '../features.js';
import { fewer } from '../slowdown.js';
import { Tool, trace, unshownRows } from './tool.js';

const HANDSHAKES = fewer(100_000);
const COMPARED = fewer(20_000);
/** More than a buffer has room for. */
const TOO_MANY = 100_000;

describe('connlat at full speed', function () {
  this.timeout(120_000);
  let host: Namespace;
  beforeEach(async () => {
    host = await Namespace.create('speed');
  });
  afterEach(() => host.destroy());

  for (const transport of ['ring', 'perf']) {
    it(`prints ${HANDSHAKES} rows through the ${transport} buffer, as many as ActiveOpens`, async () => {
      const { rows, stderr } = await trace(['--netns', host.name, '--transport', transport], () =>
        loop(HANDSHAKES, 9000, {}, host),
      );
      // On a busy machine the reader of the rows may be slower than they come.
      assert.equal(rows.length + unshownRows({ stderr }), HANDSHAKES, stderr);
      assert.match(stderr, /; 0 events lost/);
      assert.equal((await host.snmp())['Tcp.ActiveOpens'], HANDSHAKES);
      assert.equal(new Set(rows.map((row) => `${row.time} ${row.local_port}`)).size, rows.length);
    });
  }

  it('agrees with the kernel without a filter', async () => {
    const { stderr } = await trace([], () => loop(HANDSHAKES, 9000, {}, host));
    const opens = /agrees with the kernel \(ActiveOpens \+([\d,]+)/.exec(stderr)?.[1] ?? '';
    assert.ok(Number(opens.replaceAll(',', '')) >= HANDSHAKES, stderr);
  });

  it('counts the same in the kernel (--hist) as in rows', async () => {
    const histogram = await Tool.start(['connlat', '--hist', '--csv', '--netns', host.name]);
    const { rows } = await trace(['--netns', host.name], () => loop(COMPARED, 9000, {}, host));
    const { stdout, stderr, code } = await histogram.stop();
    assert.equal(code, 0);
    const all = COMPARED.toLocaleString('en');
    assert.match(stderr, new RegExp(`${all} attempts in .*: ${all} ok`));

    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(','));
    const lastTime = lines.at(-1)![0];
    const buckets = lines
      .filter(([time]) => time === lastTime)
      .map(([, from, to, count]) => ({ from: Number(from), to: Number(to), count: Number(count) }));
    for (const { from, to, count } of buckets) {
      // Two programs on one tracepoint take their times a moment apart: compare where the buckets are coarse.
      const near = rows.filter(({ latency_us: us }) => us >= from * 0.5 && us < to * 2).length;
      assert.ok(near >= count * 0.5, `${from}..${to}: ${count} in the kernel, ${near} rows near it`);
    }
    assert.equal(
      buckets.reduce((total, { count }) => total + count, 0),
      COMPARED,
    );
  });

  // In guests, test/native loses events of smaller buffers, in a moment.
  onHost.it('counts what a reader that stands still loses, and goes on', async () => {
    const tool = await Tool.start(['connlat', '--json', '--netns', host.name]);
    tool.process.kill('SIGSTOP');
    await loop(TOO_MANY, 9000, {}, host);
    tool.process.kill('SIGCONT');
    const { stderr, code, signal } = await tool.stop();
    assert.deepEqual({ code, signal }, { code: 0, signal: null });
    const lost = Number(/([\d,]+) events? lost/.exec(stderr)?.[1]?.replaceAll(',', ''));
    assert.ok(lost > 0, stderr);
    assert.equal(tool.rows().length + unshownRows({ stderr }) + lost, TOO_MANY);
  });

  it('takes every attempt out of the in-flight map, also one below --min-latency or for another port', async () => {
    for (const filter of [{ 'min-latency': '10s' }, { 'local-port': ['1'] }]) {
      const source = startWithRoomForFour({ netns: [host.name], ...filter });
      try {
        await loop(1000, 9000, {}, host);
        assert.deepEqual(source.drain(monotonicNs()), []);
        assert.deepEqual(source.losses(), { lost: 0, untracked: 0, missed: 0 });
        assert.deepEqual(source.inFlight(), []);
      } finally {
        source.close();
      }
    }
  });

  it('counts attempts that the in-flight map has no room for', async () => {
    const network = await Network.create({ drop: ['all-syn'] });
    const source = startWithRoomForFour({ netns: [network.client.name] });
    try {
      const hanging = { count: 10, concurrent: 10, timeoutMs: 200 };
      assert.equal((await connect(network.client, SERVER.ipv4, 9000, hanging)).abandoned, 10);
      const finished = source.drain(monotonicNs());
      const { untracked } = source.losses();
      assert.ok(untracked > 0);
      assert.equal(finished.length + untracked, 10);
    } finally {
      source.close();
      await network.destroy();
    }
  });
});

/** A source whose in-flight map holds four attempts at once. */
function startWithRoomForFour(filter: FilterFlagValues): HandshakeSource {
  return HandshakeSource.start({
    filter: toFilter(filter),
    transport: 'ring',
    syncErrors: false,
    pendingNs: 0,
    meetings: false,
    audit: false,
    maxInFlight: 4,
  });
}
