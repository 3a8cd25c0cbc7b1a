/** Can this host do it? Asked before anything is loaded, because the kernel's own answers mislead. */
import { existsSync } from 'node:fs';
import { kernelBtf } from '#bpf-native-bindings';
import type { Transport } from '../events/shared.js';
import { EXIT, Failure } from '../model/failure.js';
import { requireAddon } from './addon.js';
import { BTF, lockdownMode, requireCapabilities } from './privileges.js';

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
    'In a container give it -v /sys/kernel/btf:/sys/kernel/btf:ro; else boot a distribution kernel with BTF: Debian 11, Ubuntu 20.10, RHEL 8.2, Amazon Linux 2023 or newer have it. `ss -ti` works here.',
  );
}

function requireNoConfidentialityLockdown(): void {
  if (lockdownMode() !== 'confidentiality') return;
  throw new Failure(
    EXIT.unsupported,
    'This kernel is locked down: lockdown=confidentiality.',
    'In this mode no BPF program may read kernel memory, not even for root.',
    'Boot with lockdown=integrity, where tcpscope works in full. `ss -ti` works here.',
  );
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
