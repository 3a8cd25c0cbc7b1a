/** Part `start`: how long a tool takes until it traces, and until its first row is on a terminal. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { TRAFFIC, type Namespace } from '#tcpscope/lab/network.js';
import { PORT } from './kernel.js';
import { fewRounds, rowsOf, type Part } from './part.js';
import { HANDSHAKE_PEERS, inTerminal, RETRANSMISSION_PEERS, working, type Peer } from './peers.js';
import type { Column, Sample } from './table.js';
import { commandOf, traces } from './tools.js';
import { TracingProcess } from './tracing.js';

const GAP_US = 1000;
/** More than all starts of a peer together can take. */
const BACKGROUND_HANDSHAKES = 300_000;

const COLUMNS: Column[] = [
  { header: 'says that it traces, ms', figure: 'active', decimals: 0 },
  { header: 'first row, ms', figure: 'firstRow', decimals: 0 },
];

interface Started {
  name: string;
  run(host: Namespace): Promise<Record<string, number>>;
}

const OURS: Started[] = [
  { name: 'node -e 0 (until it has ended)', run: emptyNode },
  ...['connlat', 'connlat --json', 'connlat --by remote', 'retrans', 'retrans --by remote'].map(ours),
];

export const start: Part = {
  name: 'start',
  async run(bench) {
    const peers = await working([...HANDSHAKE_PEERS, ...RETRANSMISSION_PEERS], bench.leaveOut);
    const measure = (started: Started): Promise<Sample> =>
      whileHandshakesCome(bench.host, async () => ({ figures: await started.run(bench.host) }));
    const rows = await rowsOf(bench, [...OURS, ...peers.map(theirs)], measure);
    return [{ title: 'Start', columns: COLUMNS, rows }];
  },
};

/** Not among all parts, since it troubles the whole machine. */
export const coldStart: Part = {
  name: 'cold-start',
  async run(bench) {
    const measure = (started: Started): Promise<Sample> => {
      writeFileSync('/proc/sys/vm/drop_caches', '1');
      return whileHandshakesCome(bench.host, async () => ({ figures: await started.run(bench.host) }));
    };
    const rows = await rowsOf(fewRounds(bench), OURS, measure);
    return [{ title: 'Start, page cache dropped', columns: COLUMNS, rows }];
  },
};

async function whileHandshakesCome<Result>(host: Namespace, work: () => Promise<Result>): Promise<Result> {
  const words = ['loop', String(BACKGROUND_HANDSHAKES), String(PORT), `--gap-us=${GAP_US}`];
  const traffic = host.spawn(TRAFFIC, words);
  try {
    return await work();
  } finally {
    await traffic.stop();
  }
}

async function emptyNode(): Promise<Record<string, number>> {
  const began = performance.now();
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
  return { active: performance.now() - began };
}

function ours(words: string): Started {
  return {
    name: words,
    async run() {
      const began = performance.now();
      const tracing = await TracingProcess.inTerminal(words, commandOf(words.split(' ')), 'pipe');
      await traces(tracing);
      const active = performance.now() - began;
      // Of retransmissions there are none.
      const figures = words.startsWith('retrans')
        ? { active }
        : { active, firstRow: await shown(tracing, LOCAL, began) };
      await tracing.stop();
      return figures;
    },
  };
}

function theirs(peer: Peer): Started {
  return {
    name: peer.name,
    async run() {
      const began = performance.now();
      const tracing = await inTerminal(peer);
      const active = await shown(tracing, peer.active, began);
      const figures = RETRANSMISSION_PEERS.includes(peer)
        ? { active }
        : { active, firstRow: await shown(tracing, peer.row, began) };
      await tracing.stop();
      return figures;
    },
  };
}

/** Milliseconds from `began` until this is on the terminal. */
async function shown(tracing: TracingProcess, text: RegExp, began: number): Promise<number> {
  await tracing.until(() => text.test(tracing.content));
  return performance.now() - began;
}

const LOCAL = /127\.0\.0\.1/;
