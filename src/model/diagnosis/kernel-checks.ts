/** What the kernel has, and whether what the commands do in it was accepted. */
import { programFor, type Hook } from '../../model/hook.js';
import { formatBytes, formatDuration } from '../../model/units.js';
import { notPermitted, ok, unknown, unsupported, warning, type Advice, type Check } from './check.js';
import type { BufferProbe, CommandProbe, KernelFacts, ProcessFacts, Trial } from './facts.js';
import { bpfTrial, refusalAdvice } from './privilege-checks.js';

type Commands = readonly string[];
type Refusal = Extract<Trial, { worked: false }>;

const NOT_TRIED = 'not tried';
const REPORT = 'Please report it with the output of tcpscope doctor --json and `uname -a`.';

export function kernelChecks(
  process: ProcessFacts,
  kernel: KernelFacts | undefined,
  commands: Commands,
): Check[] {
  return [
    btfCheck(process, kernel, commands),
    ...tracepointChecks(kernel),
    bpfCheck(process, kernel, commands),
    bufferCheck('ring_buffer', kernel?.ring, kernel?.perf, commands),
    bufferCheck('perf_buffer', kernel?.perf, kernel?.ring, commands),
    iteratorCheck(kernel, commands),
    eventCheck(kernel, commands),
    ...(kernel?.commands ?? []).map((probe) => programsCheck(probe, process)),
    ...(commands.includes('connlat') ? [syncErrorsCheck(kernel)] : []),
  ];
}

function btfCheck({ btfBytes }: ProcessFacts, kernel: KernelFacts | undefined, commands: Commands): Check {
  if (btfBytes !== undefined && kernel?.tracepoints) return ok('btf', formatBytes(btfBytes), commands);
  if (btfBytes !== undefined) return unknown('btf', `${formatBytes(btfBytes)}, not read`, commands);
  return unsupported('btf', 'missing: /sys/kernel/btf/vmlinux', commands, {
    means: 'The kernel does not describe its types, and without them no program can be loaded.',
    mend: 'Boot a kernel with CONFIG_DEBUG_INFO_BTF=y: Debian 11, Ubuntu 20.10, RHEL 8.2, Amazon Linux 2023 or newer have it. In a container /sys must be mounted. `ss -ti` works here.',
  });
}

/** One check for each tracepoint that any of the commands asks for. */
function tracepointChecks(kernel: KernelFacts | undefined): Check[] {
  const users = new Map<string, { hook: Hook; commands: string[] }>();
  for (const { command, hooks } of kernel?.commands ?? [])
    for (const hook of hooks) {
      const user = users.get(hook.tracepoint);
      if (user) user.commands.push(command);
      else users.set(hook.tracepoint, { hook, commands: [command] });
    }
  return [...users.values()].map(({ hook, commands }) =>
    tracepointCheck(hook, kernel?.tracepoints, commands),
  );
}

function tracepointCheck(hook: Hook, tracepoints: KernelFacts['tracepoints'], commands: Commands): Check {
  const { tracepoint, programs, without, since } = hook;
  if (!tracepoints) return unknown(tracepoint, `tracepoint: ${NOT_TRIED}`, commands);
  const available = tracepoints.get(tracepoint);
  const program = programFor(hook, available);
  const found =
    available === undefined ? 'tracepoint: missing' : `tracepoint with ${count(available, 'argument')}`;
  if (program?.without !== undefined)
    return warning(
      tracepoint,
      `${found} of ${programs[0]!.arguments}`,
      commands,
      optional(program.without, programs[0]!.since),
    );
  if (program) return ok(tracepoint, found, commands);
  if (without !== undefined) return warning(tracepoint, found, commands, optional(without, since));
  return unsupported(tracepoint, found, commands, {
    means: `The command asks for it with ${count(programs.at(-1)?.arguments ?? 0, 'argument')}, and cannot do without.`,
    mend: 'Use Linux 5.10 or newer. `ss -ti` works here.',
  });
}

const optional = (means: string, since: string | undefined): Advice => ({
  means,
  mend:
    since === undefined ? 'Nothing to mend; all else works.' : `${since} and newer have it; all else works.`,
});

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;

function failed(check: string, trial: Refusal, commands: Commands, advice: Advice): Check {
  return (trial.permitted ? unsupported : notPermitted)(check, trial.reason, commands, advice);
}

