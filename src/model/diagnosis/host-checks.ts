/** What is known of the host beside its kernel: names, numbers of processes, time, limits. */
import { formatBytes, formatDuration } from '../../model/units.js';
import { ok, unknown, unsupported, warning, type Check } from './check.js';
import type {
  CgroupFact,
  ClockProbe,
  ContainerFacts,
  HostFacts,
  KernelFacts,
  MemoryFact,
  ProcessFacts,
  ProcFact,
  TimeFacts,
} from './facts.js';

type Commands = readonly string[];

/** Reading a clock that is no counter of the CPU's takes this long and more. */
const SLOW_CLOCK_NS = 400;
/** Clocksources that the CPU itself counts. */
const COUNTERS = ['tsc', 'kvm-clock', 'hyperv_clocksource_tsc_page', 'xen', 'arch_sys_counter'];
/** A clock before this was never set. */
const SANE_SINCE_MS = Date.UTC(2024, 0);
const SANE_UNTIL_MS = Date.UTC(2100, 0);
/** What a command uses at most, of which Node is the most. */
const NEEDED_BYTES = 160 << 20;
/** Maps, programs, links, and a perf buffer for each of many CPUs. */
const NEEDED_FILES = 256;

const HOST_ROOT = 'docker run --volume /:/host:ro, and --host-root /host';

export function hostChecks(
  host: HostFacts,
  kernel: KernelFacts | undefined,
  process: ProcessFacts,
  commands: Commands,
): Check[] {
  const clock = kernel?.ring?.clock ?? kernel?.perf?.clock;
  return [
    cgroupsCheck(host.cgroups, commands),
    procCheck(host.proc, clock, commands),
    processesCheck(host.proc, commands),
    containersCheck(host.containers, isHosts(host.proc, clock), commands),
    clockCheck(clock, commands),
    clocksourceCheck(host.time, clock, commands),
    wallClockCheck(host.time, commands),
    synchronisationCheck(host.time, commands),
    memoryCheck(host.memory, commands),
    openFilesCheck(process, commands),
  ];
}

function cgroupsCheck({ mount, hasV1, isWhole }: CgroupFact, commands: Commands): Check {
  if (mount === undefined)
    return warning('cgroups', hasV1 ? 'v1 only' : 'none', commands, {
      means:
        'A socket knows only its v2 cgroup: containers, pods and units come from the owning process, if that is known and still there, and --cgroup does not work.',
      mend: hasV1
        ? `mount -t cgroup2 none /sys/fs/cgroup/unified, or boot with systemd.unified_cgroup_hierarchy=1; in a container: ${HOST_ROOT}.`
        : `In a container: ${HOST_ROOT}.`,
    });
  const mode = hasV1 ? `hybrid, v2 at ${mount}` : `v2 at ${mount}`;
  if (isWhole) return ok('cgroups', mode, commands);
  return warning('cgroups', `${mode}, a part of it`, commands, {
    means: 'Only cgroups of this container are seen: sockets of others have no container, pod or unit.',
    mend: `docker run --cgroupns=host, or ${HOST_ROOT}.`,
  });
}

/** The kernel numbers processes as the host's /proc does. */
function isHosts(proc: ProcFact, clock: ClockProbe | undefined): boolean | undefined {
  if (clock === undefined || proc.selfPid === undefined) return proc.isHosts;
  return clock.pid === proc.selfPid;
}

function procCheck(proc: ProcFact, clock: ClockProbe | undefined, commands: Commands): Check {
  const place = proc.hostRoot === '/' ? '/proc' : `${proc.hostRoot}/proc`;
  if (!proc.isMounted)
    return unsupported('proc', `${place} is not there`, commands, {
      means: 'No process, network namespace or counter can be looked up, and the command refuses to run.',
      mend: 'mount -t proc proc /proc',
    });
  const known = isHosts(proc, clock);
  if (known === undefined)
    return unknown('proc', `${place}: whether it is the host's is not known`, commands);
  if (known) return ok('proc', `${place} is the host's`, commands);
  return warning('proc', `${place} is a container's`, commands, {
    means:
      'PID is the number on the host, which this /proc does not have: containers of owners, names of network namespaces and the comparison with the counters of the host are missing.',
    mend: `docker run --pid=host, in Kubernetes hostPID: true; or ${HOST_ROOT}.`,
  });
}

function processesCheck(
  { hidepid, showsOthers, processes, unreadable }: ProcFact,
  commands: Commands,
): Check {
  const seen = `${processes} seen`;
  const found = unreadable === 0 ? seen : `${seen}, ${unreadable} of them may not be looked into`;
  if (hidepid === undefined || showsOthers)
    return ok('processes', hidepid === undefined ? found : `${found}, hidepid=${hidepid}`, commands);
  return warning('processes', `${found}: hidepid=${hidepid}`, commands, {
    means:
      'Processes of other users are hidden: their network namespaces and counters, and their cgroups, are not known.',
    mend: 'Run as root with CAP_SYS_PTRACE, or mount -o remount,hidepid=0 /proc.',
  });
}

