import { addon, type NativeStats } from './addon.js';

/** Holds the kernel's timing of BPF programs on; made by enableStats(). It ends with the process at the latest. */
export class BpfStats {
  readonly #native: NativeStats;

  /** @internal */
  constructor(native: NativeStats) {
    this.#native = native;
  }

  /** The kernel times on if somebody else has it do so. Closing again does nothing. */
  close(): void {
    this.#native.close();
  }
}

/**
 * Has the kernel count runs and run time of all BPF programs of this host (BpfObject.programInfo), which slows each run down a little:
 * keep the handle as long as that shall last. Needs Linux 5.8 and CAP_SYS_ADMIN.
 *
 * @throws BpfError operation 'enableStats'; 'EPERM' without the privilege
 */
export function enableStats(): BpfStats {
  return new BpfStats(new addon.Stats());
}
