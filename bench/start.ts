/** How long a tool takes until it traces, and until its first row. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { TRAFFIC, type Namespace } from '#tcpscope/lab/network.js';
import { spread, type Spread } from './measure.js';
import { retrans, Tool, type Tracer } from './tracers.js';

/** Milliseconds from spawn. */
export interface Start {
  name: string;
  active: Spread;
  firstRow: Spread | null;
}

const PORT = 9000;
const GAP_US = 1000;
/** More than all starts together can take: a minute for each. */
const BACKGROUND_HANDSHAKES = 60_000;

type Measured = () => Promise<{ active: number; firstRow?: number }>;

export async function starts(
  host: Namespace,
  peers: readonly Tracer[],
  { rounds, coldRounds }: { rounds: number; coldRounds: number },
  progress: (what: string) => void,
): Promise<Start[]> {
  const ours: [string, Measured][] = [
    ['node -e 0 (until it has ended)', emptyNode],
    ['connlat --json', () => firstRow(host)],
    ...['--json', '--by remote'].map((words): [string, Measured] => {
      const tracer = retrans(`retrans ${words}`, words.split(' '), 'null');
      return [tracer.name, () => started(tracer)];
    }),
  ];
  const warm = [...ours, ...peers.map((peer): [string, Measured] => [peer.name, () => started(peer)])];
  const results = await measure(warm, rounds, progress);
  if (coldRounds === 0) return results;
  const cold = ours.map(([name, run]): [string, Measured] => [
    `${name}, page cache dropped`,
    () => {
      writeFileSync('/proc/sys/vm/drop_caches', '1');
      return run();
    },
  ]);
  return [...results, ...(await measure(cold, coldRounds, progress))];
}

async function measure(
  subjects: readonly [string, Measured][],
  rounds: number,
  progress: (what: string) => void,
): Promise<Start[]> {
  const samples = new Map(
    subjects.map(([name]) => [name, { active: [] as number[], firstRow: [] as number[] }]),
  );
  for (let round = 1; round <= rounds; round++) {
    for (const [name, run] of subjects) {
      progress(`start, round ${round} of ${rounds}: ${name}`);
      const { active, firstRow } = await run();
      samples.get(name)!.active.push(active);
      if (firstRow !== undefined) samples.get(name)!.firstRow.push(firstRow);
    }
  }
  return [...samples].map(([name, { active, firstRow }]) => ({
    name,
    active: spread(active)!,
    firstRow: spread(firstRow),
  }));
}

async function emptyNode(): Promise<{ active: number }> {
  const start = performance.now();
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
  return { active: performance.now() - start };
}

async function started(tracer: Tracer): Promise<{ active: number }> {
  const start = performance.now();
  const tracing = await tracer.start();
  const active = performance.now() - start;
  await tracing.stop();
  return { active };
}

/** While handshakes come every millisecond. */
async function firstRow(host: Namespace): Promise<{ active: number; firstRow: number }> {
  const traffic = host.spawn(TRAFFIC, [
    'loop',
    String(BACKGROUND_HANDSHAKES),
    String(PORT),
    `--gap-us=${GAP_US}`,
  ]);
  try {
    const start = performance.now();
    const tool = Tool.spawn(['connlat', '--json'], 'pipe');
    const since = (): number => performance.now() - start;
    const [active, firstRow] = await Promise.all([tool.active().then(since), tool.printed('\n').then(since)]);
    await tool.stop();
    return { active, firstRow };
  } finally {
    await traffic.stop();
  }
}