function bpfCheck(process: ProcessFacts, kernel: KernelFacts | undefined, commands: Commands): Check {
  const trial = bpfTrial(kernel);
  if (!trial) return unknown('bpf', NOT_TRIED, commands);
  if (trial.worked) return ok('bpf', 'a small program was accepted', commands);
  return failed('bpf', trial, commands, {
    means: 'The kernel takes no program of this process.',
    mend: trial.permitted
      ? `The kernel needs CONFIG_BPF_SYSCALL=y, Linux 5.10 or newer. ${REPORT}`
      : refusalAdvice(process),
  });
}

/** One of the two kinds is enough. */
function bufferCheck(
  check: string,
  probe: BufferProbe | undefined,
  other: BufferProbe | undefined,
  commands: Commands,
): Check {
  const trial = probe?.load;
  if (!trial) return unknown(check, NOT_TRIED, commands);
  if (trial.worked) return ok(check, 'works', commands);
  if (other?.load.worked)
    return warning(check, trial.reason, commands, {
      means: 'Events can take the other kind of buffer only.',
      mend: trial.permitted
        ? 'Use --transport, should a command not choose it by itself.'
        : 'Nothing, unless you want --transport perf: docker run --security-opt seccomp=PROFILE with one that allows perf_event_open.',
    });
  // That no program is accepted says another check.
  if (!trial.permitted) return unknown(check, NOT_TRIED, commands);
  return failed(check, trial, commands, { means: 'Events have no way out of the kernel.', mend: REPORT });
}

/** Of the buffer that works, what `of` says. */
function tried<Part>(
  kernel: KernelFacts | undefined,
  of: (probe: BufferProbe) => Part | undefined,
): Part | undefined {
  const probes = [kernel?.ring, kernel?.perf].filter((probe) => probe !== undefined);
  return probes.map(of).find((part) => part !== undefined);
}

function iteratorCheck(kernel: KernelFacts | undefined, commands: Commands): Check {
  const trial = tried(kernel, ({ iterator }) => iterator);
  if (!trial) return unknown('iterator', NOT_TRIED, commands);
  if (trial.worked) return ok('iterator', 'went through an LRU map', commands);
  return failed('iterator', trial, commands, {
    means: 'Attempts that hang, and owners of sockets older than the tool, cannot be found.',
    mend: `Use Linux 5.10 or newer. ${REPORT}`,
  });
}

function eventCheck(kernel: KernelFacts | undefined, commands: Commands): Check {
  const attach = tried(kernel, (probe) => probe.attach);
  const trial = attach?.worked === false ? attach : tried(kernel, ({ event }) => event);
  if (!attach) return unknown('event', NOT_TRIED, commands);
  if (!trial) return unknown('event', 'attached, but there is no loopback address to listen on', commands);
  if (trial.worked) return ok('event', 'a socket of our own was seen to listen', commands);
  return failed('event', trial, commands, {
    means: 'Programs are accepted, but nothing comes of them.',
    mend: `A kernel may run no program for some processes (hardened kernels), or BPF is off. ${REPORT}`,
  });
}

/** The programs of a command, as it loads them. */
function programsCheck(
  { command, load, tookMs, programs, refused }: CommandProbe,
  process: ProcessFacts,
): Check {
  const check = `${command}_programs`;
  if (!load) return unknown(check, NOT_TRIED, [command]);
  if (load.worked) {
    const time = formatDuration(tookMs * 1e6);
    return ok(check, `${programs.length} programs accepted in ${time}`, [command]);
  }
  const each = refused.map(({ program, reason }) => `${program}: ${reason}`).join('; ');
  return failed(check, load, [command], {
    means: each === '' ? 'It cannot trace here.' : `It cannot trace here. Refused: ${each}.`,
    mend: load.permitted ? REPORT : refusalAdvice(process),
  });
}

function syncErrorsCheck(kernel: KernelFacts | undefined): Check {
  const commands = ['connlat'];
  const check = 'sync_errors';
  const trial = kernel?.syncErrors;
  if (!trial || !bpfTrial(kernel)?.worked) return unknown(check, NOT_TRIED, commands);
  if (trial.worked) return ok(check, 'system call tracepoints work', commands);
  const means = '--sync-errors does not work; without that flag all does.';
  if (!trial.permitted)
    return warning(check, trial.reason, commands, {
      means,
      mend: 'docker run --security-opt seccomp=PROFILE with one that allows perf_event_open.',
    });
  return warning(check, 'no system call tracepoints', commands, {
    means,
    mend: 'mount -t tracefs tracefs /sys/kernel/tracing (in a container: docker run --volume /sys/kernel/tracing:/sys/kernel/tracing); the kernel needs CONFIG_FTRACE_SYSCALLS=y.',
  });
}
