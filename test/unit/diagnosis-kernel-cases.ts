/** What the system, its kernel and the privileges may lack. */
import {
  BUFFER,
  CONNLAT,
  forbidden,
  KERNEL,
  only,
  rejected,
  RETRANS,
  without,
  REFUSED,
  REFUSED_BUFFER,
  type Changes,
  type Expected,
} from './healthy-host.js';

const CAP_SYS_PTRACE = 19;
const CAP_SYS_ADMIN = 21;
const CAP_SYS_RESOURCE = 24;
const CAP_PERFMON = 38;
const CAP_BPF = 39;

const tracepoints = (changes: Record<string, number | undefined>): Changes => {
  const all = new Map(KERNEL.tracepoints);
  for (const [name, count] of Object.entries(changes)) {
    if (count === undefined) all.delete(name);
    else all.set(name, count);
  }
  return { kernel: { tracepoints: all } };
};

export const KERNEL_CASES: Readonly<Record<string, Expected>> = {
  macOS: {
    changes: { process: { platform: 'darwin', kernel: '24.1.0' }, kernel: { failure: 'not Linux' } },
    check: 'kernel',
    status: 'failed',
    says: /darwin 24\.1\.0, not Linux.*inside the Linux kernel.*replay, diff and config check work here/,
    exitCode: 69,
  },
  'a processor that nothing is built for': {
    changes: { process: { arch: 'riscv64' } },
    check: 'architecture',
    status: 'failed',
    says: /riscv64.*built for x64 and arm64/,
    exitCode: 69,
  },
  'Alpine: musl': {
    changes: {
      process: { libc: { name: 'musl', version: undefined } },
      kernel: { failure: 'Error loading shared library ld-linux-x86-64.so.2' },
    },
    check: 'addon',
    status: 'failed',
    says: /musl.*built for glibc.*node:22-slim in place of node:22-alpine/,
    exitCode: 69,
  },
  'an addon that does not load for another reason': {
    changes: { kernel: { failure: "version `GLIBC_2.28' not found" } },
    check: 'addon',
    status: 'failed',
    says: /GLIBC_2\.28' not found.*Install tcpscope again/,
    exitCode: 69,
  },
  'an old Node': {
    changes: { process: { node: 'v18.19.0' } },
    check: 'node',
    status: 'warning',
    says: /v18\.19\.0.*Node 20/,
    exitCode: 0,
  },
  'no BTF': {
    changes: {
      process: { btfBytes: undefined },
      kernel: {
        ...{
          tracepoints: undefined,
          chargesMemlock: undefined,
          ring: undefined,
          perf: undefined,
          syncErrors: undefined,
        },
        commands: [{ ...CONNLAT, load: undefined }],
      },
    },
    check: 'btf',
    status: 'failed',
    says: /missing: \/sys\/kernel\/btf\/vmlinux.*CONFIG_DEBUG_INFO_BTF=y.*ss -ti/,
    exitCode: 69,
  },
  'lockdown=confidentiality': {
    changes: { process: { lockdown: 'confidentiality' } },
    check: 'lockdown',
    status: 'failed',
    says: /confidentiality.*not even for root.*lockdown=integrity/,
    exitCode: 69,
  },
  'lockdown=integrity': {
    changes: { process: { lockdown: 'integrity' } },
    check: 'lockdown',
    status: 'ok',
    says: /^integrity/,
    exitCode: 0,
  },
  'an ordinary user': {
    changes: { process: { uid: 1000, capabilities: 0n }, kernel: REFUSED },
    check: 'cap_bpf',
    status: 'failed',
    says: /missing.*sudo \/opt\/node \/opt\/tcpscope doctor$/,
    exitCode: 77,
  },
  'root in a container without CAP_BPF': {
    changes: { process: { capabilities: without(CAP_BPF, CAP_SYS_ADMIN) }, kernel: REFUSED },
    check: 'cap_bpf',
    status: 'failed',
    says: /missing.*No program.*--cap-add BPF;.*\[BPF\]/,
    exitCode: 77,
  },
  'root in a container without CAP_PERFMON': {
    changes: { process: { capabilities: without(CAP_PERFMON, CAP_SYS_ADMIN) }, kernel: REFUSED },
    check: 'cap_perfmon',
    status: 'failed',
    says: /missing.*read kernel memory.*--cap-add PERFMON;.*\[PERFMON\]/,
    exitCode: 77,
  },
  'CAP_SYS_ADMIN in place of CAP_BPF': {
    changes: { process: { capabilities: without(CAP_BPF) } },
    check: 'cap_bpf',
    status: 'ok',
    says: /held with CAP_SYS_ADMIN/,
    exitCode: 0,
  },
  'no CAP_SYS_PTRACE': {
    changes: { process: { capabilities: without(CAP_SYS_PTRACE) } },
    check: 'cap_sys_ptrace',
    status: 'warning',
    says: /missing.*other users' processes.*comparison.*--cap-add SYS_PTRACE/,
    exitCode: 0,
  },
  'a rootless container': {
    changes: { process: { inUserNamespace: true }, kernel: REFUSED },
    check: 'user_namespace',
    status: 'failed',
    says: /rootless.*those of the host.*sudo podman run/,
    exitCode: 77,
  },
  'a seccomp profile that refuses bpf(2)': {
    changes: { process: { seccomp: 2 }, kernel: REFUSED },
    check: 'seccomp',
    status: 'failed',
    says: /bpf\(2\) is refused.*--security-opt seccomp/,
    exitCode: 77,
  },
  'a seccomp profile that allows bpf(2)': {
    changes: { process: { seccomp: 2 } },
    check: 'seccomp',
    status: 'ok',
    says: /allows bpf\(2\)/,
    exitCode: 0,
  },
  'a seccomp profile where the capability is missing too': {
    changes: { process: { seccomp: 2, capabilities: only(CAP_SYS_PTRACE) }, kernel: REFUSED },
    check: 'seccomp',
    status: 'unknown',
    says: /may or may not/,
    exitCode: 77,
  },
  'a security module': {
    changes: { kernel: REFUSED },
    check: 'bpf',
    status: 'failed',
    says: /Operation not permitted.*SELinux, AppArmor/,
    exitCode: 77,
  },
  '5.10 with too little memlock': {
    changes: {
      process: { memlock: 65_536, capabilities: without(CAP_SYS_RESOURCE) },
      kernel: { chargesMemlock: true, commands: [{ ...CONNLAT, load: forbidden('cannot create the map') }] },
    },
    check: 'memlock',
    status: 'failed',
    says: /64 KiB, without CAP_SYS_RESOURCE.*before 5\.11.*--ulimit memlock=-1/,
    exitCode: 77,
  },
  '5.10 with little memlock, and all accepted': {
    changes: {
      process: { memlock: 64 << 20, capabilities: without(CAP_SYS_RESOURCE) },
      kernel: { chargesMemlock: true },
    },
    check: 'memlock',
    status: 'ok',
    says: /64 MiB/,
    exitCode: 0,
  },
  '5.10 as root': {
    changes: { process: { memlock: 65_536 }, kernel: { chargesMemlock: true } },
    check: 'memlock',
    status: 'ok',
    says: /lets it raise/,
    exitCode: 0,
  },
  'little memlock where the kernel does not ask for it': {
    changes: { process: { memlock: 65_536, capabilities: without(CAP_SYS_RESOURCE) } },
    check: 'memlock',
    status: 'ok',
    says: /64 KiB, which this kernel does not ask for/,
    exitCode: 0,
  },
  'a tracepoint that is missing': {
    changes: tracepoints({ inet_sock_set_state: undefined }),
    check: 'inet_sock_set_state',
    status: 'failed',
    says: /missing.*3 arguments.*Linux 5\.10/,
    exitCode: 69,
    commands: ['connlat', 'retrans'],
  },
  'a tracepoint with too few arguments': {
    changes: tracepoints({ inet_sock_set_state: 2 }),
    check: 'inet_sock_set_state',
    status: 'failed',
    says: /with 2 arguments.*3 arguments/,
    exitCode: 69,
  },
  'a tracepoint that one can do without': {
    changes: tracepoints({ cgroup_mkdir: undefined }),
    check: 'cgroup_mkdir',
    status: 'warning',
    says: /missing.*Names go\./,
    exitCode: 0,
    commands: ['connlat'],
  },
  'an older form of a tracepoint': {
    changes: tracepoints({ tcp_retransmit_skb: 2 }),
    check: 'tcp_retransmit_skb',
    status: 'warning',
    says: /2 arguments of 3.*Failures are not shown\..*Linux 6\.17 and newer/,
    exitCode: 0,
    commands: ['retrans'],
  },
  'a newer form of a tracepoint': {
    changes: tracepoints({ tcp_retransmit_skb: 5 }),
    check: 'tcp_retransmit_skb',
    status: 'ok',
    says: /5 arguments/,
    exitCode: 0,
  },
  'no ring buffer': {
    changes: { kernel: { ring: { ...BUFFER, load: rejected('Invalid argument') } } },
    check: 'ring_buffer',
    status: 'warning',
    says: /Invalid argument.*the other kind/,
    exitCode: 0,
  },
  'perf_event_open that is refused': {
    changes: { kernel: { perf: REFUSED_BUFFER, syncErrors: forbidden() } },
    check: 'perf_buffer',
    status: 'warning',
    says: /Operation not permitted.*the other kind.*allows perf_event_open/,
    exitCode: 0,
  },
  'perf_event_open that is refused, for connect(2)': {
    changes: { kernel: { perf: REFUSED_BUFFER, syncErrors: forbidden() } },
    check: 'sync_errors',
    status: 'warning',
    says: /Operation not permitted.*allows perf_event_open/,
    exitCode: 0,
  },
  'no buffer at all': {
    changes: {
      kernel: {
        ring: { ...REFUSED_BUFFER, load: rejected('Invalid argument') },
        perf: { ...REFUSED_BUFFER, load: rejected('Function not implemented') },
      },
    },
    check: 'perf_buffer',
    status: 'failed',
    says: /Function not implemented.*no way out/,
    exitCode: 69,
  },
  'no iterators': {
    changes: { kernel: { ring: { ...BUFFER, iterator: rejected('No such process') } } },
    check: 'iterator',
    status: 'failed',
    says: /No such process.*older than the tool/,
    exitCode: 69,
  },
  'events that do not come': {
    changes: { kernel: { ring: { ...BUFFER, event: rejected('no event came') } } },
    check: 'event',
    status: 'failed',
    says: /no event came.*nothing comes/,
    exitCode: 69,
  },
  'no loopback interface': {
    changes: { kernel: { ring: { ...BUFFER, event: undefined }, perf: { ...BUFFER, event: undefined } } },
    check: 'event',
    status: 'unknown',
    says: /no loopback/,
    exitCode: 0,
  },
  'a program that the verifier rejects': {
    changes: {
      kernel: {
        commands: [
          CONNLAT,
          {
            ...RETRANS,
            load: rejected("cannot load program 'plain'"),
            refused: [{ program: 'plain', reason: 'R1 invalid mem access' }],
          },
        ],
      },
    },
    check: 'retrans_programs',
    status: 'failed',
    says: /cannot load program 'plain'.*Refused: plain: R1 invalid mem access/,
    exitCode: 69,
    commands: ['retrans'],
  },
  'no tracefs': {
    changes: { kernel: { syncErrors: rejected('No such file or directory') } },
    check: 'sync_errors',
    status: 'warning',
    says: /--sync-errors does not work.*mount -t tracefs/,
    exitCode: 0,
    commands: ['connlat'],
  },
};
