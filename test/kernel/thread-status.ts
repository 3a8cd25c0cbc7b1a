/** What the kernel says of each thread's privileges. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ThreadPrivileges {
  /** The first thread of its process, where JavaScript runs. */
  isMain: boolean;
  /** Real user. */
  uid: number;
  permitted: bigint;
  effective: bigint;
  inheritable: bigint;
  ambient: bigint;
  bounding: bigint;
  noNewPrivileges: boolean;
  /** 2: some system calls are refused. */
  seccomp: number;
}

export function threadPrivileges(pid: number): ThreadPrivileges[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const text = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(text)?.[1] ?? '';
    const set = (name: string): bigint => BigInt(`0x${field(name)}`);
    return {
      isMain: Number(thread) === pid,
      uid: Number(field('Uid')),
      permitted: set('CapPrm'),
      effective: set('CapEff'),
      inheritable: set('CapInh'),
      ambient: set('CapAmb'),
      bounding: set('CapBnd'),
      noNewPrivileges: field('NoNewPrivs') === '1',
      seccomp: Number(field('Seccomp')),
    };
  });
}
