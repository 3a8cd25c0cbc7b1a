import { addon, type NativeMap } from './addon.js';
import { BpfError } from './error.js';

const UPDATE_FLAGS = { any: 0, noexist: 1, exist: 2 } as const;

/** All entries of a map, one behind the other. */
export interface MapEntries {
  /** keySize bytes an entry. */
  readonly keys: Uint8Array;
  /** valueSize bytes an entry; for a per-CPU map perCpuStride(valueSize) bytes a possible CPU an entry. */
  readonly values: Uint8Array;
  readonly count: number;
}

/** The bytes that one CPU's value takes where the kernel returns the values of all CPUs: padded to 8. */
export function perCpuStride(valueSize: number): number {
  return Math.ceil(valueSize / 8) * 8;
}

/** A map of a loaded object; made by BpfObject.map(). It lives as long as the object. Keys and values are raw bytes. */
export class BpfMap {
  readonly #native: NativeMap;
  readonly #perCpu: boolean;

  /** The number that bpftool shows. */
  readonly id: number;
  /** libbpf's name of the type: 'hash', 'lru_hash', 'array', 'percpu_array', 'ringbuf'. */
  readonly type: string;
  /** Bytes. */
  readonly keySize: number;
  /** Bytes; for a per-CPU map those of one CPU's value. */
  readonly valueSize: number;
  /** Entries; bytes for a ring buffer. */
  readonly maxEntries: number;

  /** @internal */
  constructor(native: NativeMap) {
    this.#native = native;
    const shape = native.describe();
    this.id = shape.id;
    this.type = shape.type;
    this.keySize = shape.keySize;
    this.valueSize = shape.valueSize;
    this.maxEntries = shape.maxEntries;
    this.#perCpu = shape.perCpu;
  }

  /**
   * @returns the value; undefined if the key is absent
   * @throws BpfError 'EINVAL' for a key of a wrong size, or a per-CPU map
   */
  lookup(key: Uint8Array): Uint8Array | undefined {
    this.#require(!this.#perCpu, 'lookup', 'is per CPU: use lookupPerCpu');
    return this.#native.lookup(key);
  }

  /**
   * @returns one value for each possible CPU, in the order of their numbers; undefined if the key is absent
   * @throws BpfError 'EINVAL' for a key of a wrong size, or a map that is not per CPU
   */
  lookupPerCpu(key: Uint8Array): Uint8Array[] | undefined {
    this.#require(this.#perCpu, 'lookupPerCpu', 'is not per CPU: use lookup');
    const values = this.#native.lookup(key);
    if (values === undefined) return undefined;
    const stride = perCpuStride(this.valueSize);
    return Array.from({ length: addon.possibleCpus() }, (_, cpu) =>
      values.subarray(cpu * stride, cpu * stride + this.valueSize),
    );
  }

  /**
   * Sets a value.
   *
   * @param value for a per-CPU map the values of all possible CPUs, as in MapEntries.values
   * @param flags 'noexist' only creates, 'exist' only replaces
   * @throws BpfError 'EEXIST', 'ENOENT', 'E2BIG' (the map is full), 'EINVAL' (a wrong size)
   */
  update(key: Uint8Array, value: Uint8Array, flags: keyof typeof UPDATE_FLAGS = 'any'): void {
    this.#native.update(key, value, UPDATE_FLAGS[flags]);
  }

  /** @returns false if the key was absent */
  delete(key: Uint8Array): boolean {
    return this.#native.delete(key);
  }

  /**
   * Reads the whole map, with few system calls where the kernel can. While programs write, an entry may be missing; a map
   * type without batch reads may then also repeat some.
   */
  entries(): MapEntries {
    return this.#native.entries();
  }

  /**
   * Reads the whole map and leaves it empty. What programs count meanwhile may be lost: it is for maps that none of them has.
   *
   * @throws BpfError for a map type without batch operations, such as an array
   */
  take(): MapEntries {
    return this.#native.take();
  }

  /**
   * Sets a value of a map of maps. When it returns, no program runs any more that has the map which was there before
   * (maybe_wait_bpf_programs, kernel/bpf/syscall.c).
   */
  putMap(key: Uint8Array, map: BpfMap): void {
    this.#native.putMap(key, map.#native);
  }

  #require(condition: boolean, operation: string, problem: string): void {
    if (!condition) throw new BpfError(operation, `the map ${problem}`, 22, '');
  }
}
