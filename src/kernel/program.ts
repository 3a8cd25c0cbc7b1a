/** One BPF object at work: opened, set, loaded, attached, drained, closed. Knows no particular command. */
import {
  BpfError,
  BpfObject,
  enableStats,
  perCpuStride,
  type BpfLink,
  type BpfMap,
  type BpfStats,
  type EventBuffer,
} from '#bpf-native-bindings';
import { assetBytes } from '../assets/files.js';
import { COUNTERS, decodeRunCost, type Counter, type Transport } from '../events/shared.js';
import { EXIT, Failure } from '../model/failure.js';
import type { KernelCost } from '../model/self-cost.js';
import { refused } from './privileges.js';

export interface ProgramOptions {
  /** NAME of bpf/NAME.bpf.c. */
  object: string;
  globals: readonly (readonly [name: string, value: Uint8Array])[];
  transport: Transport;
  /** Programs to attach for as long as it runs. */
  attach: readonly string[];
  /** Iterator programs to load, for `iterate`. */
  iterators: readonly string[];
  /** Other sizes for maps than the program's own. */
  mapSizes?: Readonly<Record<string, number>>;
  /** Have the kernel measure each run, if it lets us: that slows every BPF program of the host a little. */
  measuresRuns?: boolean;
  /** Maps that these programs do not need. */
  unusedMaps?: readonly string[];
}

/** Called for each record: where it begins in `view` and how long it is. The bytes are gone after the call. */
export type RecordHandler = (view: DataView, offset: number, length: number) => void;

/** Bytes drained in one call. A full ring (4 MiB) takes a few. */
const DRAIN_BYTES = 1 << 20;
/** Longer than the longest pause between two looks (0.1 s) at 60,000 events a second of one CPU. */
const PERF_BYTES_PER_CPU = 1 << 20;
/** `consume` puts u32 length and u32 CPU before each record and pads it to 8 bytes. */
const RECORD_HEADER = 8;

export class Program {
  private readonly links: BpfLink[] = [];
  private readonly stats: BpfStats | undefined;
  private readonly buffer: EventBuffer;
  private readonly bytes = new Uint8Array(DRAIN_BYTES);
  private readonly view = new DataView(this.bytes.buffer);

  private constructor(
    private readonly object: BpfObject,
    private readonly options: ProgramOptions,
  ) {
    const { transport } = options;
    this.stats = options.measuresRuns ? measureRuns() : undefined;
    this.buffer =
      transport === 'ring'
        ? object.ringBuffer('ring')
        : object.perfBuffer('perf', { bytesPerCpu: PERF_BYTES_PER_CPU });
  }

  get transport(): Transport {
    return this.options.transport;
  }

  /** @throws {Failure} if the kernel refuses it. */
  static load(options: ProgramOptions): Program {
    const bytes = assetBytes(`dist/bpf/${options.object}.bpf.o`);
    const object = BpfObject.open(bytes, { name: options.object });
    try {
      for (const [name, value] of options.globals) object.setGlobal(name, value);
      const wanted = new Set([...options.attach, ...options.iterators]);
      for (const program of object.programNames) object.setAutoload(program, wanted.has(program));
      object.setMapAutocreate(options.transport === 'ring' ? 'perf' : 'ring', false);
      for (const map of options.unusedMaps ?? []) object.setMapAutocreate(map, false);
      for (const [map, size] of Object.entries(options.mapSizes ?? {})) object.setMapMaxEntries(map, size);
      object.load();
      return new Program(object, options);
    } catch (error) {
      object.close();
      throw explain(error);
    }
  }

  /** @throws {Failure} if a hook is missing. */
  attach(): void {
    try {
      for (const program of this.options.attach) this.links.push(this.object.attach(program));
    } catch (error) {
      this.close();
      throw explain(error);
    }
  }

  detach(): void {
    for (const link of this.links.splice(0)) link.close();
  }

  /** Hands out every record that has come. */
  drain(handle: RecordHandler): void {
    for (;;) {
      const { bytes, records } = this.buffer.consume(this.bytes);
      for (let offset = 0; offset < bytes;) {
        const length = this.view.getUint32(offset, true);
        handle(this.view, offset + RECORD_HEADER, length);
        offset += RECORD_HEADER + ((length + 7) & ~7);
      }
      if (records === 0 || bytes < DRAIN_BYTES / 2) return;
    }
  }

  /** Runs an iterator program once and gives what it wrote. */
  iterate(program: string, options: { map?: string } = {}): DataView {
    const iterator = this.object.iterator(program, options);
    try {
      const output = iterator.read();
      return new DataView(output.buffer, output.byteOffset, output.byteLength);
    } finally {
      iterator.close();
    }
  }

  map(name: string): BpfMap {
    return this.object.map(name);
  }

