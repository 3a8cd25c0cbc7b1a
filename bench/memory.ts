/** How much memory tcpscope takes: idle, after many handshakes or retransmissions, and with many groups. */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loop, type Namespace } from '#tcpscope/lab/network.js';
import { megabytes, memory, spread, untilCalm, type Spread } from './measure.js';
import { retransmissions } from './silence.js';
import { Tool } from './tracers.js';

const PORT = 9000;
const IDLE_MS = 2000;
const STORM = { perSecond: 10_000, seconds: 3 };
const REMOTES_PROGRAM = path.join(import.meta.dirname, 'remotes.js');

/** MB of resident memory. */
export interface Memory {
  name: string;
  idle: Spread;
  after: Spread;
  peak: Spread;
}

interface Load {
  name: string;
  words: string[];
  traffic: () => Promise<unknown>;
}

export async function memories(
  host: Namespace,
  silence: Namespace,
  { rounds, handshakes, remotes }: { rounds: number; handshakes: number; remotes: number },
  progress: (what: string) => void,
): Promise<Memory[]> {
  const manyHandshakes = (): Promise<unknown> => loop(handshakes, PORT, {}, host);
  const segments = STORM.perSecond * STORM.seconds;
  const storm = retransmissions(silence, STORM.perSecond, STORM.seconds);
  const loads: Load[] = [
    { name: `connlat rows, ${handshakes} handshakes`, words: ['connlat'], traffic: manyHandshakes },
    {
      name: `connlat --json, ${handshakes} handshakes`,
      words: ['connlat', '--json'],
      traffic: manyHandshakes,
    },
    {
      name: `connlat --hist, ${handshakes} handshakes`,
      words: ['connlat', '--hist'],
      traffic: manyHandshakes,
    },
    {
      name: `connlat --by remote, ${remotes} remotes`,
      words: ['connlat', '--by', 'remote'],
      traffic: () => host.exec(process.execPath, [REMOTES_PROGRAM, String(remotes)]),
    },
    { name: `retrans rows, ${segments} retransmissions`, words: ['retrans'], traffic: storm },
    {
      name: `retrans --by remote, ${segments} retransmissions`,
      words: ['retrans', '--by', 'remote'],
      traffic: storm,
    },
  ];
  const all = loads.map((load) => ({
    load,
    idle: [] as number[],
    after: [] as number[],
    peak: [] as number[],
  }));
  for (let round = 1; round <= rounds; round++) {
    for (const { load, idle, after, peak } of all) {
      progress(`memory, round ${round} of ${rounds}: ${load.name}`);
      const tool = await Tool.start(load.words);
      await sleep(IDLE_MS);
      idle.push(megabytes(memory(tool.pid).now));
      await load.traffic();
      await untilCalm(tool.pid);
      await sleep(IDLE_MS); // two more tables
      after.push(megabytes(memory(tool.pid).now));
      peak.push(megabytes(memory(tool.pid).peak));
      await tool.stop();
    }
  }
  return all.map(({ load: { name }, idle, after, peak }) => ({
    name,
    idle: spread(idle)!,
    after: spread(after)!,
    peak: spread(peak)!,
  }));
}
