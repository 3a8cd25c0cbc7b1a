/** Readings of /proc, the statistics of repeated runs, and the switch of the kernel's own timing of BPF programs. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** What repeated runs gave. */
export interface Spread {
  median: number;
  min: number;
  max: number;
  runs: number;
}

export function spread(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const ordered = [...values].sort((a, b) => a - b);
  const middle = (ordered.length - 1) / 2;
  return {
    median: (ordered[Math.floor(middle)]! + ordered[Math.ceil(middle)]!) / 2,
    min: ordered[0]!,
    max: ordered.at(-1)!,
    runs: ordered.length,
  };
}

/** Time and runs of BPF programs. Both stay 0 while the kernel does not time them. */
export interface ProgramCost {
  ns: number;
  runs: number;
}

/** Of all programs that a process holds, as its descriptors tell, or of those whose names match. */
export function programCost(pid: number, names?: RegExp): ProgramCost {
  const named = names && programsNamed(names);
  const programs = new Map<number, ProgramCost>();
  for (const descriptor of readdirSync(`/proc/${pid}/fdinfo`)) {
    const info = readIfThere(`/proc/${pid}/fdinfo/${descriptor}`);
    const field = (name: string): number =>
      Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(info)?.[1] ?? NaN);
    if (info.includes('prog_tag:') && info.includes('run_time_ns:'))
      programs.set(field('prog_id'), { ns: field('run_time_ns'), runs: field('run_cnt') });
  }
  const sum = { ns: 0, runs: 0 };
  for (const [id, { ns, runs }] of programs) {
    if (named && !named.has(id)) continue;
    sum.ns += ns;
    sum.runs += runs;
  }
  return sum;
}

/** Numbers of the loaded programs of such a name: a descriptor does not tell it. The kernel keeps 15 characters. */
function programsNamed(names: RegExp): Set<number> {
  const shown = execFileSync('bpftool', ['--json', 'prog', 'show'], { encoding: 'utf8' });
  const programs = JSON.parse(shown) as { id: number; name?: string }[];
  return new Set(programs.filter(({ name }) => names.test(name ?? '')).map(({ id }) => id));
}

/** CPU time of a process in µs: `user` in steps of 10 ms; `total`, with the kernel's part, is exact. */
export interface CpuTime {
  user: number;
  total: number;
}

const US_PER_TICK = 10_000;

export function cpuTime(pid: number): CpuTime {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const total = readdirSync(`/proc/${pid}/task`)
    .map((thread) => Number(readIfThere(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]) / 1e3)
    .reduce((sum, us) => sum + us, 0);
  return { user: Number(fields[11]) * US_PER_TICK, total };
}

/** KiB of physical memory: now, and at the most so far. */
export function memory(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(status)?.[1] ?? NaN);
  return { now: field('VmRSS'), peak: field('VmHWM') };
}

export const megabytes = (kib: number): number => (kib * 1024) / 1e6;

const CALM = { slicesMs: 150, atMostUs: 15_000, tries: 40 };

/** Resolves when a process has worked off what it had to do: it is nearly idle (it still polls), or its time is up. */
export async function untilCalm(pid: number): Promise<void> {
  let before = cpuTime(pid).total;
  for (let i = 0; i < CALM.tries; i++) {
    await sleep(CALM.slicesMs);
    const now = cpuTime(pid).total;
    if (now - before < CALM.atMostUs) return;
    before = now;
  }
}

const TIMING = '/proc/sys/kernel/bpf_stats_enabled';

/** Runs `work` while the kernel times BPF programs, which itself takes a little; then sets what was set before. */
export async function timed<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = readFileSync(TIMING, 'utf8');
  const restore = (): void => {
    writeFileSync(TIMING, before);
  };
  process.once('exit', restore); // also when a signal or an error ends us
  writeFileSync(TIMING, '1');
  try {
    return await work();
  } finally {
    restore();
    process.off('exit', restore);
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // closed meanwhile
  }
}
