/** `npm run bench`: what tcpscope costs, beside its peers. See docs/performance.md. */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { parseArgs } from 'node:util';
import { libbpfVersion } from '#bpf-native-bindings';
import { Namespace } from '#tcpscope/lab/network.js';
import { agent } from './agent.js';
import { cpu } from './cpu.js';
import { flood, minute } from './flood.js';
import { growth } from './growth.js';
import { kernel } from './kernel.js';
import { memories } from './memory.js';
import { outputs } from './outputs.js';
import { owners } from './owners.js';
import type { Bench, Part } from './part.js';
import { versionOf } from './peers.js';
import { places } from './places.js';
import { retransmission } from './retrans.js';
import { createSilence } from './silence.js';
import { slowDown } from './slow-down.js';
import { coldStart, start } from './start.js';
import { markdown, type Table } from './table.js';

const PARTS = [
  kernel,
  slowDown,
  cpu,
  start,
  memories,
  flood,
  minute,
  growth,
  retransmission,
  owners,
  places,
  agent,
  outputs,
];
/** Only when told. */
const EXTRA = [coldStart];

const names = (parts: readonly Part[]): string => parts.map(({ name }) => name).join(', ');
const USAGE = `usage: npm run bench -- [PART...] [--rounds N] [--json FILE]
  PART          ${names(PARTS)}: all of them unless told; ${names(EXTRA)}
  --rounds N    how often each figure is measured (5; 3 at most where a run is long)
  --json FILE   write the results to FILE as well, with the least and the greatest of each figure
`;

interface Results {
  machine: Record<string, string>;
  tables: Table[];
  leftOut: string[];
}

const { parts, rounds, json } = readArguments();
// 'exit' listeners end what was started; a signal alone would not run them.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));

const results: Results = { machine: machine(), tables: [], leftOut: [] };
const bench: Bench = {
  host: await Namespace.create('bench'),
  silence: await createSilence(),
  rounds,
  progress,
  leaveOut: (why) => void results.leftOut.push(why),
};
process.stdout.write(
  `${Object.entries(results.machine)
    .map(([what, value]) => `${what}: ${value}`)
    .join('\n')}\n`,
);
try {
  for (const part of parts) await measure(part);
} finally {
  await bench.silence.destroy();
  await bench.host.destroy();
}
progress('');
if (results.leftOut.length > 0)
  process.stdout.write(`\nLeft out:\n${results.leftOut.map((why) => `- ${why}\n`).join('')}`);
process.exit();

/** Tables are printed, and written, as soon as there are any. */
async function measure(part: Part): Promise<void> {
  const partly = {
    ...bench,
    progress: (what: string) => {
      progress(`${part.name}: ${what}`);
    },
  };
  try {
    const tables = await part.run(partly);
    progress('');
    for (const table of tables) process.stdout.write(`\n${markdown(table)}\n`);
    results.tables.push(...tables);
  } catch (error) {
    progress('');
    process.stderr.write(`${part.name}: ${error instanceof Error ? error.message : String(error)}\n`);
    results.leftOut.push(`${part.name}: failed`);
    process.exitCode = 1;
  }
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`);
}

function machine(): Record<string, string> {
  const versions = (['bpftrace', 'libbpf-tools', 'bpfcc-tools'] as const).map(
    (each) => `${each} ${versionOf(each) ?? '-'}`,
  );
  return {
    kernel: release(),
    cpu: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    versions: [`Node.js ${process.version}`, `libbpf ${libbpfVersion}`, ...versions].join(', '),
    'load when it began': loadavg()[0]!.toFixed(2),
    when: new Date().toISOString().slice(0, 10),
  };
}

/** One line on a terminal, over and over; nothing elsewhere. */
function progress(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`);
}

function readArguments(): { parts: Part[]; rounds: number; json: string | undefined } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { rounds: { type: 'string', default: '5' }, json: { type: 'string' } },
    });
    if (!/^[1-9]\d*$/.test(values.rounds)) throw new Error('--rounds takes a number from 1.');
    const chosen = positionals.map((name) => {
      const part = [...PARTS, ...EXTRA].find((each) => each.name === name);
      if (!part) throw new Error(`There is no part ${name}.`);
      return part;
    });
    return { parts: chosen.length > 0 ? chosen : PARTS, rounds: Number(values.rounds), json: values.json };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exit(2);
  }
}
