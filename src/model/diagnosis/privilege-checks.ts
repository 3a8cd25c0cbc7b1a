/** What this process may do, one by one, so that a container can be given exactly what it lacks. */
import { holds, mayLoadPrograms, mayUse, type Capability } from '../../model/capability.js';
import { formatBytes } from '../../model/units.js';
import { notPermitted, ok, unknown, unsupported, warning, type Check } from './check.js';
import type { KernelFacts, ProcessFacts, Trial } from './facts.js';

type Commands = readonly string[];

/** Whether a program could be loaded at all; undefined where it was not tried. */
export function bpfTrial(kernel: KernelFacts | undefined): Trial | undefined {
  const [ring, perf] = [kernel?.ring?.load, kernel?.perf?.load];
  return ring?.worked ? ring : (perf ?? ring);
}

export function privilegeChecks(
  process: ProcessFacts,
  kernel: KernelFacts | undefined,
  commands: Commands,
): Check[] {
  const trial = bpfTrial(kernel);
  return [
    lockdownCheck(process, commands),
    splitCapabilityCheck(process, 'CAP_BPF', 'No program can be loaded.', commands),
    splitCapabilityCheck(
      process,
      'CAP_PERFMON',
      'Programs may not read kernel memory, and so not be loaded.',
      commands,
    ),
    ptraceCheck(process, commands),
    userNamespaceCheck(process, trial, commands),
    seccompCheck(process, trial, commands),
    memlockCheck(process, kernel, commands),
  ];
}

function lockdownCheck({ lockdown }: ProcessFacts, commands: Commands): Check {
  if (lockdown !== 'confidentiality') return ok('lockdown', lockdown ?? 'none', commands);
  return unsupported('lockdown', lockdown, commands, {
    means: 'In this mode no BPF program may read kernel memory, not even for root.',
    mend: 'Boot with lockdown=integrity, where tcpscope works in full. `ss -ti` works here.',
  });
}

/** How to get a capability: by sudo, or for what is root already and lacks it, from the container's engine. */
function giving(capability: Capability, { uid, sudo }: ProcessFacts): string {
  const name = capability.replace('CAP_', '');
  const ofContainer = `docker run --cap-add ${name}; in Kubernetes securityContext.capabilities.add: [${name}]`;
  return uid === 0 ? `In a container: ${ofContainer}.` : sudo;
}

/** One of those that CAP_SYS_ADMIN includes. */
function splitCapabilityCheck(
  process: ProcessFacts,
  capability: 'CAP_BPF' | 'CAP_PERFMON',
  means: string,
  commands: Commands,
): Check {
  const check = capability.toLowerCase();
  const { capabilities } = process;
  if (capabilities === undefined)
    return unknown(check, 'not known: /proc/self/status cannot be read', commands);
  if (holds(capabilities, capability)) return ok(check, 'held', commands);
  if (mayUse(capabilities, capability)) return ok(check, 'held with CAP_SYS_ADMIN', commands);
  return notPermitted(check, 'missing', commands, { means, mend: giving(capability, process) });
}

function ptraceCheck(process: ProcessFacts, commands: Commands): Check {
  const { capabilities } = process;
  const check = 'cap_sys_ptrace';
  if (capabilities === undefined)
    return unknown(check, 'not known: /proc/self/status cannot be read', commands);
  if (holds(capabilities, 'CAP_SYS_PTRACE')) return ok(check, 'held', commands);
  return warning(check, 'missing', commands, {
    means:
      "Network namespaces of other users' processes may not be read: they have no name, and the summary leaves their counters out of its comparison.",
    mend: giving('CAP_SYS_PTRACE', process),
  });
}

const isRefused = (trial: Trial | undefined): boolean => trial?.worked === false && !trial.permitted;

/** True if the capabilities would do, and the kernel refuses all the same. */
function isRefusedInSpite({ capabilities }: ProcessFacts, trial: Trial | undefined): boolean {
  return isRefused(trial) && mayLoadPrograms(capabilities ?? 0n);
}

/** What to do about a program that the kernel refuses to this process: which of the other checks has the reason. */
export function refusalAdvice(process: ProcessFacts): string {
  const { capabilities, uid, sudo, inUserNamespace, seccomp } = process;
  if (uid !== 0) return sudo;
  if (capabilities !== undefined && !mayLoadPrograms(capabilities)) return 'See the capabilities above.';
  if (inUserNamespace) return 'See user_namespace above.';
  if (seccomp !== undefined && seccomp !== 0) return 'See seccomp above.';
  return 'See memlock above; else a security module (SELinux, AppArmor) forbids it: dmesg and ausearch -m avc name it.';
}

function userNamespaceCheck(process: ProcessFacts, trial: Trial | undefined, commands: Commands): Check {
  const check = 'user_namespace';
  if (!process.inUserNamespace) return ok(check, "the host's", commands);
  const found = 'one of its own, as in a rootless container';
  if (!isRefusedInSpite(process, trial)) return ok(check, found, commands);
  return notPermitted(check, found, commands, {
    means: 'Capabilities count only inside of this user namespace; the kernel asks for those of the host.',
    mend: 'Start the container as root of the host, and without its own user namespace: sudo podman run, or docker run --userns=host.',
  });
}

function seccompCheck(process: ProcessFacts, trial: Trial | undefined, commands: Commands): Check {
  const check = 'seccomp';
  if (process.seccomp === undefined)
    return unknown(check, 'not known: /proc/self/status cannot be read', commands);
  if (process.seccomp === 0) return ok(check, 'no filter', commands);
  if (trial?.worked) return ok(check, 'a filter that allows bpf(2)', commands);
  if (!isRefusedInSpite(process, trial) || process.inUserNamespace)
    return unknown(check, 'a filter, which may or may not allow bpf(2)', commands);
  return notPermitted(check, 'a filter, and bpf(2) is refused', commands, {
    means:
      'No program can be loaded though the capabilities are there: the profile of the container forbids it.',
    mend: 'docker run --security-opt seccomp=PROFILE with one that allows bpf and perf_event_open, or seccomp=unconfined.',
  });
}

function memlockCheck(process: ProcessFacts, kernel: KernelFacts | undefined, commands: Commands): Check {
  const check = 'memlock';
  const { memlock, capabilities } = process;
  const limit =
    memlock === undefined ? 'not known' : memlock === Infinity ? 'unlimited' : formatBytes(memlock);
  const charged = kernel?.chargesMemlock;
  if (charged === undefined) return unknown(check, `${limit}; whether it matters is not known`, commands);
  if (!charged) return ok(check, `${limit}, which this kernel does not ask for`, commands);
  const isRaisable = holds(capabilities ?? 0n, 'CAP_SYS_RESOURCE');
  if (memlock === Infinity) return ok(check, limit, commands);
  if (isRaisable) return ok(check, `${limit}, which CAP_SYS_RESOURCE lets it raise`, commands);
  const found = `${limit}, without CAP_SYS_RESOURCE`;
  const isTooLow = kernel.commands.some(({ load }) => isRefused(load));
  if (!isTooLow || !mayLoadPrograms(capabilities ?? 0n)) return ok(check, found, commands);
  return notPermitted(check, found, commands, {
    means: 'Kernels before 5.11 count the memory of BPF here, and it does not suffice for the maps.',
    mend: 'docker run --ulimit memlock=-1, or ulimit -l unlimited as root, or the capability CAP_SYS_RESOURCE.',
  });
}
