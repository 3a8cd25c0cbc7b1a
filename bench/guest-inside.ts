/** Program: `node guest-inside.js ROUNDS` measures what bench/guest.ts asks for, in the guest, and prints it as JSON. */
import { Namespace } from '#tcpscope/lab/network.js';
import { COMPARISONS } from './guest-comparisons.js';
import { compare } from './guest-ratios.js';
import { createSilence } from './silence.js';
import type { Table } from './table.js';

export interface GuestResults {
  tables: Table[];
  leftOut: string[];
}

const results: GuestResults = { tables: [], leftOut: [] };
const bench = {
  host: await Namespace.create('bench'),
  silence: await createSilence(),
  rounds: Number(process.argv[2]),
  progress: (what: string) => process.stderr.write(`${(performance.now() / 1000).toFixed(0)} s: ${what}\n`),
  leaveOut: (why: string) => void results.leftOut.push(why),
};
for (const comparison of COMPARISONS) results.tables.push(await compare(bench, comparison));
process.stdout.write(JSON.stringify(results), () => process.exit());
