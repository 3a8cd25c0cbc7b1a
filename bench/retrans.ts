/** Part `retrans`: what tracing a retransmission costs: time in the kernel, CPU time and memory of the reader. */
import { kernelCost, calmOnes } from './kernel.js';
import { cpuTime, megabytes, memory, untilCalm } from './measure.js';
import { fewRounds, samplesOf, type Bench, type Part } from './part.js';
import { RETRANSMISSION_PEERS, tracerOf, working } from './peers.js';
import { retransmissions, type Load } from './silence.js';
import { rowOf, type Column, type Sample } from './table.js';
import { program, retrans } from './tools.js';
import type { Tracer } from './tracing.js';

const RATES = [2000, 10_000];
const SECONDS = 5;

const COLUMNS: Column[] = [
  { header: 'its program ns', figure: 'mainNs', decimals: 0 },
  { header: 'all programs ns', figure: 'ns', decimals: 0 },
  { header: 'program runs', figure: 'allRuns', decimals: 2, medianOnly: true },
  { header: 'user µs', figure: 'user', decimals: 2 },
  { header: 'CPU µs', figure: 'cpu', decimals: 2 },
  { header: 'MB after it', figure: 'megabytes', decimals: 1 },
];

export const retransmission: Part = {
  name: 'retrans',
  async run(bench) {
    const peers = await working(RETRANSMISSION_PEERS, bench.leaveOut);
    const tracers = [
      program('empty program (the floor)', 'retransmit_empty'),
      program('C prototype, no wake-up', 'retransmit_prototype'),
      retrans('retrans', 'file'),
      retrans('retrans --json', 'file'),
      retrans('retrans --by remote'),
      ...peers.map((peer) => tracerOf(peer)),
    ];
    const subjects = RATES.flatMap((perSecond) =>
      tracers.map((tracer) => ({
        name: `${tracer.name}, ${perSecond.toLocaleString('en')}/s`,
        tracer,
        perSecond,
      })),
    );
    const samples = await samplesOf(fewRounds(bench), subjects, ({ tracer, perSecond }) =>
      measure(bench, tracer, perSecond),
    );
    const rows = subjects.map((subject) => rowOf(subject.name, calmOnes(samples.get(subject)!)));
    return [{ title: 'A retransmission', columns: COLUMNS, rows }];
  },
};

async function measure(bench: Bench, tracer: Tracer, perSecond: number): Promise<Sample> {
  const load = retransmissions(bench.silence, perSecond, SECONDS);
  const reader = await readerCost(tracer, load);
  let events = 0;
  const cost = await kernelCost(tracer, async () => (events = await load()), tracer.main);
  return {
    figures: {
      ...reader.figures,
      mainNs: cost.mainNs / events,
      runs: cost.mainRuns / events,
      ns: cost.ns / events,
      allRuns: cost.runs / events,
    },
    complaint: [reader.complaint, cost.complaint].filter((each) => each !== '').join('; '),
  };
}

/** One run for the CPU time of the tracer, and its memory. */
async function readerCost(
  tracer: Tracer,
  load: Load,
): Promise<{ figures: Record<string, number>; complaint: string }> {
  const tracing = await tracer.start();
  const { pid } = tracing;
  if (pid === undefined) return { figures: {}, complaint: await tracing.stop() };
  const before = cpuTime(pid);
  const events = await load();
  await untilCalm(pid);
  const after = cpuTime(pid);
  const figures = {
    user: (after.user - before.user) / events,
    cpu: (after.total - before.total) / events,
    megabytes: megabytes(memory(pid).now),
  };
  return { figures, complaint: await tracing.stop() };
}
