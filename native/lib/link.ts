import type { NativeIterator, NativeLink } from './addon.js';

/** A program attached to its hook; made by BpfObject.attach(). */
export class BpfLink {
  readonly #native: NativeLink;

  /** @internal */
  constructor(native: NativeLink) {
    this.#native = native;
  }

  /** Detaches the program. Closing again does nothing. */
  close(): void {
    this.#native.close();
  }
}

/** A BPF iterator; made by BpfObject.iterator(). */
export class BpfIterator {
  readonly #native: NativeIterator;

  /** @internal */
  constructor(native: NativeIterator) {
    this.#native = native;
  }

  /** Runs the iterator once, and returns all that it wrote. */
  read(): Uint8Array {
    return this.#native.read();
  }

  /** Closing again does nothing. */
  close(): void {
    this.#native.close();
  }
}
