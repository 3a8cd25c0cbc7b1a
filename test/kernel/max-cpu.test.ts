/** --max-cpu: below what it may cost it shows all, above it less and less, and every attempt is counted. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Namespace, Network, SERVER, connect, listen, loop } from '#tcpscope/lab/network.js';
import { onHost } from '../features.js';
import { RUN, Tool } from './tool.js';

const HANDSHAKES = 50_021;
/** Until it has cost too much for long enough. */
const MOST_ROUNDS = 20;
const CPU_LINE = /^cost: ([\d.]+)% of a core \(--max-cpu ([\d.]+)%\): (.*)$/gm;

interface Stats {
  cpu_percent: number;
  kernel_percent: number;
  events: number;
}

function statsOf({ stderr }: { stderr: string }): Stats[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Stats);
}

/** 0: every attempt; 1: sums; 2, 3 …: of one in 4, 16 … */
function stepOf(what: string): number {
  if (what.includes('every attempt')) return 0;
  const [, oneIn = '1'] = /following 1 in ([\d,]+)/.exec(what) ?? [];
  return 1 + Math.log2(Number(oneIn.replaceAll(',', ''))) / 2;
}

const numbers = (text: string, pattern: RegExp): number[] =>
  [...text.matchAll(pattern)].map(([, number = '']) => Number(number.replaceAll(',', '')));

/** Time of a process on CPUs, ns. */
function cpuNs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 1e7;
}

// What a share of a core is enough for depends on the core.
onHost.describe('connlat --max-cpu', function () {
  this.timeout(180_000);
  let host: Namespace;
  beforeEach(async () => {
    host = await Namespace.create('max-cpu');
  });
  afterEach(() => host.destroy());

  const start = (...args: string[]): Promise<Tool> =>
    Tool.start(['connlat', '--netns', host.name, '--json', ...args]);

  /** What it says of its steps: the share that it took, and what it does. */
  const steps = (stderr: string): [percent: number, what: string][] =>
    [...stderr.matchAll(CPU_LINE)].map(([, percent, , what = '']) => [Number(percent), what]);

  it('sums up in place of rows while these cost too much, and misses none', async () => {
    const tool = await start('--max-cpu', '2%');
    const { pid = 0 } = tool.process;
    const hasSums = (): boolean => tool.stderr.includes('showing sums in place of rows');
    let made = 0;
    for (let round = 0; round < MOST_ROUNDS && !hasSums(); round++) {
      await loop(HANDSHAKES, 9000, {}, host);
      made += HANDSHAKES;
    }
    assert.ok(hasSums(), tool.stderr);
    const [fromNs, from, rowsBefore] = [cpuNs(pid), performance.now(), tool.rows().length];
    await loop(HANDSHAKES, 9000, {}, host);
    made += HANDSHAKES;
    const share = (cpuNs(pid) - fromNs) / ((performance.now() - from) * 1e6);
    // By /proc, which does not have the part of the kernel.
    assert.ok(share < 0.02, `${share} of a core`);
    await tool.said(() => tool.stderr.includes('showing every attempt'), tool.process.stderr);
    await listen(host, '127.0.0.1', 9001);
    await connect(host, '127.0.0.1', 9001, { count: 23 });
    made += 23;
    const { stderr, code } = await tool.stop();

    assert.equal(code, 0);
    assert.equal((await host.snmp())['Tcp.ActiveOpens'], made);
    let before = 0;
    for (const [percent, what] of steps(stderr)) {
      const at = stepOf(what);
      assert.equal(percent >= 2, at > before, `${percent}: ${what}`);
      before = at;
    }
    const began = numbers(stderr, /\(--max-cpu\): ([\d,]+) attempts began/g);
    const seen = numbers(stderr, /^([\d,]+) attempts in .*: [\d,]+ ok/gm).at(-1);
    // All of them, whether or not some were left out for a while.
    assert.deepEqual(began.length > 0 ? began : [seen], [made]);
    assert.ok(numbers(stderr, /^~?([\d,]+) attempts in [\d.]+ m?s.*; ok latency p50/gm).length >= 2, stderr);
    const rows = tool.rows();
    assert.ok(rows.length < made && rowsBefore > 0);
    assert.equal(rows.filter(({ remote_port: port }) => port === 9001).length, 23);
  });

  it('follows one in some attempts where sums cost too much, and estimates', async () => {
    const tool = await start('--max-cpu', '0.1%', '--by', 'remote');
    // What it costs at rest is above such a limit.
    await tool.said(() => tool.stderr.includes('following 1 in 16 attempts'), tool.process.stderr);
    await loop(HANDSHAKES, 9000, {}, host);
    const { stderr } = await tool.stop();
    assert.match(stderr, /: following 1 in 4 attempts, counts are estimates$/m);
    const [began] = numbers(stderr, /counts are estimates \(--max-cpu\): ([\d,]+) attempts began/g);
    assert.equal(began, HANDSHAKES);
    const [estimate = 0] = numbers(stderr, /^([\d,]+) attempts in/gm);
    // Of 1 in 1,024 at worst there are 49: their number is nearly always within 60 %.
    assert.ok(estimate > HANDSHAKES * 0.4 && estimate < HANDSHAKES * 1.6, String(estimate));
    assert.notEqual(estimate, HANDSHAKES);
  });

  it('changes nothing below its limit', async () => {
    await listen(host, '127.0.0.1', 9001);
    const tool = await start('--max-cpu', '90%', '--stats');
    await connect(host, '127.0.0.1', 9001, { count: 23 });
    await tool.said(() => statsOf(tool).length >= 4, tool.process.stderr);
    const { stderr } = await tool.stop();
    assert.equal(tool.rows().length, 23);
    assert.deepEqual(steps(stderr), []);
    assert.doesNotMatch(stderr, /estimates|not shown/);
  });

  for (const [args, says] of [
    ['connlat --max-cpu 5% --count 3', /--max-cpu leaves out events, and --count needs each/],
    ['connlat --max-cpu 5% --record x', /--max-cpu leaves out events, and --record needs each/],
    ['connlat --max-cpu 5% --heatmap', /--max-cpu leaves out events, and --heatmap needs each/],
    ['connlat --max-cpu 5', /--max-cpu 5: must be from 0.1% to 100% of one core; nearest: 5%/],
    ['connlat --max-cpu 0.05', /nearest: 5%/],
    ['connlat --max-cpu 500%', /nearest: 100%/],
    ['connlat --max-cpu much', /--max-cpu much: must be from 0.1% to 100% of one core, as in 5%/],
    ['retrans --max-cpu 5% --by remote', /--max-cpu shows fewer rows, and --by and --hist have none/],
  ] as const) {
    it(`${args}: exit code 2 and what is right`, () => {
      const { status, stderr } = spawnSync(process.execPath, [RUN, ...args.split(' ')], {
        encoding: 'utf8',
        timeout: 20_000,
      });
      assert.equal(status, 2, stderr);
      assert.match(stderr, says);
    });
  }
});

