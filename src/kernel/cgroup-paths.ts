/** Paths of the cgroups that were made since tracing began: bpf/include/cgroups.h. */
import { kernelBtf, type BpfMap } from '#bpf-native-bindings';
import { readText, writeU64 } from '../events/primitives.js';
import type { Program } from './program.js';

/** Programs to attach for it, where the kernel has cgroups. */
export function cgroupHooks(): string[] {
  return kernelBtf.hasType('btf_trace_cgroup_mkdir', 'typedef') ? ['make_cgroup'] : [];
}

export class NewCgroupPaths {
  private readonly paths: BpfMap;
  private readonly key = new Uint8Array(8);
  private readonly keyView = new DataView(this.key.buffer);

  constructor(program: Program) {
    this.paths = program.map('cgroup_paths');
  }

  /** `/system.slice/nginx.service`; undefined if the cgroup is older, or 1,024 are younger. */
  of(cgroupId: number): string | undefined {
    writeU64(this.keyView, 0, cgroupId);
    const value = this.paths.lookup(this.key);
    if (!value) return undefined;
    return readText(new DataView(value.buffer, value.byteOffset, value.byteLength), 0, value.byteLength);
  }
}
