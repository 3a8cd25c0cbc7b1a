/** Capabilities that matter here, by their numbers in include/uapi/linux/capability.h. */
export const CAPABILITY = {
  CAP_DAC_READ_SEARCH: 2,
  CAP_SETGID: 6,
  CAP_SETUID: 7,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_ADMIN: 21,
  CAP_SYS_RESOURCE: 24,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const;
export type Capability = keyof typeof CAPABILITY;

/** @param effective bits of CapEff */
export function holds(effective: bigint, capability: Capability): boolean {
  return ((effective >> BigInt(CAPABILITY[capability])) & 1n) === 1n;
}

/** CAP_SYS_ADMIN still is all that CAP_BPF and CAP_PERFMON were split off from it (Linux 5.8). */
export const mayUse = (effective: bigint, capability: 'CAP_BPF' | 'CAP_PERFMON'): boolean =>
  holds(effective, 'CAP_SYS_ADMIN') || holds(effective, capability);

/** True if it may load programs that read kernel memory. */
export const mayLoadPrograms = (effective: bigint): boolean =>
  mayUse(effective, 'CAP_BPF') && mayUse(effective, 'CAP_PERFMON');
