/** Tries in the kernel what the commands need of it, and leaves nothing behind. Nothing is concluded from a version. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { BpfError, kernelBtf, libbpfVersion } from '#bpf-native-bindings';
import { decodeReading, encodeGlobals, READING_SIZE, type Reading } from '../events/doctor.js';
import type { Transport } from '../events/shared.js';
import type { BufferProbe, ClockProbe, CommandProbe, KernelFacts, Trial } from '../model/diagnosis/facts.js';
import { EXIT, Failure } from '../model/failure.js';
import type { TracingCommand } from '../model/tracing-commands.js';
import { argumentsOf } from './hooks.js';
import { forgetKernelTypes } from './preflight.js';
import { Program, type ProgramOptions } from './program.js';
import { syncErrorPrograms, TRACERS } from './tracers.js';

/** As CLOCK_READINGS of bpf/doctor.bpf.c. */
const CLOCK_READINGS = 64;
/** Bytes; a multiple of every size of pages. */
const RING_BYTES = 65_536;

/** What is tried without privilege fails, and says so. @param commands those to try */
export async function probeKernel(commands: readonly TracingCommand[]): Promise<KernelFacts> {
  if (!kernelBtf.available())
    return {
      libbpf: libbpfVersion,
      tracepoints: undefined,
      chargesMemlock: undefined,
      ring: undefined,
      perf: undefined,
      commands: commands.map(untried),
      syncErrors: undefined,
    };
  try {
    return {
      libbpf: libbpfVersion,
      tracepoints: tracepointsOf(commands),
      chargesMemlock: chargesMemlock(),
      ring: await probeBuffer('ring'),
      perf: await probeBuffer('perf'),
      commands: commands.map(probeCommand),
      syncErrors: commands.includes('connlat') ? attempt(trySyncErrors) : undefined,
    };
  } finally {
    forgetKernelTypes();
  }
}

function tracepointsOf(commands: readonly TracingCommand[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const { tracepoint } of commands.flatMap((command) => TRACERS[command].hooks)) {
    const count = argumentsOf(tracepoint);
    if (count !== undefined) found.set(tracepoint, count);
  }
  return found;
}

/** Kernels that have this helper charge the memory of BPF to cgroups instead (5.11): libbpf asks the same. */
function chargesMemlock(): boolean | undefined {
  const helpers = Object.keys(kernelBtf.enumValues('bpf_func_id'));
  return helpers.length === 0 ? undefined : !helpers.includes('BPF_FUNC_ktime_get_coarse_ns');
}

/** Of a failure, whether more privilege would mend it. */
function trialOf(error: unknown): Trial {
  if (error instanceof Failure)
    return { worked: false, permitted: error.exitCode !== EXIT.notPermitted, reason: reasonOf(error) };
  if (error instanceof BpfError)
    return { worked: false, permitted: !['EPERM', 'EACCES'].includes(error.code), reason: error.message };
  throw error;
}

/** The kernel's own words, of which the first line says the most. */
const reasonOf = ({ details, why }: Failure): string => details.split('\n')[0] ?? why;

function attempt(what: () => void): Trial {
  try {
    what();
    return { worked: true };
  } catch (error) {
    return trialOf(error);
  }
}

async function probeBuffer(transport: Transport): Promise<BufferProbe> {
  const none = { attach: undefined, iterator: undefined, clock: undefined, event: undefined };
  let program: Program;
  try {
    program = Program.load({
      object: 'doctor',
      globals: encodeGlobals({ transport }),
      transport,
      attach: ['see_listen'],
      iterators: ['read_clock'],
      mapSizes: transport === 'ring' ? { ring: RING_BYTES } : {},
    });
  } catch (error) {
    return { ...none, load: trialOf(error) };
  }
  try {
    const attach = attempt(() => {
      program.attach();
    });
    if (!attach.worked) return { ...none, load: { worked: true }, attach };
    let clock: ClockProbe | undefined;
    const iterator = attempt(() => {
      clock = readClock(program);
    });
    return { load: { worked: true }, attach, iterator, clock, event: await probeEvent(program) };
  } finally {
    program.close();
  }
}

function readClock(program: Program): ClockProbe | undefined {
  program.map('ports').update(new Uint8Array(4), new Uint8Array(8));
  const beforeNs = Number(process.hrtime.bigint());
  const view = program.iterate('read_clock', { map: 'ports' });
  const afterNs = Number(process.hrtime.bigint());
  if (view.byteLength < READING_SIZE) throw new BpfError('iterate', 'the iterator gave nothing', 0, '');
  const { timeNs, clocksNs, pid } = decodeReading(view, 0);
  return { beforeNs, kernelNs: timeNs, afterNs, costNs: clocksNs / CLOCK_READINGS, pid };
}

/** A socket of our own that begins to listen is what the program sees: no traffic is needed. */
async function probeEvent(program: Program): Promise<Trial | undefined> {
  const port = await listenOnce();
  if (port === undefined) return undefined;
  const seen: Reading[] = [];
  program.drain((view, offset) => {
    seen.push(decodeReading(view, offset));
  });
  if (seen.some((reading) => reading.port === port)) return { worked: true };
  return { worked: false, permitted: true, reason: 'a socket began to listen, and no event came' };
}

/** @returns its port; undefined where the loopback interface is down. */
async function listenOnce(): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen({ host: '127.0.0.1', port: 0, exclusive: true });
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  } catch {
    return undefined;
  } finally {
    server.close();
  }
}

function untried(command: TracingCommand): CommandProbe {
  return { command, hooks: TRACERS[command].hooks, load: undefined, tookMs: 0, programs: [], refused: [] };
}

function probeCommand(command: TracingCommand): CommandProbe {
  const options = TRACERS[command].programs();
  const programs = [...options.attach, ...options.iterators];
  const startedMs = performance.now();
  const load = attempt(() => {
    tryLoad(options);
  });
  const tookMs = performance.now() - startedMs;
  const refused = load.worked || !load.permitted ? [] : programs.flatMap((name) => tryAlone(options, name));
  return { ...untried(command), load, tookMs, programs, refused };
}

function tryLoad(options: ProgramOptions): void {
  Program.load(options).close();
}

/** The kernel stops at the first program that it refuses: which others it would, it tells only of each alone. */
function tryAlone(options: ProgramOptions, program: string): CommandProbe['refused'] {
  const trial = attempt(() => {
    tryLoad({ ...options, attach: [program], iterators: [] });
  });
  return trial.worked ? [] : [{ program, reason: trial.reason }];
}

function trySyncErrors(): void {
  const program = Program.load(syncErrorPrograms());
  try {
    program.attach();
  } finally {
    program.close();
  }
}
