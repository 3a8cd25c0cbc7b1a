/** What tracing a handshake costs: time in the kernel, delay of the traced program, CPU time of the reader. */
import { loop, type Namespace } from '#tcpscope/lab/network.js';
import {
  cpuTime,
  megabytes,
  memory,
  spread,
  timed,
  untilCalm,
  type ProgramCost,
  type Spread,
} from './measure.js';
import { NOTHING, type Tracer } from './tracers.js';

const PORT = 9000;

export interface CostOptions {
  rounds: number;
  handshakes: number;
  /** Where the traffic runs. */
  cpu: number;
}

/** A line of the table. null: does not apply. */
export interface Cost {
  name: string;
  /** ns in BPF programs a handshake, and how often they ran. */
  kernelNs: Spread | null;
  programRuns: Spread | null;
  /** Of the traced program, without the kernel's timing of BPF programs. */
  perSecond: Spread;
  handshakeUs: Spread;
  /** Against the run without any tool in the same round. */
  slowDownPercent: Spread | null;
  /** Of the process that reads the events, a handshake. */
  userUs: Spread | null;
  cpuUs: Spread | null;
  complaints: string[];
}

/** Traffic; gives how many events a tracer was to see. */
export type Load = () => Promise<number>;

export interface Samples {
  /** Of all programs of the tracer, an event. */
  kernelNs: number[];
  programRuns: number[];
  /** Of those that see the event. */
  mainNs: number[];
  mainRuns: number[];
  perSecond: number[];
  slowDown: number[];
  userUs: number[];
  cpuUs: number[];
  megabytes: number[];
  complaints: string[];
}

export const noSamples = (): Samples => ({
  kernelNs: [],
  programRuns: [],
  mainNs: [],
  mainRuns: [],
  perSecond: [],
  slowDown: [],
  userUs: [],
  cpuUs: [],
  megabytes: [],
  complaints: [],
});

/** Each round measures every tracer once, so that what else the machine does troubles all of them alike. */
export async function costs(
  host: Namespace,
  tracers: readonly Tracer[],
  options: CostOptions,
  progress: (what: string) => void,
): Promise<Cost[]> {
  const { rounds, handshakes, cpu } = options;
  const all = [NOTHING, ...tracers].map((tracer) => ({ tracer, samples: noSamples() }));
  for (let round = 1; round <= rounds; round++) {
    let alone = NaN;
    for (const { tracer, samples } of all) {
      progress(`cost, round ${round} of ${rounds}: ${tracer.name}`);
      let perSecond = NaN;
      const load = async (): Promise<number> => {
        ({ perSecond } = await loop(handshakes, PORT, { cpu }, host));
        return handshakes;
      };
      await readerTime(tracer, load, samples);
      samples.perSecond.push(perSecond);
      if (tracer === NOTHING) {
        alone = perSecond;
        continue;
      }
      samples.slowDown.push((alone / perSecond - 1) * 100);
      await timed(() => kernelTime(tracer, load, samples));
    }
  }
  return all.map(({ tracer, samples }) => summarize(tracer.name, samples));
}

/** One run for the CPU time of the tracer, and its memory. */
export async function readerTime(tracer: Tracer, load: Load, samples: Samples): Promise<void> {
  const tracing = await tracer.start();
  const before = tracing.pid === undefined ? undefined : cpuTime(tracing.pid);
  const events = await load();
  if (before && tracing.pid !== undefined) {
    await untilCalm(tracing.pid);
    const after = cpuTime(tracing.pid);
    samples.userUs.push((after.user - before.user) / events);
    samples.cpuUs.push((after.total - before.total) / events);
    samples.megabytes.push(megabytes(memory(tracing.pid).now));
  }
  note(samples, await tracing.stop());
}

/** One run for the time in the kernel, while it is counted. */
export async function kernelTime(tracer: Tracer, load: Load, samples: Samples): Promise<void> {
  const tracing = await tracer.start();
  const costs = (): ProgramCost[] => [tracing.cost(), tracing.cost(tracer.main)];
  const [allBefore, mainBefore] = costs();
  const events = await load();
  const [all, main] = costs();
  samples.kernelNs.push((all!.ns - allBefore!.ns) / events);
  samples.programRuns.push((all!.runs - allBefore!.runs) / events);
  samples.mainNs.push((main!.ns - mainBefore!.ns) / events);
  samples.mainRuns.push((main!.runs - mainBefore!.runs) / events);
  note(samples, await tracing.stop());
}

function note(samples: Samples, complaint: string): void {
  if (complaint !== '') samples.complaints.push(complaint);
}

/** Other traffic on the machine runs the programs too; a run with so much more than the calmest one does not count. */
const DISTURBED = 1.03;

export function calmRuns(
  values: readonly number[],
  programRuns: readonly number[],
  complaints: string[],
): number[] {
  const atMost = Math.min(...programRuns) * DISTURBED;
  const calm = values.filter((_, run) => programRuns[run]! <= atMost);
  const disturbed = values.length - calm.length;
  if (disturbed > 0) complaints.push(`disturbed runs left out of the kernel time: ${disturbed}`);
  return calm;
}

function summarize(name: string, samples: Samples): Cost {
  return {
    name,
    kernelNs: spread(calmRuns(samples.kernelNs, samples.programRuns, samples.complaints)),
    programRuns: spread(samples.programRuns),
    perSecond: spread(samples.perSecond)!,
    handshakeUs: spread(samples.perSecond.map((rate) => 1e6 / rate))!,
    slowDownPercent: spread(samples.slowDown),
    userUs: spread(samples.userUs),
    cpuUs: spread(samples.cpuUs),
    complaints: samples.complaints,
  };
}

export interface PacedOptions {
  rounds: number;
  handshakes: number;
  gapUs: number;
}

export interface PacedCost {
  name: string;
  perSecond: Spread;
  userUs: Spread;
  cpuUs: Spread;
}

/** CPU time a row at a moderate rate, where the reader's polling weighs. */
export async function pacedCosts(
  host: Namespace,
  tracers: readonly Tracer[],
  { rounds, handshakes, gapUs }: PacedOptions,
  progress: (what: string) => void,
): Promise<PacedCost[]> {
  const all = tracers.map((tracer) => ({ tracer, samples: noSamples() }));
  for (let round = 1; round <= rounds; round++) {
    for (const { tracer, samples } of all) {
      progress(`moderate rate, round ${round} of ${rounds}: ${tracer.name}`);
      const tracing = await tracer.start();
      const before = cpuTime(tracing.pid!);
      const { perSecond } = await loop(handshakes, PORT, { gapUs }, host);
      const after = cpuTime(tracing.pid!);
      await tracing.stop();
      samples.perSecond.push(perSecond);
      samples.userUs.push((after.user - before.user) / handshakes);
      samples.cpuUs.push((after.total - before.total) / handshakes);
    }
  }
  return all.map(({ tracer: { name }, samples: { perSecond, userUs, cpuUs } }) => ({
    name,
    perSecond: spread(perSecond)!,
    userUs: spread(userUs)!,
    cpuUs: spread(cpuUs)!,
  }));
}
