/** Gives up what is not needed any more once the programs are attached: who takes this process over shall not have taken the host. */
import { isatty } from 'node:tty';
import { BpfError, renouncePrivileges as renounceNatively } from '#bpf-native-bindings';
import { CAPABILITY, holds, type Capability } from '../model/capability.js';
import { effectiveCapabilities } from './privileges.js';

/** What a run still has to do, beside reading maps and looking through sockets. */
export interface LastingNeeds {
  /** Read the counters of a network namespace in which no process lives. */
  readonly entersNamespaces: boolean;
  /** Ask docker's socket, which belongs to root. */
  readonly needsDockerSocket: boolean;
}

/** `nobody` of every distribution; its group goes by several names. */
const NOBODY = { uid: 65_534, gid: 65_534 };

/**
 * - CAP_BPF: from Linux 5.19 on to read a map needs nothing, before that this, unless kernel.unprivileged_bpf_disabled is 0.
 * - CAP_SYS_PTRACE: links of /proc/PID/ns of other users' processes. Between two processes of root it takes it as well, once the
 *   other one has more capabilities.
 * - CAP_DAC_READ_SEARCH: files of runtimes, once this is not root any more.
 */
const LASTING: readonly Capability[] = ['CAP_BPF', 'CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH'];

/** Without one of these, root would be less able as somebody else. */
const TO_LEAVE_ROOT: readonly Capability[] = [
  'CAP_SETUID',
  'CAP_SETGID',
  'CAP_SYS_PTRACE',
  'CAP_DAC_READ_SEARCH',
];

/** What a process with these capabilities keeps, and whether it stays root. Pure. */
export function remainderOf(
  held: bigint,
  isRoot: boolean,
  { entersNamespaces, needsDockerSocket }: LastingNeeds,
): { capabilities: Capability[]; leavesRoot: boolean } {
  const kept = LASTING.filter((capability) => holds(held, capability));
  // An engine that knows no CAP_BPF gives CAP_SYS_ADMIN in its place.
  const standsIn = !holds(held, 'CAP_BPF') || entersNamespaces;
  if (standsIn && holds(held, 'CAP_SYS_ADMIN')) kept.push('CAP_SYS_ADMIN');
  const mayLeave = TO_LEAVE_ROOT.every((capability) => holds(held, capability));
  return { capabilities: kept, leavesRoot: isRoot && mayLeave && !needsDockerSocket };
}

let keepsAll = false;

/** For a command that still has to do as root what other commands need not: the demo removes its networks. */
export function keepPrivileges(): void {
  keepsAll = true;
}

/**
 * To call when everything is attached and every file that is written to is open.
 * @returns a line that says what failed, which is no reason not to measure; undefined if nothing did
 */
export function renouncePrivileges(needs: LastingNeeds): string | undefined {
  if (keepsAll) return undefined;
  const isRoot = process.getuid?.() === 0;
  const { capabilities, leavesRoot } = remainderOf(effectiveCapabilities() ?? 0n, isRoot, needs);
  if (leavesRoot) {
    openTerminal();
    refuseDebugger();
  }
  try {
    renounceNatively({
      capabilities: capabilities.map((name) => CAPABILITY[name]),
      user: leavesRoot ? NOBODY : undefined,
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return `tcpscope: privileges that are not needed any more could not all be given up: ${error.message}`;
  }
}

/** Node opens a terminal anew when it is first asked for, which only its owner and root may. */
function openTerminal(): boolean {
  return isatty(0) && process.stdin.isTTY;
}

/** Node begins to listen for a debugger, who may execute anything, when it gets this signal: other processes of nobody may send it. */
function refuseDebugger(): void {
  process.on('SIGUSR1', () => undefined);
}