onHost.describe('retrans --max-cpu', function () {
  this.timeout(180_000);

  it('shows fewer rows, and counts all', async () => {
    const network = await Network.create({ lossPercent: 5, delayUs: 100 });
    try {
      await listen(network.server, SERVER.ipv4, 9000, { close: true });
      const tool = await Tool.start([
        ...['retrans', '--json', '--netns', network.client.name, '--max-cpu', '0.1%'],
      ]);
      // Its own rest is above such a limit.
      await tool.said(() => tool.stderr.includes('showing 1 in 1,024 rows'), tool.process.stderr);
      const before = tool.retransRows().length;
      await connect(network.client, SERVER.ipv4, 9000, { count: 200, concurrent: 20, send: 30_000 });
      const { stderr, code } = await tool.stop();
      assert.equal(code, 0);
      const [seen = 0] = numbers(stderr, /^([\d,]+) retransmitted segments/gm);
      const [hidden = 0] = numbers(stderr, /([\d,]+) rows not shown \(--max-cpu\)/g);
      assert.ok(seen > 30, stderr);
      // A row may have several segments, on one with GSO.
      assert.ok(tool.retransRows().length - before <= 1 + seen / 512);
      assert.ok(hidden > 0 && hidden + tool.retransRows().length <= seen);
      const { 'Tcp.RetransSegs': retransmitted } = await network.client.snmp();
      assert.equal(seen, retransmitted);
    } finally {
      await network.destroy();
    }
  });
});
