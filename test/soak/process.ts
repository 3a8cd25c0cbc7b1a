/** Readings of a running process, and of what is left of one that has ended. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { Sample } from './rules.js';

/** Of USER_HZ, which is the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const ENV = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };

/** Numbers of BPF objects, which the kernel gives only once. */
export interface BpfIds {
  programs: Set<number>;
  maps: Set<number>;
}

/** @throws {Error} if the process has ended. */
export function readProcess(pid: number): Omit<Sample, 'minutes' | 'heapMb'> {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1]);
  const infos = descriptorInfos(pid);
  const maps = new Map(infos.map((info) => [bpfField(info, 'map_id'), bpfField(info, 'memlock')]));
  maps.delete(undefined);
  return {
    rssMb: (field('VmRSS') * 1024) / 1e6,
    descriptors: infos.length,
    threads: field('Threads'),
    mapsMb: [...maps.values()].reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0) / 1e6,
    cpuSeconds: cpuSeconds(pid),
  };
}

/** What a process holds in the kernel. */
export function bpfIds(pid: number): BpfIds {
  const infos = descriptorInfos(pid);
  const ids = (name: string): Set<number> =>
    new Set(infos.map((info) => bpfField(info, name)).filter((id) => id !== undefined));
  return { programs: ids('prog_id'), maps: ids('map_id') };
}

/** Those that are still in the kernel, whoever holds them. */
export function stillLoaded({ programs, maps }: BpfIds): string[] {
  const left = (kind: 'prog' | 'map', ids: Set<number>): string[] =>
    listed(kind)
      .filter(({ id }) => ids.has(id))
      .map(({ id }) => `BPF ${kind} ${id}`);
  return [...left('prog', programs), ...left('map', maps)];
}

/** Runs of the programs that the kernel skipped, because it was in one already. */
export function skippedRuns({ programs }: BpfIds): number {
  return listed('prog')
    .filter(({ id }) => programs.has(id))
    .reduce((sum, { recursion_misses: misses = 0 }) => sum + misses, 0);
}

/** Processes of this name. */
export function processesNamed(name: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && readIfThere(`/proc/${entry}/comm`).trim() === name)
    .map(Number);
}

interface Listed {
  id: number;
  /** Of a program: runs that the kernel skipped. */
  recursion_misses?: number;
}

/** bpftool fails where an object ends while it is listing. */
function listed(kind: 'prog' | 'map', attempts = 5): Listed[] {
  try {
    const text = execFileSync('bpftool', [kind, 'show', '-j'], { encoding: 'utf8', env: ENV, stdio: 'pipe' });
    return JSON.parse(text) as Listed[];
  } catch (error) {
    if (attempts === 1) throw error;
    return listed(kind, attempts - 1);
  }
}

function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function descriptorInfos(pid: number): string[] {
  const folder = `/proc/${pid}/fdinfo`;
  return readdirSync(folder).map((descriptor) => readIfThere(`${folder}/${descriptor}`));
}

function bpfField(info: string, name: string): number | undefined {
  const value = new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(info)?.[1];
  return value === undefined ? undefined : Number(value);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // closed meanwhile
  }
}
