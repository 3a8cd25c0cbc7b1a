/** What tracing a retransmission costs: time in the kernel, CPU time and memory of the reader. */
import type { Namespace } from '#tcpscope/lab/network.js';
import { calmRuns, kernelTime, noSamples, readerTime, type Samples } from './cost.js';
import { spread, timed, type Spread } from './measure.js';
import { retransmissions } from './silence.js';
import type { Tracer } from './tracers.js';

export interface RetransOptions {
  rounds: number;
  /** Retransmissions a second: a table for each. */
  rates: readonly number[];
  seconds: number;
}

/** A line of the table, everything a retransmission. null: does not apply. */
export interface RetransCost {
  name: string;
  perSecond: number;
  /** ns in the program that sees it, and in all programs of the tool. */
  mainNs: Spread;
  kernelNs: Spread;
  programRuns: Spread;
  userUs: Spread | null;
  cpuUs: Spread | null;
  /** Resident memory afterwards. */
  megabytes: Spread | null;
  complaints: string[];
}

/** Each round measures every tracer once, so that what else the machine does troubles all of them alike. */
export async function retransCosts(
  silence: Namespace,
  tracers: readonly Tracer[],
  { rounds, rates, seconds }: RetransOptions,
  progress: (what: string) => void,
): Promise<RetransCost[]> {
  const all = rates.flatMap((perSecond) =>
    tracers.map((tracer) => ({ perSecond, tracer, samples: noSamples() })),
  );
  for (let round = 1; round <= rounds; round++) {
    for (const { perSecond, tracer, samples } of all) {
      progress(`retransmissions, round ${round} of ${rounds}: ${tracer.name}, ${perSecond}/s`);
      const load = retransmissions(silence, perSecond, seconds);
      await readerTime(tracer, load, samples);
      await timed(() => kernelTime(tracer, load, samples));
    }
  }
  return all.map(({ tracer, perSecond, samples }) => summarize(tracer.name, perSecond, samples));
}

function summarize(name: string, perSecond: number, samples: Samples): RetransCost {
  const { mainNs, kernelNs, mainRuns, complaints } = samples;
  return {
    name,
    perSecond,
    mainNs: spread(calmRuns(mainNs, mainRuns, complaints))!,
    kernelNs: spread(calmRuns(kernelNs, mainRuns, []))!,
    programRuns: spread(samples.programRuns)!,
    userUs: spread(samples.userUs),
    cpuUs: spread(samples.cpuUs),
    megabytes: spread(samples.megabytes),
    complaints: [...new Set(complaints)],
  };
}
