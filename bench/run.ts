/** `npm run bench`: what tcpscope costs, beside its peers. See docs/performance.md. */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { parseArgs } from 'node:util';
import { Namespace } from '#tcpscope/lab/network.js';
import { costs, pacedCosts } from './cost.js';
import { memories } from './memory.js';
import { passes } from './owners.js';
import { placeCosts } from './places.js';
import { report, type Results } from './report.js';
import { retransCosts } from './retrans.js';
import { createSilence } from './silence.js';
import { starts } from './start.js';
import {
  bccRetransmits,
  BPFTRACE_HISTOGRAM,
  BPFTRACE_RETRANSMITS,
  BPFTRACE_ROWS,
  bpftrace,
  bpftraceVersion,
  connlat,
  program,
  retrans,
  type Tracer,
} from './tracers.js';

const USAGE = `usage: npm run bench -- [PART...] [options]
  PART              cost, paced, start, memory, retrans, owners, places; all of them unless told
  --rounds N        how often each figure is measured (5)
  --handshakes N    in each run at full speed (100000)
  --rates N,N       retransmissions a second (2000,10000)
  --bcc             also tcpretrans of bcc as a peer; it needs the kernel's headers
  --cold            also start with an empty page cache: drops that of the whole machine, 3 times
  --json FILE       write the results, all of them, to FILE as well
`;

const PARTS = ['cost', 'paced', 'start', 'memory', 'retrans', 'owners', 'places'];
const COLD_ROUNDS = 3;
/** The least rounds that give a median are enough where a run takes seconds. */
const SLOW_ROUNDS = 3;
const START_ROUNDS_FACTOR = 2;
const PACED = { handshakes: 5000, gapUs: 1000 };
const REMOTES = 10_000;
const STORM_SECONDS = 5;
const SOCKETS = [2, 1000, 10_000, 100_000];
const NETWORKS = [0, 100, 10_000, 100_000];

const { values, positionals } = readArguments();
const wanted = (part: string): boolean => positionals.length === 0 || positionals.includes(part);
// 'exit' listeners put back what was changed; a signal alone would not run them.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));

const rounds = Number(values.rounds);
const handshakes = Number(values.handshakes);
const version = bpftraceVersion();
const rowsPeer = bpftrace('bpftrace, a row a handshake', BPFTRACE_ROWS);
const retransmitPeers = [
  ...(version === undefined ? [] : [bpftrace('bpftrace, a row a retransmission', BPFTRACE_RETRANSMITS)]),
  ...(values.bcc ? [bccRetransmits('bcc tcpretrans')] : []),
];
const histogramPeer = bpftrace('bpftrace, histogram', BPFTRACE_HISTOGRAM);
const results: Results = {
  machine: {
    kernel: release(),
    cpu: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    node: process.version,
    bpftrace: version ?? 'none',
    'load when it began': loadavg()[0]!.toFixed(2),
  },
  skipped: version === undefined ? ['bpftrace is not installed (Debian: apt-get install bpftrace)'] : [],
};

const host = await Namespace.create('bench');
const silence = await createSilence();
try {
  if (wanted('cost'))
    results.cost = await costs(host, tracers(), { rounds, handshakes, cpu: cpus().length - 1 }, progress);
  if (wanted('paced')) {
    const readers = [
      connlat('connlat rows to /dev/null'),
      connlat('connlat --json to a file', ['--json'], 'file'),
    ];
    results.paced = await pacedCosts(
      host,
      readers,
      { rounds: Math.min(rounds, SLOW_ROUNDS), ...PACED },
      progress,
    );
  }
  if (wanted('start'))
    results.start = await starts(
      host,
      [...(version === undefined ? [] : [rowsPeer]), ...retransmitPeers],
      { rounds: rounds * START_ROUNDS_FACTOR, coldRounds: values.cold ? COLD_ROUNDS : 0 },
      progress,
    );
  if (wanted('memory'))
    results.memory = await memories(
      host,
      silence,
      { rounds: Math.min(rounds, SLOW_ROUNDS), handshakes, remotes: REMOTES },
      progress,
    );
  if (wanted('retrans'))
    results.retrans = await retransCosts(
      silence,
      retransTracers(),
      {
        rounds: Math.min(rounds, SLOW_ROUNDS),
        rates: values.rates.split(',').map(Number),
        seconds: STORM_SECONDS,
      },
      progress,
    );
  if (wanted('owners')) results.owners = await passes({ rounds, sizes: SOCKETS }, progress);
  if (wanted('places')) results.places = await placeCosts({ rounds, sizes: NETWORKS }, progress);
} finally {
  await silence.destroy();
  await host.destroy();
}
progress('');
process.stdout.write(report(results));
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
process.exit();

function tracers(): Tracer[] {
  return [
    program('empty program (the floor)', 'empty'),
    program('C prototype, no wake-up', 'prototype'),
    connlat('connlat rows to /dev/null'),
    connlat('connlat rows, perf buffer', ['--transport', 'perf']),
    connlat('connlat --json to a file', ['--json'], 'file'),
    connlat('connlat --by remote', ['--by', 'remote']),
    connlat('connlat --hist', ['--hist']),
    retrans('retrans (nothing to report)', [], 'null'),
    retrans('retrans --by remote', ['--by', 'remote'], 'null'),
    ...(version === undefined ? [] : [rowsPeer, histogramPeer]),
  ];
}

function retransTracers(): Tracer[] {
  return [
    program('empty program (the floor)', 'retransmit_empty'),
    program('C prototype, no wake-up', 'retransmit_prototype'),
    retrans('retrans rows to a file'),
    retrans('retrans --json to a file', ['--json']),
    retrans('retrans --by remote', ['--by', 'remote'], 'null'),
    ...retransmitPeers,
  ];
}

/** One line on a terminal, over and over; nothing elsewhere. */
function progress(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`);
}

function readArguments() {
  try {
    const parsed = parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '5' },
        handshakes: { type: 'string', default: '100000' },
        rates: { type: 'string', default: '2000,10000' },
        bcc: { type: 'boolean', default: false },
        cold: { type: 'boolean', default: false },
        json: { type: 'string' },
      },
    });
    const unknown = parsed.positionals.filter((part) => !PARTS.includes(part));
    if (unknown.length > 0) throw new Error(`There is no part ${unknown.join(', ')}.`);
    for (const name of ['rounds', 'handshakes'] as const)
      if (!/^[1-9]\d*$/.test(parsed.values[name])) throw new Error(`--${name} takes a number from 1.`);
    if (!/^[1-9]\d*(,[1-9]\d*)*$/.test(parsed.values.rates))
      throw new Error('--rates takes numbers from 1, with commas between them.');
    return parsed;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exit(2);
  }
}
