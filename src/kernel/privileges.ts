/** What this process may do, and what the kernel forbids to all; readable where the addon cannot be loaded. */
import { readFileSync } from 'node:fs';
import { IS_STANDALONE } from '../assets/files.js';
import { mayLoadPrograms, mayUse } from '../model/capability.js';
import { EXIT, Failure } from '../model/failure.js';

export const BTF = '/sys/kernel/btf/vmlinux';
const LOCKDOWN = '/sys/kernel/security/lockdown';

/** `none`, `integrity` or `confidentiality`; undefined where the kernel has no lockdown, or does not show it here. */
export function lockdownMode(): string | undefined {
  return /\[(\w+)\]/.exec(readIfThere(LOCKDOWN))?.[1];
}

/** Bits of CapEff, by the numbers of CAPABILITY; undefined where /proc does not tell. */
export function effectiveCapabilities(): bigint | undefined {
  const digits = /^CapEff:\s*([0-9a-f]+)/m.exec(readIfThere('/proc/self/status'))?.[1];
  return digits === undefined ? undefined : BigInt(`0x${digits}`);
}

/** @throws {Failure} if this process may not load programs that read kernel memory. */
export function requireCapabilities(): void {
  const effective = effectiveCapabilities();
  // Where /proc does not tell, the kernel will.
  if (effective === undefined || mayLoadPrograms(effective)) return;
  const missing = (['CAP_BPF', 'CAP_PERFMON'] as const).filter((name) => !mayUse(effective, name));
  throw notPermitted(
    missing.length === 2 ? WITHOUT.both : `${missing.join()} is missing: ${WITHOUT[missing[0]!]}.`,
    '',
    `Give the container ${missing.map((name) => `--cap-add=${name.slice('CAP_'.length)}`).join(' ')}; ${RECIPE}.`,
  );
}

const WITHOUT = {
  CAP_BPF: 'without it no program can be loaded',
  CAP_PERFMON: 'without it programs may not read kernel memory',
  both: 'Loading BPF programs needs the capabilities CAP_BPF and CAP_PERFMON, which root has outside of containers.',
} as const;

const RECIPE = 'docs/container.md has all that it needs';

/** The failure for what the kernel refuses although the capabilities are there. @param refusal the kernel's own words */
export function refused(refusal: string, details: string): Failure {
  if (isInUserNamespace())
    return notPermitted(
      "The capabilities are those of a user namespace of its own, as in a rootless container; the kernel asks for the host's.",
      details,
      'Start the container as root of the host and without its own user namespace: sudo podman run, or docker run --userns=host.',
    );
  if (seccompMode() !== 0)
    return notPermitted(
      `The capabilities are there, but the seccomp profile of the container forbids bpf(2) (${refusal}).`,
      details,
      `Give the container --security-opt seccomp=unconfined, or a profile that allows bpf and perf_event_open; ${RECIPE}.`,
    );
  return notPermitted(`The kernel refused (${refusal}).`, details);
}

/** Of a process that is in no user namespace but the first. */
const WHOLE_UID_MAP = /^\s*0\s+0\s+4294967295\s*$/;

/** False where /proc does not tell. */
export function isInUserNamespace(): boolean {
  const map = readIfThere('/proc/self/uid_map');
  return map !== '' && !WHOLE_UID_MAP.test(map);
}

/** 0: no filter; undefined where /proc does not tell. */
export function seccompMode(): number | undefined {
  const mode = /^Seccomp:\s*(\d)/m.exec(readIfThere('/proc/self/status'))?.[1];
  return mode === undefined ? undefined : Number(mode);
}

/**
 * The failure for missing privilege, with the very command to run: sudo often drops node's folder from PATH.
 * @param asRoot advice for root, whom sudo does not help
 */
export function notPermitted(why: string, details = '', asRoot?: string): Failure {
  const isRoot = process.getuid?.() === 0;
  return new Failure(
    EXIT.notPermitted,
    `tcpscope may not trace the kernel ${isRoot ? 'here, though it runs as root' : 'as this user'}.`,
    why,
    isRoot && asRoot !== undefined ? asRoot : `Run: ${sudoCommand()}`,
    details,
  );
}

/** This very run, as root. */
export function sudoCommand(): string {
  // A standalone executable is both the interpreter and the script.
  const script = IS_STANDALONE ? [] : process.argv.slice(1, 2);
  const words = [process.execPath, ...process.execArgv, ...script, ...process.argv.slice(2)];
  return `sudo ${words.map(quoteForShell).join(' ')}`;
}

function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
