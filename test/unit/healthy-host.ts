/** Facts of a host on which all is well, to be changed by tests. */
import type { Status } from '#tcpscope/model/diagnosis/check.js';
import type {
  BufferProbe,
  CommandProbe,
  Facts,
  HostFacts,
  KernelFacts,
  ProcessFacts,
  Trial,
} from '#tcpscope/model/diagnosis/facts.js';

export const WORKED: Trial = { worked: true };
export const forbidden = (reason = 'Operation not permitted'): Trial => ({
  ...{ worked: false, permitted: false, reason },
});
export const rejected = (reason: string): Trial => ({ worked: false, permitted: true, reason });

/** Everything up to CAP_CHECKPOINT_RESTORE. */
export const ALL_CAPABILITIES = (1n << 41n) - 1n;
/** @param numbers of include/uapi/linux/capability.h */
export const without = (...numbers: number[]): bigint =>
  numbers.reduce((all, number) => all & ~(1n << BigInt(number)), ALL_CAPABILITIES);
export const only = (...numbers: number[]): bigint =>
  numbers.reduce((all, number) => all | (1n << BigInt(number)), 0n);

export const BUFFER: BufferProbe = {
  load: WORKED,
  attach: WORKED,
  iterator: WORKED,
  clock: { beforeNs: 1000, kernelNs: 1500, afterNs: 2000, costNs: 33, pid: 4711 },
  event: WORKED,
};

export const CONNLAT: CommandProbe = {
  command: 'connlat',
  hooks: [
    { tracepoint: 'inet_sock_set_state', programs: [{ name: 'set_state', arguments: 3 }] },
    { tracepoint: 'cgroup_mkdir', programs: [{ name: 'make_cgroup', arguments: 2 }], without: 'Names go.' },
  ],
  load: WORKED,
  tookMs: 12.4,
  programs: ['set_state', 'make_cgroup', 'pending'],
  refused: [],
};

export const RETRANS: CommandProbe = {
  command: 'retrans',
  hooks: [
    { tracepoint: 'inet_sock_set_state', programs: [{ name: 'set_state', arguments: 3 }] },
    {
      tracepoint: 'tcp_retransmit_skb',
      programs: [
        { name: 'with_error', arguments: 3, since: 'Linux 6.17' },
        { name: 'plain', arguments: 2, without: 'Failures are not shown.' },
      ],
    },
  ],
  load: WORKED,
  tookMs: 20,
  programs: ['set_state', 'with_error'],
  refused: [],
};

export const PROCESS: ProcessFacts = {
  platform: 'linux',
  arch: 'x64',
  kernel: '6.12.1-amd64',
  node: 'v22.11.0',
  libc: { name: 'glibc', version: '2.36' },
  uid: 0,
  capabilities: ALL_CAPABILITIES,
  inUserNamespace: false,
  seccomp: 0,
  memlock: 8 << 20,
  openFiles: 1024,
  lockdown: 'none',
  btfBytes: 5 << 20,
  sudo: 'sudo /opt/node /opt/tcpscope doctor',
};

export const KERNEL: KernelFacts = {
  libbpf: 'v1.1',
  tracepoints: new Map([
    ['inet_sock_set_state', 3],
    ['cgroup_mkdir', 2],
    ['tcp_retransmit_skb', 3],
  ]),
  chargesMemlock: false,
  ring: BUFFER,
  perf: BUFFER,
  commands: [CONNLAT, RETRANS],
  syncErrors: WORKED,
};

export const HOST: HostFacts = {
  cgroups: { mount: '/sys/fs/cgroup', hasV1: false, isWhole: true },
  proc: {
    hostRoot: '/',
    isMounted: true,
    selfPid: 4711,
    isHosts: true,
    hidepid: undefined,
    showsOthers: true,
    processes: 120,
    unreadable: 0,
  },
  containers: { byRuntime: new Map(), pods: 0, named: 0, engines: [], isComplete: true },
  time: {
    clocksource: 'tsc',
    unixMs: Date.UTC(2026, 6, 1, 10),
    keeper: 'systemd-timesyncd',
    isSynchronised: true,
  },
  memory: undefined,
};

export interface Changes {
  process?: Partial<ProcessFacts>;
  kernel?: Partial<KernelFacts> | { failure: string };
  host?: Partial<HostFacts>;
}

export function hostWith({ process = {}, kernel = {}, host = {} }: Changes): Facts {
  return {
    process: { ...PROCESS, ...process },
    kernel: 'failure' in kernel ? kernel : { ...KERNEL, ...kernel },
    host: { ...HOST, ...host },
  };
}

/** How the kernel answers to a process that may not. */
export const REFUSED_BUFFER = {
  ...{ load: forbidden(), attach: undefined, iterator: undefined, clock: undefined, event: undefined },
};
export const REFUSED = {
  ring: REFUSED_BUFFER,
  perf: REFUSED_BUFFER,
  commands: [
    { ...CONNLAT, load: forbidden() },
    { ...RETRANS, load: forbidden() },
  ],
  syncErrors: forbidden(),
};

/** A change of that host, and what one check says of it. */
export interface Expected {
  changes: Changes;
  check: string;
  status: Status;
  /** Of the check's texts together. */
  says: RegExp;
  exitCode: number;
  commands?: string[];
}
