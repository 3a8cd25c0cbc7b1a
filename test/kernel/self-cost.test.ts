/** What the tool says of its own cost, against what the kernel says of it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Namespace, loop } from '#tcpscope/lab/network.js';
import { onHost } from '../features.js';
import { fewer } from '../slowdown.js';
import { Tool } from './tool.js';

const HANDSHAKES = fewer(20_011);
/** USER_HZ of every architecture that we run on. */
const TICK_US = 10_000;
const UNIT_NS: Readonly<Record<string, number>> = { µs: 1e3, ms: 1e6, s: 1e9 };
const KERNEL_TIMES = '/proc/sys/kernel/bpf_stats_enabled';

/** An object of `--stats --json`. */
interface Stats {
  type: 'stats';
  cpu_us: number;
  rss_bytes: number;
  peak_rss_bytes: number;
  kernel_us: number;
  kernel_runs: number;
  kernel_exact: boolean;
  events: number;
  lost: number;
}

function statsOf({ stderr }: { stderr: string }): Stats[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Stats);
}

function cpuUs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

function peakRss(pid: number): number {
  return 1024 * Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** What the kernel has measured of those programs of a process that are attached all the time. */
function programTimes(pid: number): { ns: number; runs: number } {
  const ids = readdirSync(`/proc/${pid}/fdinfo`).flatMap((fd) => {
    const info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
    return /^prog_id:\s*(\d+)/m.exec(info)?.[1] ?? [];
  });
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };
  let [ns, runs] = [0, 0];
  for (const id of new Set(ids)) {
    const text = execFileSync('bpftool', ['-j', 'prog', 'show', 'id', id], { encoding: 'utf8', env });
    const program = JSON.parse(text) as { name?: string; run_time_ns?: number; run_cnt?: number };
    if (program.name !== 'set_state' && program.name !== 'make_cgroup') continue;
    ns += program.run_time_ns ?? 0;
    runs += program.run_cnt ?? 0;
  }
  return { ns, runs };
}

describe('what connlat costs', () => {
  let host: Namespace;
  before(async () => {
    host = await Namespace.create('cost');
  });
  after(() => host.destroy());

  const args = (...more: string[]): string[] => [
    ...['connlat', '--netns', host.name, '--stats', '--interval', '200ms'],
    ...more,
  ];

  it('is what /proc says of its process', async () => {
    const tool = await Tool.start(args('--json'));
    const { pid = 0 } = tool.process;
    await loop(HANDSHAKES, 9000, {}, host);
    const before = { cpu: cpuUs(pid), peak: peakRss(pid), lines: statsOf(tool).length };
    // One more may be on its way.
    await tool.said(() => statsOf(tool).length >= before.lines + 2, tool.process.stderr);
    const { cpu_us: cpu, rss_bytes: rss, peak_rss_bytes: peak, events, lost } = statsOf(tool).at(-1)!;
    assert.ok(cpu >= before.cpu - TICK_US && cpu <= cpuUs(pid) + 2 * TICK_US, `${before.cpu}, ${cpu}`);
    assert.ok(peak >= before.peak && peak <= peakRss(pid), `${before.peak}, ${peak}`);
    assert.ok(rss <= peak && rss > peak / 2);
    assert.deepEqual([events, lost], [HANDSHAKES, 0]);

    const { stderr } = await tool.stop();
    const [, ms] =
      /^cost: CPU ([\d.]+) m?s \([\d.]+% of a core\), RSS .* \(peak .*\), kernel [\d.]+ /m.exec(stderr) ?? [];
    assert.ok(Number(ms) > 0, stderr);
  });

  it('is, in the kernel, what the kernel measures', async () => {
    const tool = await Tool.start(args('--json', '--columns', 'result'));
    const { pid = 0 } = tool.process;
    await loop(HANDSHAKES, 9000, {}, host);
    const before = { ...programTimes(pid), lines: statsOf(tool).length };
    await tool.said(() => statsOf(tool).length >= before.lines + 2, tool.process.stderr);
    const { kernel_us: us, kernel_runs: runs, kernel_exact: isExact } = statsOf(tool).at(-1)!;
    const after = programTimes(pid);
    await tool.stop();
    assert.equal(isExact, true);
    assert.ok(before.runs >= 4 * HANDSHAKES);
    assert.ok(runs >= before.runs && runs <= after.runs, `${before.runs}, ${runs}, ${after.runs}`);
    assert.ok(us >= before.ns / 1e3 - 1 && us <= after.ns / 1e3 + 1, `${before.ns}, ${us}, ${after.ns}`);
  });

  // Whether the kernel measures is a switch of the whole host.
  onHost.it('is, without --stats, an estimate near that', async () => {
    const before = readFileSync(KERNEL_TIMES, 'utf8');
    writeFileSync(KERNEL_TIMES, '1');
    try {
      const tool = await Tool.start(['connlat', '--json', '--netns', host.name, '--columns', 'result']);
      await loop(HANDSHAKES, 9000, {}, host);
      await tool.rowsUntil((rows) => rows.length === HANDSHAKES);
      const measured = programTimes(tool.process.pid!);
      const { stderr } = await tool.stop();
      const [, number, unit = ''] = /, kernel ~([\d.]+) (µs|ms|s) \(~/.exec(stderr) ?? [];
      const estimatedNs = Number(number) * (UNIT_NS[unit] ?? NaN);
      // The kernel's measure has the call of the program in it, ours a call of the clock.
      const ratio = estimatedNs / measured.ns;
      assert.ok(ratio > 0.4 && ratio < 1.6, `${estimatedNs} ns, ${measured.ns} ns`);
    } finally {
      writeFileSync(KERNEL_TIMES, before);
    }
  });

  it('is a line of text that a pipe of rows does not have', async () => {
    const tool = await Tool.start(args());
    await tool.said(() => tool.stderr.includes('cost: CPU'), tool.process.stderr);
    const { stdout, stderr, code } = await tool.stop();
    assert.equal(code, 0);
    assert.match(stderr, /^cost: CPU [\d.<]+%, RSS [\d.]+ MiB, kernel [\d.<]+%( \(.*\))?, 0 lost$/m);
    assert.doesNotMatch(stdout, /cost:/);
  });
});
