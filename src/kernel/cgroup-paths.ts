/** Paths of the cgroups that were made since tracing began: bpf/include/cgroups.h. */
import type { BpfMap } from '#bpf-native-bindings';
import { readText, writeU64 } from '../events/primitives.js';
import type { Hook } from '../model/hook.js';
import type { Program } from './program.js';

/** What is attached for it, where the kernel has cgroups. */
export const NEW_CGROUPS: Hook = {
  tracepoint: 'cgroup_mkdir',
  programs: [{ name: 'make_cgroup', arguments: 2 }],
  without: 'A container that is gone within a second may have no name.',
};

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
