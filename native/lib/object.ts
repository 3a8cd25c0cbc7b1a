import { addon, type NativeObject } from './addon.js';
import { EventBuffer } from './event_buffer.js';
import { BpfIterator, BpfLink } from './link.js';
import { BpfMap } from './map.js';

/**
 * What the kernel counted about a loaded program. Times and counts stay 0 unless enableStats() or kernel.bpf_stats_enabled is
 * on.
 */
export interface ProgramInfo {
  /** The number that bpftool shows. */
  readonly id: number;
  readonly runTimeNs: number;
  readonly runCount: number;
  /** Runs that were skipped because the program was already running on that CPU. */
  readonly recursionMisses: number;
}

const NOTHING = new Uint8Array();

/** What a program is run on by testRun(); which of them a kind of program takes, the kernel decides. */
export interface TestRunOptions {
  /** The bytes at its context: for raw_tp the arguments, 8 bytes each. */
  readonly context?: Uint8Array;
  /** A packet, for programs that see packets. */
  readonly data?: Uint8Array;
  /** How often it runs; not for raw_tp. */
  readonly repeat?: number;
}

export interface TestRunResult {
  /** Of the last run: 32 bits without sign. */
  readonly returnValue: number;
  /** Of a run, on average; 0 for kinds of programs of which the kernel does not tell it, such as raw_tp. */
  readonly durationNs: number;
}

/**
 * A BPF object file: open it, choose globals, programs and maps, load it into the kernel, attach its programs.
 *
 * close() undoes all of it: it closes every link, iterator and event buffer that came from the object, and using one of them
 * afterwards throws a BpfError with code 'CLOSED'. The same happens when the object and everything that came from it have
 * been collected as garbage, and at the end of a worker: keep a reference as long as the programs shall run.
 */
export class BpfObject {
  readonly #native: NativeObject;

  private constructor(native: NativeObject) {
    this.#native = native;
  }

  /**
   * Parses an ELF object; the kernel is not asked yet.
   *
   * @param bytes the object file; not needed any more afterwards
   * @param options.name names the object in messages, and (its first 8 characters) its maps of globals
   * @throws BpfError operation 'open', if the bytes are not a BPF object
   */
  static open(bytes: Uint8Array, options: { name?: string } = {}): BpfObject {
    return new BpfObject(new addon.Object(bytes, options.name ?? 'bpf'));
  }

  /** Names of all programs, whether they are to be loaded or not. */
  get programNames(): string[] {
    return this.#native.programNames();
  }

  /** Names of all maps, with those of globals such as 'bpf.rodata'. */
  get mapNames(): string[] {
    return this.#native.mapNames();
  }

  /**
   * Sets a `const volatile` global, before load().
   *
   * @param value exactly as many bytes as the variable has, in the host's byte order
   * @throws BpfError 'ENOENT' for an unknown variable, 'EINVAL' for a wrong size or after load()
   */
  setGlobal(name: string, value: Uint8Array): void {
    this.#native.setGlobal(name, value);
  }

  /** Chooses before load() whether a program is loaded. */
  setAutoload(program: string, on: boolean): void {
    this.#native.setAutoload(program, on);
  }

  /** Chooses before load() how many entries a map has; for a ring buffer its bytes, a power of two of pages. */
  setMapMaxEntries(map: string, n: number): void {
    this.#native.setMapMaxEntries(map, n);
  }

  /** Chooses before load() whether a map is created; a program that needs it must then not be loaded. */
  setMapAutocreate(map: string, on: boolean): void {
    this.#native.setMapAutocreate(map, on);
  }

  /**
   * Has a map be one that exists already, of this or another process, before load(). The object's map then has that one's name and
   * number of entries, and lives as long as anybody uses it. Needs CAP_SYS_ADMIN.
   *
   * @param id the number of the existing map (BpfMap.id)
   * @throws BpfError 'ENOENT' if there is none, 'EINVAL' if its type, key size or value size is another, 'EPERM'
   */
  reuseMap(map: string, id: number): void {
    this.#native.reuseMap(map, id);
  }

  /**
   * Creates the maps and loads the programs. After a failure the object is of no more use than to be closed.
   *
   * @throws BpfError operation 'load'; the message names the program or map, the log ends with the verifier's reason
   */
  load(): void {
    this.#native.load();
  }

  /**
   * Attaches a program to the hook that its section names: tp_btf, raw_tp, tracepoint, fentry, fexit, kprobe.
   *
   * @returns the link; the program stays attached, even if nobody keeps the link, until it or the object is closed
   */
  attach(program: string): BpfLink {
    return new BpfLink(new addon.Link(this.#native, program));
  }

  /**
   * Prepares a program of a section iter/NAME.
   *
   * @param options.map the map to walk, for iter/bpf_map_elem
   */
  iterator(program: string, options: { map?: string } = {}): BpfIterator {
    return new BpfIterator(new addon.Iterator(this.#native, program, options.map));
  }

  /** A map that load() created. */
  map(name: string): BpfMap {
    return new BpfMap(new addon.Map(this.#native, name));
  }

  /** Asks the kernel about a loaded program. */
  programInfo(program: string): ProgramInfo {
    return this.#native.programInfo(program);
  }

  /**
   * Runs a loaded program now, attached or not.
   *
   * @throws BpfError 'EINVAL' if the kernel does not take these options, such as a context that is shorter than what the program
   *   reads of it; 'ENOTSUPP', 'EINVAL' or, for tp_btf, 'EFAULT' if it cannot run this kind of program so
   */
  testRun(program: string, options: TestRunOptions = {}): TestRunResult {
    const { context = NOTHING, data = NOTHING, repeat = 0 } = options;
    return this.#native.testRun(program, context, data, repeat);
  }

  /** The reader of a BPF_MAP_TYPE_RINGBUF map. */
  ringBuffer(map: string): EventBuffer {
    return new EventBuffer(new addon.Events(this.#native, map, 0));
  }

  /**
   * Opens a buffer on each online CPU for a BPF_MAP_TYPE_PERF_EVENT_ARRAY map.
   *
   * @param options.bytesPerCpu a power of two, of which at least a page is used; 256 KiB by default
   */
  perfBuffer(map: string, options: { bytesPerCpu?: number } = {}): EventBuffer {
    const bytes = options.bytesPerCpu ?? 256 << 10;
    const exponent = Math.log2(bytes);
    if (!Number.isInteger(exponent) || exponent < 0)
      throw new RangeError('bytesPerCpu must be a power of two');
    return new EventBuffer(new addon.Events(this.#native, map, Math.max(1, bytes / addon.pageSize)));
  }

  /** Detaches and unloads everything. Closing again does nothing. */
  close(): void {
    this.#native.close();
  }
}
