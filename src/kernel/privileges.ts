/** What this process may do, and what the kernel forbids to all; readable where the addon cannot be loaded. */
import { readFileSync } from 'node:fs';
import { IS_STANDALONE } from '../assets/files.js';
import { mayLoadPrograms } from '../model/capability.js';
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
  throw notPermitted('Loading BPF programs needs root, or the capabilities CAP_BPF and CAP_PERFMON.');
}

/** The failure for missing privilege, with the very command to run: sudo often drops node's folder from PATH. */
export function notPermitted(why: string, details = ''): Failure {
  return new Failure(
    EXIT.notPermitted,
    'tcpscope may not trace the kernel as this user.',
    why,
    `Run: ${sudoCommand()}`,
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
