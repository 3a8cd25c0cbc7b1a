/** What `tcpscope doctor` finds out, before anybody judges it. Texts may come from outside: the view makes them safe. */
import type { Hook } from '../../model/hook.js';

/** How an attempt went. */
export type Trial =
  | { readonly worked: true }
  /** `permitted`: false if only the privilege was missing. */
  | { readonly worked: false; readonly permitted: boolean; readonly reason: string };

/** What the tiny program of bpf/doctor.bpf.c told by way of one kind of buffer. */
export interface BufferProbe {
  /** Maps were made, and the programs verified. */
  readonly load: Trial;
  /** Undefined where it was not loaded, or not attached. */
  readonly attach: Trial | undefined;
  readonly iterator: Trial | undefined;
  /** Clocks, as read by the iterator. */
  readonly clock: ClockProbe | undefined;
  /** Whether the event of a socket that began to listen came through; undefined where no socket could. */
  readonly event: Trial | undefined;
}

/** A moment by the kernel's clock, between two by the CLOCK_MONOTONIC of user space; ns. */
export interface ClockProbe {
  readonly beforeNs: number;
  readonly kernelNs: number;
  readonly afterNs: number;
  /** One reading in the kernel. */
  readonly costNs: number;
  /** Of this process, as the kernel numbers it. */
  readonly pid: number;
}

/** The programs of one command, loaded as the command loads them. */
export interface CommandProbe {
  readonly command: string;
  readonly hooks: readonly Hook[];
  /** Undefined where it was not tried. */
  readonly load: Trial | undefined;
  readonly tookMs: number;
  /** Programs that were to be loaded. */
  readonly programs: readonly string[];
  /** Of these, the ones that are refused when loaded alone. */
  readonly refused: readonly { readonly program: string; readonly reason: string }[];
}

/** What the kernel part was tried on; undefined where the addon does not load. */
export interface KernelFacts {
  readonly libbpf: string;
  /** How many arguments each tracepoint has that a command asks for; one that is missing is not there. Undefined without BTF. */
  readonly tracepoints: ReadonlyMap<string, number> | undefined;
  /** True if the kernel charges BPF memory to RLIMIT_MEMLOCK, undefined if it does not tell. */
  readonly chargesMemlock: boolean | undefined;
  readonly ring: BufferProbe | undefined;
  readonly perf: BufferProbe | undefined;
  readonly commands: readonly CommandProbe[];
  /** Attaching to the system call connect(2), for connlat --sync-errors. */
  readonly syncErrors: Trial | undefined;
}

/** What this process is and may do. */
export interface ProcessFacts {
  readonly platform: string;
  /** `x64`, `arm64`. */
  readonly arch: string;
  readonly kernel: string;
  readonly node: string;
  readonly libc: { readonly name: 'glibc' | 'musl' | undefined; readonly version: string | undefined };
  readonly uid: number | undefined;
  /** Bits of CapEff. */
  readonly capabilities: bigint | undefined;
  /** True if root here is not root of the host: capabilities count in a user namespace only. */
  readonly inUserNamespace: boolean;
  /** Mode of seccomp: 0 none, 1 strict, 2 a filter. */
  readonly seccomp: number | undefined;
  /** Bytes, Infinity if unlimited. */
  readonly memlock: number | undefined;
  readonly openFiles: number | undefined;
  /** `none`, `integrity`, `confidentiality`. */
  readonly lockdown: string | undefined;
  /** Size of the kernel's BTF; undefined if there is none. */
  readonly btfBytes: number | undefined;
  /** The sudo command for this very run. */
  readonly sudo: string;
}

export interface CgroupFact {
  /** Where cgroup v2 is mounted. */
  readonly mount: string | undefined;
  readonly hasV1: boolean;
  /** False if only a part of the hierarchy is seen. */
  readonly isWhole: boolean;
}

export interface ProcFact {
  readonly hostRoot: string;
  readonly isMounted: boolean;
  /** The number that it has for this process; undefined if this process is not in it. */
  readonly selfPid: number | undefined;
  /** True if it is that of the host's pid namespace by the number of that, undefined if that may not be read. */
  readonly isHosts: boolean | undefined;
  /** The option in force: `1`, `2`, `invisible`. */
  readonly hidepid: string | undefined;
  /** False if process 1, which is not ours, is hidden. */
  readonly showsOthers: boolean;
  readonly processes: number;
  /** Processes whose network namespace may not be read. */
  readonly unreadable: number;
}

export interface ContainerFacts {
  /** How many containers run by runtime: `docker`, `containerd`; `unknown` where the path does not say. */
  readonly byRuntime: ReadonlyMap<string, number>;
  readonly pods: number;
  /** Containers whose name is known. */
  readonly named: number;
  /** Engines whose socket or state is there: `docker`, `containerd`, `kubelet`. */
  readonly engines: readonly string[];
  /** False if there were too many processes to look at all. */
  readonly isComplete: boolean;
}

export interface TimeFacts {
  /** `tsc`, `hpet`. */
  readonly clocksource: string | undefined;
  /** Unix time, ms. */
  readonly unixMs: number;
  /** Who keeps the time: `chronyd`, `systemd-timesyncd`. */
  readonly keeper: string | undefined;
  /** That it is right, where the keeper says so in a file. */
  readonly isSynchronised: boolean | undefined;
}

/** Limit and use of the tightest cgroup that this process is in, bytes. */
export interface MemoryFact {
  readonly limit: number;
  readonly used: number;
}

export interface HostFacts {
  readonly cgroups: CgroupFact;
  readonly proc: ProcFact;
  readonly containers: ContainerFacts;
  readonly time: TimeFacts;
  /** Undefined where there is no limit. */
  readonly memory: MemoryFact | undefined;
}

export interface Facts {
  readonly process: ProcessFacts;
  /** Undefined where the system is not Linux. */
  readonly host: HostFacts | undefined;
  /** Or why the addon cannot be loaded. */
  readonly kernel: KernelFacts | { readonly failure: string };
}
