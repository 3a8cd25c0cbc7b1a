/** What the rest of the host may lack. */
import { BUFFER, HOST, REFUSED, type Expected } from './healthy-host.js';

export const HOST_CASES: Readonly<Record<string, Expected>> = {
  'cgroup v1 only': {
    changes: { host: { cgroups: { mount: undefined, hasV1: true, isWhole: false } } },
    check: 'cgroups',
    status: 'warning',
    says: /v1 only.*owning process.*--cgroup does not work.*mount -t cgroup2/,
    exitCode: 0,
  },
  'hybrid cgroups': {
    changes: { host: { cgroups: { mount: '/sys/fs/cgroup/unified', hasV1: true, isWhole: true } } },
    check: 'cgroups',
    status: 'ok',
    says: /hybrid, v2 at \/sys\/fs\/cgroup\/unified/,
    exitCode: 0,
  },
  'a cgroup namespace': {
    changes: { host: { cgroups: { ...HOST.cgroups, isWhole: false } } },
    check: 'cgroups',
    status: 'warning',
    says: /a part of it.*--cgroupns=host/,
    exitCode: 0,
  },
  "a container's /proc, by the numbers of processes": {
    changes: { host: { proc: { ...HOST.proc, selfPid: 7 } } },
    check: 'proc',
    status: 'warning',
    says: /\/proc is a container's.*--pid=host.*hostPID: true/,
    exitCode: 0,
  },
  "containers where /proc is a container's": {
    changes: { host: { proc: { ...HOST.proc, selfPid: 7 } } },
    check: 'containers',
    status: 'unknown',
    says: /only this one/,
    exitCode: 0,
  },
  "a container's /proc, by its namespace": {
    changes: {
      process: { uid: 1000, capabilities: 0n },
      kernel: REFUSED,
      host: { proc: { ...HOST.proc, isHosts: false } },
    },
    check: 'proc',
    status: 'warning',
    says: /\/proc is a container's/,
    exitCode: 77,
  },
  "the host's /proc in a container": {
    changes: { host: { proc: { ...HOST.proc, hostRoot: '/host', isHosts: undefined } } },
    check: 'proc',
    status: 'ok',
    says: /\/host\/proc is the host's/,
    exitCode: 0,
  },
  'no /proc': {
    changes: { host: { proc: { ...HOST.proc, isMounted: false } } },
    check: 'proc',
    status: 'failed',
    says: /\/proc is not there.*mount -t proc/,
    exitCode: 69,
  },
  hidepid: {
    changes: { host: { proc: { ...HOST.proc, hidepid: 'invisible', showsOthers: false, processes: 2 } } },
    check: 'processes',
    status: 'warning',
    says: /2 seen: hidepid=invisible.*hidden.*hidepid=0/,
    exitCode: 0,
  },
  'hidepid, which hides nothing from root': {
    changes: { host: { proc: { ...HOST.proc, hidepid: '2', unreadable: 1 } } },
    check: 'processes',
    status: 'ok',
    says: /120 seen, 1 of them may not be looked into, hidepid=2/,
    exitCode: 0,
  },
  'containers and pods': {
    changes: {
      host: {
        containers: {
          ...{
            byRuntime: new Map([
              ['docker', 2],
              ['containerd', 3],
            ]),
            pods: 1,
            named: 5,
          },
          ...{ engines: ['docker', 'containerd', 'kubelet'], isComplete: true },
        },
      },
    },
    check: 'containers',
    status: 'ok',
    says: /^2 of docker, 3 of containerd, in 1 pod, kubelet installed/,
    exitCode: 0,
  },
  'containers whose names cannot be read': {
    changes: {
      host: {
        containers: {
          ...{ byRuntime: new Map([['docker', 2]]), pods: 0, named: 0, engines: [], isComplete: false },
        },
      },
    },
    check: 'containers',
    status: 'warning',
    says: /^2 of docker, of some processes.*; 2 without a name.*--volume \/:\/host:ro/,
    exitCode: 0,
  },
  'a time namespace': {
    changes: {
      kernel: { ring: { ...BUFFER, clock: { ...BUFFER.clock!, beforeNs: 500e9, afterNs: 501e9 } } },
    },
    check: 'clock',
    status: 'warning',
    says: /8m 20s behind.*time namespace/,
    exitCode: 0,
  },
  'a kernel ahead of user space': {
    changes: { kernel: { ring: { ...BUFFER, clock: { ...BUFFER.clock!, kernelNs: 5e9 } } } },
    check: 'clock',
    status: 'warning',
    says: /5\.000 s ahead/,
    exitCode: 0,
  },
  'a slow clock': {
    changes: {
      kernel: { ring: { ...BUFFER, clock: { ...BUFFER.clock!, costNs: 1200 } } },
      host: { time: { ...HOST.time, clocksource: 'acpi_pm' } },
    },
    check: 'clocksource',
    status: 'warning',
    says: /acpi_pm, 1\.20 µs a reading.*Each event costs/,
    exitCode: 0,
  },
  'an emulated clock': {
    changes: { kernel: { ring: { ...BUFFER, clock: { ...BUFFER.clock!, costNs: 3000 } } } },
    check: 'clocksource',
    status: 'warning',
    says: /tsc, 3\.00 µs a reading.*emulated/,
    exitCode: 0,
  },
  'a wall clock that was never set': {
    changes: { host: { time: { ...HOST.time, unixMs: 0 } } },
    check: 'wall_clock',
    status: 'warning',
    says: /1970-01-01.*--time relative/,
    exitCode: 0,
  },
  'a clock that nobody has set yet': {
    changes: { host: { time: { ...HOST.time, isSynchronised: false } } },
    check: 'time_sync',
    status: 'warning',
    says: /no answer yet.*several hosts/,
    exitCode: 0,
  },
  'a clock that nobody is seen to keep': {
    changes: { host: { time: { ...HOST.time, keeper: undefined, isSynchronised: undefined } } },
    check: 'time_sync',
    status: 'unknown',
    says: /not known/,
    exitCode: 0,
  },
  'a small container': {
    changes: { host: { memory: { limit: 128 << 20, used: 100 << 20 } } },
    check: 'memory',
    status: 'warning',
    says: /100 MiB of 128 MiB used.*--memory/,
    exitCode: 0,
  },
  'a large container': {
    changes: { host: { memory: { limit: 2 ** 31, used: 100 << 20 } } },
    check: 'memory',
    status: 'ok',
    says: /100 MiB of 2 GiB used/,
    exitCode: 0,
  },
  'few open files': {
    changes: { process: { openFiles: 64 } },
    check: 'open_files',
    status: 'warning',
    says: /at most 64.*ulimit -n 1024/,
    exitCode: 0,
  },
};
