/** What is compared in guests: rows of handshakes, sums of handshakes, and retransmissions. One start gives every figure of a round. */
import { enableStats } from '#bpf-native-bindings';
import { loop, type LoopSummary } from '#tcpscope/lab/network.js';
import { besideOurs, type Comparison } from './guest-ratios.js';
import { FLOOR, PORT, PROTOTYPE, TRAFFIC_CPU } from './kernel.js';
import { cpuTime, holdsPrograms, megabytes, memory, untilCalm, waits } from './measure.js';
import type { Bench } from './part.js';
import { HANDSHAKE_PEERS, HISTOGRAM_PEER, RETRANSMISSION_PEERS, wordsOf, type Peer } from './peers.js';
import { retransmissions } from './silence.js';
import type { Column, Sample } from './table.js';
import { program, retrans, tool } from './tools.js';
import { TracingProcess, type Tracer, type Tracing } from './tracing.js';

/** Small numbers: a guest is some ten times slower, and bcc takes a minute to start. */
const AT_FULL_SPEED = 10_000;
const PACED = { handshakes: 4000, gapUs: 1000 };
const STORM = { perSecond: 1000, seconds: 4 };

const COST: readonly Column[] = [
  ...besideOurs({ header: 'kernel ns an event', figure: 'ns', decimals: 0 }),
  { header: 'user µs an event', figure: 'user', decimals: 0 },
  ...besideOurs({ header: 'CPU µs an event', figure: 'cpu', decimals: 0 }),
  ...besideOurs({ header: 'active after s', figure: 'start', decimals: 2 }),
  ...besideOurs({ header: 'MB', figure: 'megabytes', decimals: 0, medianOnly: true }),
];
const HANDSHAKE_COLUMNS: readonly Column[] = [
  { header: 'connect(), times alone', figure: 'connect', decimals: 2 },
  { header: 'connect to close, times alone', figure: 'handshake', decimals: 2 },
  ...COST,
];

const ROW_PEERS = [
  'libbpf-tools tcpconnlat',
  'libbpf-tools tcpconnect',
  'libbpf-tools tcplife',
  'bpftrace, a row a handshake',
  'bcc tcpconnlat',
];
const CONNECT_PEER = HANDSHAKE_PEERS.find(({ name }) => name === 'libbpf-tools tcpconnect')!;
const COUNTING_PEER: Peer = {
  ...CONNECT_PEER,
  name: `${CONNECT_PEER.name} --count`,
  command: ['tcpconnect', '--count'],
};

export const COMPARISONS: readonly Comparison[] = [
  {
    title: 'A row a handshake',
    columns: HANDSHAKE_COLUMNS,
    ours: tool('connlat', 'file'),
    others: [
      tool('connlat --json', 'file'),
      FLOOR,
      PROTOTYPE,
      ...HANDSHAKE_PEERS.filter(({ name }) => ROW_PEERS.includes(name)).map(peer),
    ],
    measure: handshakeCost,
  },
  {
    title: 'Sums of handshakes',
    columns: HANDSHAKE_COLUMNS,
    ours: tool('connlat --hist', 'file'),
    others: [tool('connlat --by remote', 'file'), peer(HISTOGRAM_PEER), peer(COUNTING_PEER)],
    measure: handshakeCost,
  },
  {
    title: 'A retransmission',
    columns: COST,
    ours: retrans('retrans', 'file'),
    others: [
      retrans('retrans --json', 'file'),
      retrans('retrans --by remote', 'file'),
      program('empty program (the floor)', 'retransmit_empty'),
      program('C prototype, no wake-up', 'retransmit_prototype'),
      ...RETRANSMISSION_PEERS.map(peer),
    ],
    measure: retransmissionCost,
  },
];

/** A peer that is active as soon as it waits for events. */
function peer(of: Peer): Tracer {
  return {
    name: of.name,
    start: async () => {
      const tracing = await TracingProcess.spawn(of.name, wordsOf(of), 'file');
      await tracing.until(() => waits(tracing.pid) && holdsPrograms(tracing.pid));
      return tracing;
    },
  };
}

/** At full speed for the slow-down, beside a run without a tool; then at a moderate rate, counted by the kernel, for the costs. */
async function handshakeCost({ host }: Bench, tracer: Tracer): Promise<Sample> {
  const atFullSpeed = (): Promise<LoopSummary> => loop(AT_FULL_SPEED, PORT, { cpu: TRAFFIC_CPU }, host);
  const alone = await atFullSpeed();
  const { tracing, start } = await started(tracer);
  const traced = await atFullSpeed();
  const slowDown = {
    connect: traced.connectUs.p50 / alone.connectUs.p50,
    handshake: alone.perSecond / traced.perSecond,
  };
  const cost = await eventCost(tracing, async () => {
    await loop(PACED.handshakes, PORT, { gapUs: PACED.gapUs, cpu: TRAFFIC_CPU }, host);
    return PACED.handshakes;
  });
  return { figures: { ...slowDown, ...start, ...cost }, complaint: await tracing.stop() };
}

async function retransmissionCost({ silence }: Bench, tracer: Tracer): Promise<Sample> {
  const { tracing, start } = await started(tracer);
  const cost = await eventCost(tracing, retransmissions(silence, STORM.perSecond, STORM.seconds));
  return { figures: { ...start, ...cost }, complaint: await tracing.stop() };
}

/** Seconds until it is active; nothing for a program that this very process has loaded. */
async function started(tracer: Tracer): Promise<{ tracing: Tracing; start: Record<string, number> }> {
  const began = performance.now();
  const tracing = await tracer.start();
  return { tracing, start: tracing.pid === undefined ? {} : { start: (performance.now() - began) / 1000 } };
}

/** ns and µs an event, and MB afterwards. */
async function eventCost(tracing: Tracing, traffic: () => Promise<number>): Promise<Record<string, number>> {
  const { pid } = tracing;
  if (pid !== undefined) await untilCalm(pid);
  const stats = enableStats();
  try {
    const kernelBefore = tracing.cost();
    const before = pid === undefined ? undefined : cpuTime(pid);
    const events = await traffic();
    const ns = (tracing.cost().ns - kernelBefore.ns) / events;
    if (pid === undefined || before === undefined) return { ns };
    await untilCalm(pid);
    const after = cpuTime(pid);
    return {
      ns,
      user: (after.user - before.user) / events,
      cpu: (after.total - before.total) / events,
      megabytes: megabytes(memory(pid).now),
    };
  } finally {
    stats.close();
  }
}
