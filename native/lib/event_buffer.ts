import type { NativeEvents } from './addon.js';

/** What one consume() moved. */
export interface Consumed {
  /** Bytes written at the start of the caller's buffer. */
  readonly bytes: number;
  readonly records: number;
}

/**
 * The reading side of a ring buffer or a perf buffer; made by BpfObject.ringBuffer() and perfBuffer(). Nothing is ever woken
 * or polled: programs should submit with BPF_RB_NO_WAKEUP, and the caller consumes as often as it likes.
 */
export class EventBuffer {
  readonly #native: NativeEvents;

  /** @internal */
  constructor(native: NativeEvents) {
    this.#native = native;
  }

  /**
   * Moves as many whole records as fit; the others stay for the next call.
   *
   * Each record is a u32 of its payload's length in bytes, a u32 CPU (0 for a ring buffer), the payload, and zeros up to a
   * multiple of 8 bytes, in the host's byte order. Records of a ring buffer come in the order of their reservation; those of
   * perf buffers in order within a CPU, and their length includes up to 7 bytes of the kernel's own padding.
   *
   * @param into a buffer to be reused from call to call
   * @throws BpfError 'EMSGSIZE' if the next record alone is larger than the buffer; it is not lost
   */
  consume(into: Uint8Array): Consumed {
    return this.#native.consume(into);
  }

  /** Bytes not yet consumed, with the kernel's record headers: how full the buffer is. */
  pending(): number {
    return this.#native.pending();
  }

  /**
   * Records that did not fit a perf buffer, as the kernel reported them among those consumed so far. Always 0 for a ring
   * buffer: there only the program learns that a reservation failed.
   */
  get lost(): number {
    return this.#native.lost();
  }

  /** Closing again does nothing. */
  close(): void {
    this.#native.close();
  }
}