  /** What the programs counted beside the events (bpf/include/counters.h). */
  counter(name: Counter): number {
    return this.perCpuSums('counters')[COUNTERS.indexOf(name)]!;
  }

  /** Values of one entry of a per-CPU array, a view a CPU. */
  perCpu(map: string, index: number): DataView[] {
    const key = new Uint8Array(4);
    new DataView(key.buffer).setUint32(0, index, true);
    const values = this.object.map(map).lookupPerCpu(key) ?? [];
    return values.map((value) => new DataView(value.buffer, value.byteOffset, value.byteLength));
  }

  /** Each entry of a per-CPU array, decoded for each CPU. */
  perCpuEntries<Value>(map: string, decode: (view: DataView, offset: number) => Value): Value[][] {
    const { values, count } = this.object.map(map).entries();
    const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
    const stride = perCpuStride(this.object.map(map).valueSize);
    const cpus = count === 0 ? 0 : values.byteLength / count / stride;
    return Array.from({ length: count }, (_, index) =>
      Array.from({ length: cpus }, (__, cpu) => decode(view, (index * cpus + cpu) * stride)),
    );
  }

  /** Each entry of a per-CPU array of 64-bit counts, summed over the CPUs. */
  perCpuSums(map: string): Float64Array {
    const { values, count } = this.object.map(map).entries();
    const words = new BigUint64Array(values.buffer, values.byteOffset, values.byteLength / 8);
    const cpus = words.length / count;
    const sums = new Float64Array(count);
    for (const [index, word] of words.entries())
      if (word > 0n) sums[Math.floor(index / cpus)]! += Number(word);
    return sums;
  }

  /** What the kernel has measured of the attached programs; undefined if it does not. */
  measuredCost(): KernelCost | undefined {
    if (!this.stats) return undefined;
    const all = this.options.attach.map((program) => this.object.programInfo(program));
    return {
      ns: all.reduce((sum, { runTimeNs }) => sum + runTimeNs, 0),
      runs: all.reduce((sum, { runCount }) => sum + runCount, 0),
      isExact: true,
    };
  }

  /** The same of programs that keep `run_cost` (bpf/include/cost.h): some of their runs are timed. */
  estimatedCost(): KernelCost {
    const zero = { runs: 0, timedRuns: 0, timedNs: 0 };
    const { runs, timedRuns, timedNs } = this.perCpu('run_cost', 0)
      .map((view) => decodeRunCost(view, 0))
      .reduce(
        (sum, cpu) => ({
          runs: sum.runs + cpu.runs,
          timedRuns: sum.timedRuns + cpu.timedRuns,
          timedNs: sum.timedNs + cpu.timedNs,
        }),
        zero,
      );
    return { ns: timedRuns > 0 ? (timedNs / timedRuns) * runs : 0, runs, isExact: false };
  }

  /** Times that the kernel skipped the program because it was already running on that CPU. */
  recursionMisses(): number {
    return this.options.attach.reduce(
      (sum, program) => sum + this.object.programInfo(program).recursionMisses,
      0,
    );
  }

  close(): void {
    this.detach();
    this.stats?.close();
    this.buffer.close();
    this.object.close();
  }
}

/** Undefined without the privilege: then what is counted here has to do. */
function measureRuns(): BpfStats | undefined {
  try {
    return enableStats();
  } catch (error) {
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}

/** A libbpf error in the user's words. */
function explain(error: unknown): unknown {
  if (!(error instanceof BpfError)) return error;
  const details = `${error.message}\n${error.log}`;
  // The verifier answers EACCES to most programs that it rejects: then it is no question of privilege.
  const rejected = /^processed \d+ insns/m.test(error.log);
  if (error.code === 'EPERM' || (error.code === 'EACCES' && !rejected))
    return refused(`${error.operation}: ${error.code}`, details);
  if (error.code === 'EAGAIN')
    return new Failure(
      EXIT.failure,
      'The kernel was interrupted while it checked the BPF program.',
      'Signals kept arriving, for example from a profiler.',
      'Try again.',
      details,
    );
  if (error.code === 'ENOENT' && error.operation === 'attach')
    return new Failure(
      EXIT.unsupported,
      'A tracepoint could not be attached.',
      'System call tracepoints need tracefs, and a kernel with CONFIG_FTRACE_SYSCALLS=y.',
      'Try: mount -t tracefs tracefs /sys/kernel/tracing, and give a container -v /sys/kernel/tracing:/sys/kernel/tracing. Without --sync-errors everything else works.',
      details,
    );
  return new Failure(
    EXIT.unsupported,
    'This kernel does not accept the BPF program.',
    error.message,
    'Please report it with the output of DEBUG=tcpscope:* and `uname -a`.',
    details,
  );
}
