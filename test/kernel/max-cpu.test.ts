/** --max-cpu: below what it may cost it shows all, above it less and less, and every attempt is counted. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Namespace, Network, SERVER, connect, listen, loop } from '#tcpscope/lab/network.js';
import { onHost } from '../features.js';
import { RUN, Tool } from './tool.js';

const HANDSHAKES = 300_007;
const CPU_LINE = /^tcpscope takes ([\d.]+)% of a core \(--max-cpu ([\d.]+)%\): (.*)$/gm;

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
    Tool.start(['connlat', '--netns', host.name, '--json', '--interval', '1s', ...args]);

  /** What it says of its steps: the share that it took, and what it does. */
  const steps = (stderr: string): [percent: number, what: string][] =>
    [...stderr.matchAll(CPU_LINE)].map(([, percent, , what = '']) => [Number(percent), what]);

  it('sums up in place of rows while these cost too much, and misses none', async () => {
    const tool = await start('--max-cpu', '3%', '--stats');
    const { pid = 0 } = tool.process;
    const traffic = loop(HANDSHAKES, 9000, {}, host);
    await tool.said(() => tool.stderr.includes('showing sums in place of rows'), tool.process.stderr);
    const [fromNs, from] = [cpuNs(pid), performance.now()];
    await traffic;
    const share = (cpuNs(pid) - fromNs) / ((performance.now() - from) * 1e6);
    // By /proc, without the kernel's part; the first moments of a new step are less cheap.
    assert.ok(share < 0.04, `${share} of a core`);
    await tool.said(() => tool.stderr.includes('showing every attempt'), tool.process.stderr);
    await listen(host, '127.0.0.1', 9001);
    await connect(host, '127.0.0.1', 9001, { count: 23 });
    const { stderr, code } = await tool.stop();

    assert.equal(code, 0);
    const said = steps(stderr);
    assert.equal(said[0]![1], 'showing sums in place of rows');
    for (const [at, [percent, what]] of said.entries()) {
      const isCheaper = at === 0 || /following|sums/.test(what);
      if (isCheaper && !/every attempt/.test(what) && at === 0) assert.ok(percent > 3, what);
      if (/every attempt/.test(what)) assert.ok(percent <= 3, what);
    }
    const began = (await host.snmp())['Tcp.ActiveOpens']!;
    assert.equal(began, HANDSHAKES + 23);
    const estimates = numbers(stderr, /\(--max-cpu\): ([\d,]+) attempts began/g);
    if (estimates.length > 0) assert.deepEqual(estimates, [began]);
    else assert.equal(numbers(stderr, /^([\d,]+) attempts in .*: [\d,]+ ok$/gm).at(-1), began);
    // Once an interval one line in place of rows.
    assert.ok(numbers(stderr, /^~?([\d,]+) attempts in [\d.]+ m?s.*; ok latency p50/gm).length >= 2);
    const rows = tool.rows();
    assert.ok(rows.length < HANDSHAKES);
    assert.equal(rows.filter(({ remote_port: port }) => port === 9001).length, 23);
  });

  it('follows one in some attempts where sums cost too much, and estimates', async () => {
    const tool = await start('--max-cpu', '0.5%', '--by', 'remote', '--csv');
    await loop(HANDSHAKES, 9000, {}, host);
    const { stderr } = await tool.stop();
    assert.match(stderr, /: following 1 in 4 attempts, counts are estimates$/m);
    const [began] = numbers(stderr, /counts are estimates \(--max-cpu\): ([\d,]+) attempts began/g);
    assert.equal(began, HANDSHAKES);
    const [estimate = 0] = numbers(stderr, /^([\d,]+) attempts in/gm);
    // Of 1 in 1,024 at worst there are 300, whose number is known within a fifth nearly always.
    assert.ok(estimate > HANDSHAKES * 0.7 && estimate < HANDSHAKES * 1.3, String(estimate));
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
      const { status, stderr } = spawnSync(process.execPath, [RUN, ...args.split(' ')], { encoding: 'utf8' });
      assert.equal(status, 2, stderr);
      assert.match(stderr, says);
    });
  }
});

onHost.describe('retrans --max-cpu', function () {
  this.timeout(180_000);

  it('shows fewer rows, and counts all', async () => {
    const network = await Network.create({ lossPercent: 20, delayUs: 100 });
    try {
      await listen(network.server, SERVER.ipv4, 9000, { close: true });
      const tool = await Tool.start([
        ...['retrans', '--json', '--netns', network.client.name, '--max-cpu', '0.1%'],
      ]);
      // Its own rest is above such a limit.
      await tool.said(() => tool.stderr.includes('showing 1 in 1,024 rows'), tool.process.stderr);
      const before = tool.retransRows().length;
      await connect(network.client, SERVER.ipv4, 9000, { count: 50, send: 100_000 });
      const { stderr, code } = await tool.stop();
      assert.equal(code, 0);
      const [seen = 0] = numbers(stderr, /^([\d,]+) retransmitted segments/gm);
      const [hidden = 0] = numbers(stderr, /([\d,]+) rows not shown \(--max-cpu\)/g);
      assert.ok(seen > 100, stderr);
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
