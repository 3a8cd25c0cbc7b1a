/** `npm run bench:guest`: the benchmark in guests with other kernels, where peers work that need kprobes. See docs/performance.md. */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { runInGuest } from '../test/vm/guest.js';
import { ARCHITECTURES, KERNELS, type Architecture, type Kernel } from '../test/vm/kernels.js';
import { fetchHeaders, fetchKernel } from '../test/vm/packages.js';
import { prepare } from '../test/vm/prepare.js';
import type { GuestResults } from './guest-inside.js';
import { versionOf } from './peers.js';
import { markdown } from './table.js';
import { compiled } from './tools.js';

const USAGE = `usage: npm run bench:guest -- [KERNEL...] [--rounds N] [--json FILE]
  KERNEL        ${KERNELS.map(({ name }) => name).join(', ')}; 6.1 and 6.12 unless told
  --rounds N    how often each figure is measured (2)
  --json FILE   write the results to FILE as well, with the least and the greatest of each figure
`;

const ROOT = path.resolve(import.meta.dirname, '../..');
/** One processor that counts its time in instructions: what else the host does takes no part, and all that a tool takes delays the traffic. */
const ARCHITECTURE: Architecture = { ...ARCHITECTURES[0]!, processors: 1, clock: 'instructions' };
/** A guest that takes longer hangs. */
const LIMIT_MS = 60 * 60_000;

interface Results extends GuestResults {
  machine: Record<string, string>;
}

async function measure(kernel: Kernel, rounds: number): Promise<Results> {
  const folder = fetchKernel(kernel, ARCHITECTURE);
  fetchHeaders(folder, kernel, ARCHITECTURE);
  const bootable = prepare(folder, ARCHITECTURE, '/');
  const machine = {
    kernel: `${bootable.version}, emulated by QEMU`,
    host: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    peers: (['bpftrace', 'libbpf-tools', 'bpfcc-tools'] as const)
      .map((each) => `${each} ${versionOf(each) ?? '-'}`)
      .join(', '),
    node: process.version,
    'load when it began': loadavg()[0]!.toFixed(2),
    when: new Date().toISOString().slice(0, 10),
  };
  let output = '';
  const { status, lastWords } = await runInGuest(bootable, ARCHITECTURE, {
    command: `node build/bench/guest-inside.js ${rounds}`,
    folder: ROOT,
    environment: {},
    timeoutMs: LIMIT_MS,
    root: '/',
    onOutput: (text) => (output += text),
    onError: (text) => process.stderr.write(text),
  });
  if (status !== 0) throw new Error(`Linux ${kernel.name}: ${status ?? lastWords}`);
  return { machine, ...(JSON.parse(output) as GuestResults) };
}

function print({ machine, tables, leftOut }: Results): void {
  const facts = Object.entries(machine).map(([what, value]) => `${what}: ${value}`);
  const notes = leftOut.map((why) => `- ${why}`);
  const sections = [
    facts.join('\n'),
    ...tables.map(markdown),
    ...(notes.length > 0 ? [['Left out:', ...notes].join('\n')] : []),
  ];
  process.stdout.write(`\n${sections.join('\n\n')}\n`);
}

function readArguments(): { kernels: Kernel[]; rounds: number; json: string | undefined } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { rounds: { type: 'string', default: '2' }, json: { type: 'string' } },
    });
    if (!/^[1-9]\d*$/.test(values.rounds)) throw new Error('--rounds takes a number from 1.');
    const names = positionals.length > 0 ? positionals : ['6.1', '6.12'];
    const kernels = names.map((name) => {
      const kernel = KERNELS.find((each) => each.name === name);
      if (!kernel) throw new Error(`There is no kernel ${name}.`);
      return kernel;
    });
    return { kernels, rounds: Number(values.rounds), json: values.json };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exit(2);
  }
}

const { kernels, rounds, json } = readArguments();
// What runs is ended at 'exit', which does not come where a signal ends this.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));
compiled('prototype'); // in a guest it takes long
const all: Results[] = [];
for (const kernel of kernels) {
  const results = await measure(kernel, rounds);
  print(results);
  all.push(results);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(all, null, 2)}\n`);
}
