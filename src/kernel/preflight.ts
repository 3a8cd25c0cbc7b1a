/** Can this host do it? Asked before anything is loaded, because the kernel's own answers mislead. */
import { existsSync, readFileSync } from 'node:fs';
import { kernelBtf } from '#bpf-native-bindings';
import { IS_STANDALONE } from '../assets/files.js';
import type { Transport } from '../events/shared.js';
import { EXIT, Failure } from '../model/failure.js';
import { requireAddon } from './addon.js';

const BTF = '/sys/kernel/btf/vmlinux';
const LOCKDOWN = '/sys/kernel/security/lockdown';

const CAP_SYS_ADMIN = 21n;
const CAP_PERFMON = 38n;
const CAP_BPF = 39n;

/** @throws {Failure} if the running kernel cannot, or this process may not, load programs on these tracepoints. */
export function preflight(tracepoints: readonly string[]): void {
  requireLinux();
  requireAddon();
  requireBtf();
  requireNoConfidentialityLockdown();
  requireCapabilities();
  for (const tracepoint of tracepoints) requireTracepoint(tracepoint);
}

function requireLinux(): void {
  if (process.platform === 'linux') return;
  throw new Failure(
    EXIT.unsupported,
    `tcpscope cannot trace on ${process.platform}.`,
    'It measures inside the Linux kernel.',
    'Run it on the Linux host whose connections you want to see; replay, diff and config check work here.',
  );
}

function requireBtf(): void {
  if (existsSync(BTF)) return;
  throw new Failure(
    EXIT.unsupported,
    'This kernel does not describe itself: it has no BTF.',
    `${BTF} is missing (needs Linux 5.10 or newer with CONFIG_DEBUG_INFO_BTF=y), and without it no program can be loaded.`,
    'Boot a distribution kernel with BTF: Debian 11, Ubuntu 20.10, RHEL 8.2, Amazon Linux 2023 or newer have it. `ss -ti` works here.',
  );
}

function requireNoConfidentialityLockdown(): void {
  if (!readIfThere(LOCKDOWN).includes('[confidentiality]')) return;
  throw new Failure(
    EXIT.unsupported,
    'This kernel is locked down: lockdown=confidentiality.',
    'In this mode no BPF program may read kernel memory, not even for root.',
    'Boot with lockdown=integrity, where tcpscope works in full. `ss -ti` works here.',
  );
}

function requireCapabilities(): void {
  const effective = BigInt(
    `0x${/^CapEff:\s*([0-9a-f]+)/m.exec(readIfThere('/proc/self/status'))?.[1] ?? '0'}`,
  );
  const has = (capability: bigint): boolean => ((effective >> capability) & 1n) === 1n;
  if (has(CAP_SYS_ADMIN) || (has(CAP_BPF) && has(CAP_PERFMON))) return;
  throw notPermitted('Loading BPF programs needs root, or the capabilities CAP_BPF and CAP_PERFMON.');
}

function requireTracepoint(name: string): void {
  if (kernelBtf.hasType(`btf_trace_${name}`, 'typedef')) return;
  throw new Failure(
    EXIT.unsupported,
    `This kernel lacks the tracepoint ${name}.`,
    'Its BTF does not list it; Linux 5.10 and newer have it.',
    'Use a newer kernel. `ss -ti` works here.',
  );
}

/** Frees the megabytes of the kernel's BTF; a later question reads it again. */
export function forgetKernelTypes(): void {
  kernelBtf.close();
}

/** Ring buffers carry more and keep the order of events; kernels before 5.8 have only perf buffers. */
export function bestTransport(): Transport {
  return 'BPF_MAP_TYPE_RINGBUF' in kernelBtf.enumValues('bpf_map_type') ? 'ring' : 'perf';
}

/** The failure for missing privilege, with the very command to run: sudo often drops node's folder from PATH. */
export function notPermitted(why: string, details = ''): Failure {
  // A standalone executable is both the interpreter and the script.
  const script = IS_STANDALONE ? [] : process.argv.slice(1, 2);
  const words = [process.execPath, ...process.execArgv, ...script, ...process.argv.slice(2)];
  const command = words.map(quoteForShell).join(' ');
  return new Failure(
    EXIT.notPermitted,
    'tcpscope may not trace the kernel as this user.',
    why,
    `Run: sudo ${command}`,
    details,
  );
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
