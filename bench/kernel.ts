/** Part `kernel`: what the BPF programs of a tool take in the kernel, a handshake. */
import { cpus } from 'node:os';
import { enableStats } from '#bpf-native-bindings';
import { loop } from '#tcpscope/lab/network.js';
import { samplesOf, type Part } from './part.js';
import { HANDSHAKE_PEERS, HISTOGRAM_PEER, tracerOf, working } from './peers.js';
import { rowOf, type Column, type Sample } from './table.js';
import { program, retrans, tool } from './tools.js';
import type { Tracer, Tracing } from './tracing.js';

export const HANDSHAKES = 100_000;
export const PORT = 9000;
/** Where the traffic runs, so that it does not move about. */
export const TRAFFIC_CPU = cpus().length - 1;

const COLUMNS: Column[] = [
  { header: 'kernel ns a handshake', figure: 'ns', decimals: 0 },
  { header: 'program runs', figure: 'runs', decimals: 2, medianOnly: true },
];

export const FLOOR = program('empty program (the floor)', 'empty');
export const PROTOTYPE = program('C prototype, no wake-up', 'prototype');

export const kernel: Part = {
  name: 'kernel',
  async run(bench) {
    const peers = await working([...HANDSHAKE_PEERS, HISTOGRAM_PEER], bench.leaveOut);
    const tracers = [
      FLOOR,
      PROTOTYPE,
      tool('connlat'),
      tool('connlat --transport perf'),
      tool('connlat --json', 'file'),
      tool('connlat --by remote'),
      tool('connlat --hist'),
      retrans('retrans'),
      retrans('retrans --by remote'),
      tool('health'),
      ...peers.map((peer) => tracerOf(peer)),
    ];
    const measure = async (tracer: Tracer): Promise<Sample> => {
      const traffic = (): Promise<unknown> => loop(HANDSHAKES, PORT, { cpu: TRAFFIC_CPU }, bench.host);
      const { ns, runs, complaint } = await kernelCost(tracer, traffic);
      return { figures: { ns: ns / HANDSHAKES, runs: runs / HANDSHAKES }, complaint };
    };
    const samples = await samplesOf(bench, tracers, measure);
    const rows = tracers.map((tracer) => rowOf(tracer.name, calmOnes(samples.get(tracer)!)));
    return [{ title: 'Kernel time', columns: COLUMNS, rows }];
  },
};

/** Of the programs of a tracer, or of those whose names match, while the kernel times them. */
export async function kernelCost(
  tracer: Tracer,
  traffic: (tracing: Tracing) => Promise<unknown>,
  names?: RegExp,
): Promise<{ ns: number; runs: number; mainNs: number; mainRuns: number; complaint: string }> {
  const stats = enableStats();
  try {
    const tracing = await tracer.start();
    const [all, main] = [tracing.cost(), tracing.cost(names)];
    await traffic(tracing);
    const [allAfter, mainAfter] = [tracing.cost(), tracing.cost(names)];
    return {
      ns: allAfter.ns - all.ns,
      runs: allAfter.runs - all.runs,
      mainNs: mainAfter.ns - main.ns,
      mainRuns: mainAfter.runs - main.runs,
      complaint: await tracing.stop(),
    };
  } finally {
    stats.close();
  }
}

/** Other traffic on the machine runs the programs too: a run with so much more than the calmest one does not count. */
const DISTURBED = 1.03;

export function calmOnes(samples: readonly Sample[]): Sample[] {
  const runs = samples.map(({ figures }) => figures['runs'] ?? Infinity);
  const atMost = Math.min(...runs) * DISTURBED;
  const disturbed = runs.filter((each) => each > atMost && each < Infinity).length;
  const complaint = `disturbed runs left out: ${disturbed}`;
  return samples.map((sample, run) =>
    runs[run]! > atMost && runs[run]! < Infinity ? { figures: {}, complaint } : sample,
  );
}
