/** What this process is and may do, for `tcpscope doctor`. Needs neither the addon nor Linux, and never fails. */
import { readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';
import type { ProcessFacts } from '../model/diagnosis/facts.js';
import {
  BTF,
  effectiveCapabilities,
  isInUserNamespace,
  lockdownMode,
  seccompMode,
  sudoCommand,
} from './privileges.js';

export function processFacts(): ProcessFacts {
  const limits = read('/proc/self/limits');
  return {
    platform: process.platform,
    arch: process.arch,
    kernel: release(),
    node: process.version,
    libc: libc(),
    uid: process.getuid?.(),
    capabilities: effectiveCapabilities(),
    inUserNamespace: isInUserNamespace(),
    seccomp: seccompMode(),
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
