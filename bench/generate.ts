/**
 * Program: node generate.js PID RATE SECONDS REMOTES [KEY,KEY]: has bench/generator.bpf.c tell so many handshakes a second to the connlat
 * of this PID, and prints a Generated. The keys are those of its --by.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { BpfObject, enableStats } from '#bpf-native-bindings';
import { parseGroupKeys } from '#tcpscope/aggregate/group-keys.js';
import { HANDSHAKE_KEYS } from '#tcpscope/aggregate/handshake-keys.js';
import { encodeGlobals } from '#tcpscope/events/connlat.js';
import { groupingBy } from '#tcpscope/kernel/sums.js';
import { allParts } from '#tcpscope/model/flow-parts.js';
import { mapsOf } from './measure.js';
import { compiled, EVERYTHING } from './tools.js';
import type { Generated } from './generator.js';

/** Each run of the program; at most MOST_AT_ONCE. */
const EVENTS_A_RUN = 100;
const SLEEP_MS = 1;
/** What could not be done in time is left out beyond this: a pause of the machine shall not become a flood. */
const MOST_BEHIND_SECONDS = 0.02;
/** As many as bench/generator.bpf.c takes. */
const [CGROUPS, PIDS] = [16, 64];

const [pid, rate, seconds, remotes] = process.argv.slice(2, 6).map(Number) as [
  number,
  number,
  number,
  number,
];
const keys = parseGroupKeys((process.argv[6] ?? '').split(',').filter(Boolean), HANDSHAKE_KEYS);
const object = load();
const stats = enableStats();
const { submitted, lost, took } = submit();
const { runTimeNs } = object.programInfo('generate');
stats.close();
const generated: Generated = {
  submitted,
  perSecond: submitted / took,
  lost,
  kernelNs: runTimeNs / submitted,
  cpuShare: (process.cpuUsage().user + process.cpuUsage().system) / 1e6 / process.uptime(),
};
process.stdout.write(`${JSON.stringify(generated)}\n`);
object.close();

/** With every map that connlat has, and none that it has not. */
function load(): BpfObject {
  const maps = mapsOf(pid);
  const loading = BpfObject.open(compiled('generator'), { name: 'generator' });
  for (const map of loading.mapNames) {
    const id = maps.get(map);
    if (id !== undefined) loading.reuseMap(map, id);
    else if (!map.includes('.')) loading.setMapAutocreate(map, false);
  }
  const globals = encodeGlobals({
    filter: EVERYTHING,
    transport: maps.has('ring') ? 'ring' : 'perf',
    aggregate: maps.has('active_cells'),
    adjustable: false,
    grouping: groupingBy(allParts(keys.map(({ parts = {} }) => parts))),
    syncErrors: false,
    meetings: false,
  });
  const known = new Set(['filter', 'transport', 'aggregate', 'adjustable', 'grouping']);
  for (const [name, value] of globals) if (known.has(name)) loading.setGlobal(name, value);
  loading.setGlobal('remotes', bytesOf(Uint32Array.of(remotes)));
  loading.setGlobal('netns', bytesOf(Uint32Array.of(statSync('/proc/self/ns/net').ino)));
  loading.setGlobal('cgroups', bytesOf(BigUint64Array.from(some(cgroups(), CGROUPS))));
  loading.setGlobal('pids', bytesOf(Uint32Array.from(some(processes(), PIDS))));
  loading.load();
  return loading;
}

/** Busy-wait is left to nobody: it sleeps, and does then what has become due. */
function submit(): { submitted: number; lost: number; took: number } {
  const context = bytesOf(BigUint64Array.of(BigInt(EVENTS_A_RUN)));
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const runsASecond = rate / EVENTS_A_RUN;
  const began = performance.now();
  let [runs, due, lost, elapsed] = [0, 0, 0, 0];
  while ((elapsed = (performance.now() - began) / 1e3) < seconds) {
    due = Math.max(due, (elapsed - MOST_BEHIND_SECONDS) * runsASecond);
    for (; due < elapsed * runsASecond; due++, runs++)
      lost += object.testRun('generate', { context }).returnValue;
    Atomics.wait(pause, 0, 0, SLEEP_MS);
  }
  return { submitted: runs * EVENTS_A_RUN, lost, took: elapsed };
}

/** So many, over and over if there are fewer. */
function some<Thing>(things: readonly Thing[], count: number): Thing[] {
  return Array.from({ length: count }, (_, index) => things[index % things.length]!);
}

/** Numbers of cgroups that are there, so that their names are found. */
function cgroups(): bigint[] {
  const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/self/mounts', 'utf8'))?.[1];
  if (mount === undefined) return [0n];
  const below = readdirSync(mount, { withFileTypes: true, recursive: true }).filter((each) =>
    each.isDirectory(),
  );
  return ['', ...below.map(({ parentPath, name }) => path.relative(mount, path.join(parentPath, name)))].map(
    (folder) => statSync(path.join(mount, folder), { bigint: true }).ino,
  );
}

/** Processes that are there: who makes so many handshakes seldom ends at once. */
function processes(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
}

function bytesOf({ buffer }: { buffer: ArrayBuffer }): Uint8Array {
  return new Uint8Array(buffer);
}