function containersCheck(
  { byRuntime, pods, named, engines, isComplete }: ContainerFacts,
  seesHost: boolean | undefined,
  commands: Commands,
): Check {
  if (seesHost === false) return unknown('containers', 'not known: /proc has only this one', commands);
  const total = [...byRuntime.values()].reduce((sum, number) => sum + number, 0);
  const parts = [...byRuntime].map(([runtime, number]) => `${number} of ${runtime}`);
  if (pods > 0) parts.push(`in ${pods} pod${pods === 1 ? '' : 's'}`);
  const idle = engines.filter((engine) => !byRuntime.has(engine));
  if (idle.length > 0) parts.push(`${idle.join(', ')} installed`);
  const all = parts.length === 0 ? 'none' : parts.join(', ');
  const found = isComplete ? all : `${all}, of some processes: to look at all would take too long`;
  if (named >= total) return ok('containers', found, commands);
  return warning('containers', `${found}; ${total - named} without a name`, commands, {
    means: 'These are shown by their number (id) or unit: the files that have their names cannot be read.',
    mend: `Run as root; in a container: ${HOST_ROOT}.`,
  });
}

function clockCheck(clock: ClockProbe | undefined, commands: Commands): Check {
  if (!clock) return unknown('clock', 'not tried', commands);
  const { beforeNs, kernelNs, afterNs } = clock;
  if (beforeNs <= kernelNs && kernelNs <= afterNs)
    return ok('clock', "CLOCK_MONOTONIC is the kernel's", commands);
  const off = kernelNs < beforeNs ? kernelNs - beforeNs : kernelNs - afterNs;
  return warning(
    'clock',
    `the kernel's is ${formatDuration(Math.abs(off))} ${off < 0 ? 'behind' : 'ahead'}`,
    commands,
    {
      means: 'Durations are right, but TIME is not, and attempts that hang are told at the wrong moment.',
      mend: 'Run it outside of a time namespace: unshare --time, or a container that was restored.',
    },
  );
}

function clocksourceCheck(
  { clocksource }: TimeFacts,
  clock: ClockProbe | undefined,
  commands: Commands,
): Check {
  const name = clocksource ?? 'not known';
  if (!clock) return unknown('clocksource', name, commands);
  const found = `${name}, ${formatDuration(clock.costNs)} a reading`;
  if (clock.costNs < SLOW_CLOCK_NS) return ok('clocksource', found, commands);
  const isCounter = COUNTERS.includes(name);
  return warning('clocksource', found, commands, {
    means: 'Each event costs so much more, and the kernel itself is slow where it reads the time.',
    mend: isCounter
      ? 'This is as fast as it can be: the CPU is emulated, or has no time.'
      : 'See /sys/devices/system/clocksource/clocksource0/available_clocksource and why the kernel rejected tsc: dmesg | grep -i clocksource.',
  });
}

function wallClockCheck({ unixMs }: TimeFacts, commands: Commands): Check {
  const found = new Date(unixMs).toISOString();
  if (unixMs >= SANE_SINCE_MS && unixMs < SANE_UNTIL_MS) return ok('wall_clock', found, commands);
  return warning('wall_clock', found, commands, {
    means: 'TIME of rows and recordings is wrong; durations are not.',
    mend: 'Set the clock, or use --time relative.',
  });
}

function synchronisationCheck({ keeper, isSynchronised }: TimeFacts, commands: Commands): Check {
  const check = 'time_sync';
  if (keeper === undefined) return unknown(check, 'not known: nobody is seen to keep the time', commands);
  if (isSynchronised === undefined) return ok(check, `${keeper} runs`, commands);
  if (isSynchronised) return ok(check, `by ${keeper}`, commands);
  return warning(check, `${keeper} has had no answer yet`, commands, {
    means: 'Clocks of recordings of several hosts may differ; replay estimates and says by how much.',
    mend: 'See timedatectl timesync-status.',
  });
}

function memoryCheck(memory: MemoryFact | undefined, commands: Commands): Check {
  if (!memory) return ok('memory', 'no limit', commands);
  const { limit, used } = memory;
  const found = `${formatBytes(used)} of ${formatBytes(limit)} used`;
  if (limit - used >= NEEDED_BYTES) return ok('memory', found, commands);
  return warning('memory', found, commands, {
    means: `A command takes up to ${formatBytes(NEEDED_BYTES)}, and may be killed.`,
    mend: 'Raise the limit of the container: docker run --memory, in Kubernetes resources.limits.memory.',
  });
}

function openFilesCheck({ openFiles }: ProcessFacts, commands: Commands): Check {
  const check = 'open_files';
  if (openFiles === undefined) return unknown(check, 'not known', commands);
  const found = openFiles === Infinity ? 'unlimited' : `at most ${openFiles}`;
  if (openFiles >= NEEDED_FILES) return ok(check, found, commands);
  return warning(check, found, commands, {
    means: 'Maps, programs and a perf buffer for each CPU may not fit.',
    mend: `ulimit -n ${NEEDED_FILES * 4}`,
  });
}
