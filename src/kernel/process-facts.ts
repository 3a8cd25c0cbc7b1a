/** What this process is and may do, for `tcpscope doctor`. Needs neither the addon nor Linux, and never fails. */
import { readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';
import type { ProcessFacts } from '../model/diagnosis/facts.js';
import { BTF, effectiveCapabilities, lockdownMode, sudoCommand } from './privileges.js';

/** Of a process that is in no user namespace but the first. */
const WHOLE_UID_MAP = /^\s*0\s+0\s+4294967295\s*$/;

export function processFacts(): ProcessFacts {
  const status = read('/proc/self/status');
  const limits = read('/proc/self/limits');
  const uidMap = read('/proc/self/uid_map');
  const seccomp = /^Seccomp:\s*(\d)/m.exec(status)?.[1];
  return {
    platform: process.platform,
    arch: process.arch,
    kernel: release(),
    node: process.version,
    libc: libc(),
    uid: process.getuid?.(),
    capabilities: effectiveCapabilities(),
    inUserNamespace: uidMap !== '' && !WHOLE_UID_MAP.test(uidMap),
    seccomp: seccomp === undefined ? undefined : Number(seccomp),
    memlock: limitIn(limits, 'Max locked memory'),
    openFiles: limitIn(limits, 'Max open files'),
    lockdown: lockdownMode(),
    btfBytes: btfBytes(),
    sudo: sudoCommand(),
  };
}

function libc(): ProcessFacts['libc'] {
  if (process.platform !== 'linux') return { name: undefined, version: undefined };
  if (/\/ld-musl-/.test(read('/proc/self/maps'))) return { name: 'musl', version: undefined };
  const version = glibcVersion();
  return { name: version === undefined ? undefined : 'glibc', version };
}

function glibcVersion(): string | undefined {
  const report = process.report as typeof process.report & { excludeNetwork?: boolean };
  // Otherwise it would ask for the names of addresses.
  report.excludeNetwork = true;
  const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime;
}

/** The soft limit. */
function limitIn(limits: string, name: string): number | undefined {
  const value = new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(limits)?.[1];
  if (value === undefined) return undefined;
  return value === 'unlimited' ? Infinity : Number(value);
}

function btfBytes(): number | undefined {
  try {
    return statSync(BTF).size;
  } catch {
    return undefined;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
