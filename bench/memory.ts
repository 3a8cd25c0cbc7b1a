/** Part `memory`: how much of it a tool takes: idle, after many events, and with many remotes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { loop } from '#tcpscope/lab/network.js';
import { generate } from './generator.js';
import { PORT } from './kernel.js';
import { megabytes, memory, untilCalm } from './measure.js';
import { fewRounds, rowsOf, type Bench, type Part } from './part.js';
import { HANDSHAKE_PEERS, tracerOf, working } from './peers.js';
import { retransmissions } from './silence.js';
import type { Column, Sample } from './table.js';
import { tool } from './tools.js';
import type { Tracer } from './tracing.js';

const IDLE_MS = 2000;
const MILLION = { perSecond: 50_000, seconds: 20 };
const FEW_REMOTES = 1000;
const MANY_REMOTES = 100_000;
const STORM = { perSecond: 10_000, seconds: 5 };

/** MB of 10^6 bytes, resident. */
const COLUMNS: Column[] = [
  { header: 'at the start MB', figure: 'idle', decimals: 1 },
  { header: '1,000,000 events', figure: 'million', decimals: 1 },
  { header: 'as many, of 100,000 remotes', figure: 'remotes', decimals: 1 },
  { header: '50,000 retransmissions', figure: 'storm', decimals: 1 },
  { header: 'the most', figure: 'peak', decimals: 1 },
];

/** What happens to a tool, one after the other, by the name of the figure after it. */
type Loads = Record<string, () => Promise<unknown>>;

interface Subject {
  name: string;
  tracer: Tracer;
  loads: (pid: number) => Loads;
}

export const memories: Part = {
  name: 'memory',
  async run(bench) {
    const peers = await working(HANDSHAKE_PEERS, bench.leaveOut);
    const subjects = [
      ...['connlat', 'connlat --json', 'connlat --by remote', 'connlat --hist'].map(flooded),
      ...['retrans', 'retrans --by remote'].map((words) => stormed(bench, tool(words))),
      ...peers.map((peer) => loaded(bench, tracerOf(peer, 'null'))),
    ];
    const rows = await rowsOf(fewRounds(bench), subjects, measure);
    return [{ title: 'Memory', columns: COLUMNS, rows }];
  },
};

async function measure({ tracer, loads }: Subject): Promise<Sample> {
  const tracing = await tracer.start();
  const pid = tracing.pid!;
  await sleep(IDLE_MS);
  const figures: Record<string, number> = { idle: megabytes(memory(pid).now) };
  for (const [figure, load] of Object.entries(loads(pid))) {
    await load();
    await untilCalm(pid);
    await sleep(IDLE_MS); // two more tables
    figures[figure] = megabytes(memory(pid).now);
  }
  figures['peak'] = megabytes(memory(pid).peak);
  return { figures, complaint: await tracing.stop() };
}

function flooded(words: string): Subject {
  const by = / --by (.*)/.exec(words)?.[1];
  const events = (pid: number, remotes: number): Promise<unknown> =>
    generate(pid, { ...MILLION, remotes, ...(by === undefined ? {} : { keys: by }) });
  return {
    name: words,
    tracer: tool(words),
    loads: (pid) => ({
      million: () => events(pid, FEW_REMOTES),
      remotes: () => events(pid, MANY_REMOTES),
    }),
  };
}

const stormed = (bench: Bench, tracer: Tracer): Subject => ({
  name: tracer.name,
  tracer,
  loads: () => ({ storm: retransmissions(bench.silence, STORM.perSecond, STORM.seconds) }),
});

/** A peer takes real handshakes only. */
const loaded = (bench: Bench, tracer: Tracer): Subject => ({
  name: tracer.name,
  tracer,
  loads: () => ({ million: () => loop(MILLION.perSecond * MILLION.seconds, PORT, {}, bench.host) }),
});
