/** Readings of /proc, and the statistics of repeated runs. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
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
  for (const info of descriptorsOf(pid))
    if (info.has('prog_tag') && info.has('run_time_ns'))
      programs.set(Number(info.get('prog_id')), {
        ns: Number(info.get('run_time_ns')),
        runs: Number(info.get('run_cnt')),
      });
  const sum = { ns: 0, runs: 0 };
  for (const [id, { ns, runs }] of programs) {
    if (named && !named.has(id)) continue;
    sum.ns += ns;
    sum.runs += runs;
  }
  return sum;
}

export const holdsPrograms = (pid: number): boolean =>
  descriptorsOf(pid).some((info) => info.has('prog_tag'));

/** System calls of x86-64 in which one waits: poll, pause, nanosleep, clock_nanosleep, epoll_wait. */
const WAITING = new Set(['7', '34', '35', '230', '232']);

/** Whether a process does nothing until something happens. */
export const waits = (pid: number): boolean =>
  WAITING.has(readIfThere(`/proc/${pid}/syscall`).split(' ', 1)[0]!);

/** The numbers of the BPF maps that a process holds, by their names. */
export function mapsOf(pid: number): Map<string, number> {
  const held = new Set(descriptorsOf(pid).map((info) => Number(info.get('map_id'))));
  const maps = shown<{ id: number; name?: string }>('map');
  return new Map(maps.filter(({ id }) => held.has(id)).map(({ id, name = '' }) => [name, id]));
}

/** What the kernel tells of each open descriptor of a process. */
function descriptorsOf(pid: number): Map<string, string>[] {
  return readdirSync(`/proc/${pid}/fdinfo`).map((descriptor) => {
    const lines = readIfThere(`/proc/${pid}/fdinfo/${descriptor}`).split('\n');
    return new Map(lines.map((line) => line.split(/:\s*/, 2) as [string, string]));
  });
}

function shown<Thing>(kind: 'map' | 'prog'): Thing[] {
  return JSON.parse(execFileSync('bpftool', ['--json', kind, 'show'], { encoding: 'utf8' })) as Thing[];
}

/** Numbers of the loaded programs of such a name: a descriptor does not tell it. The kernel keeps 15 characters. */
function programsNamed(names: RegExp): Set<number> {
  const programs = shown<{ id: number; name?: string }>('prog');
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

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // closed meanwhile
  }
}
