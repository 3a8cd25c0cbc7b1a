/**
 * Is kind_of() (bpf/include/kind.h) right? Makes TCP retransmit in every way and compares what it says with the kernel
 * functions that sent again, watched by fentry. Needs root, fentry, veth and sch_netem: a virtual machine, if not this one.
 * See docs/retransmit-kinds.md.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { machine, release } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { BpfObject, kernelBtf } from '#bpf-native-bindings';
import { Routed } from './routed.js';
import { SCENARIOS, type Scenario } from './scenarios.js';

const USAGE = `usage: node build/test/vm/kinds.js [options]
  --seconds N   of traffic in each network (10)
  --only TEXT   only networks whose name contains TEXT; may be given again
  --least N     retransmissions of a kind, from which on its answers must be right (100)
`;

const ROOT = path.resolve(import.meta.dirname, '../../..');
const MODULES = ['veth', 'sch_netem', 'tcp_bbr'];

/** As in kind.h. */
const KINDS = ['syn', 'synack', 'fast', 'rto', 'loss', 'tlp'] as const;
type Kind = (typeof KINDS)[number];
/** How many right answers of a hundred are asked for, of each kind that came often enough to tell. */
const AIM_PERCENT = 99;

/** As in kinds.bpf.c. */
const IN = { timer: 1, probe: 2, queue: 4, mtu: 8, revert: 16, rack: 32, tsq: 64 };
/** The timer has sent again, and what was on its way then is not all acknowledged yet. */
const AFTER_TIMEOUT = 128;
const SYN_SENT = 2;
const SYN_RECV = 3;
const CA_LOSS = 4;
const LOSS_PROBE = 5;

interface Seen {
  inside: number;
  kind: Kind;
  state: number;
  caState: number;
  pending: number;
  sacked: number;
  count: number;
}

/** `mtu`: the path takes smaller packets only, and the segments are sent again in pieces; no kind of its own. */
type Truth = Kind | 'mtu' | 'unknown';
const TRUTHS: readonly Truth[] = [...KINDS, 'mtu', 'unknown'];

/** The function decides. The queue's fast and loss are told apart by the state, by definition. */
function truth({ inside, state, caState }: Seen): Truth {
  if (inside & IN.probe) return 'tlp';
  if (inside & IN.timer) return state === SYN_SENT ? 'syn' : state === SYN_RECV ? 'synack' : 'rto';
  if (!(inside & (IN.queue | IN.tsq))) return 'unknown';
  if (caState !== CA_LOSS) return state === SYN_SENT ? 'syn' : 'fast';
  return inside & AFTER_TIMEOUT ? 'loss' : 'mtu';
}

class Watch {
  readonly #object: BpfObject;

  constructor() {
    execFileSync('make', ['-s', '-C', path.join(ROOT, 'test/vm')]);
    this.#object = BpfObject.open(readFileSync(path.join(ROOT, `build/test-vm/${machine()}/kinds.bpf.o`)), {
      name: 'kinds',
    });
    const absent = this.programs.filter((program) => !exists(program));
    for (const program of absent) this.#object.setAutoload(program, false);
    this.#object.load();
    for (const program of this.programs) if (!absent.includes(program)) this.#object.attach(program);
  }

  get programs(): string[] {
    return this.#object.programNames;
  }

  /** What came since the last call. */
  take(): Seen[] {
    const map = this.#object.map('seen');
    const { keys, values, count } = map.entries();
    const counts = new DataView(values.buffer, values.byteOffset, values.byteLength);
    return Array.from({ length: count }, (_, i) => {
      const key = keys.slice(i * map.keySize, (i + 1) * map.keySize);
      const [inside, kind, state, caState, pending, sacked] = key as unknown as number[] & { length: 6 };
      map.delete(key);
      return {
        inside: inside!,
        kind: KINDS[kind!]!,
        state: state!,
        caState: caState!,
        pending: pending!,
        sacked: sacked!,
        count: Number(counts.getBigUint64(i * map.valueSize, true)),
      };
    });
  }

  /** Calls that were not noted: they make `unknown`, or a wrong truth. */
  missed(): number {
    const failures = this.#object.map('kinds.bss').lookup(new Uint8Array(4))!;
    const skipped = this.programs
      .filter(exists)
      .map((program) => this.#object.programInfo(program).recursionMisses);
    return new DataView(failures.buffer, failures.byteOffset).getUint32(0, true) + sum(skipped);
  }

  close(): void {
    this.#object.close();
  }
}

const functions = new Set(
  Array.from(readFileSync('/proc/kallsyms', 'utf8').matchAll(/ [tT] (tcp_\w+)$/gm), ([, name]) => name),
);

/** Whether the kernel has the function that a program watches: BTF also names those that exist in parts only. */
function exists(program: string): boolean {
  const watched = /^(?:enter|leave)_(.+)$/.exec(program)?.[1];
  return watched === undefined || (functions.has(watched) && kernelBtf.hasType(watched, 'func'));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
const total = (seen: readonly Seen[]): number => sum(seen.map(({ count }) => count));
const wrong = (seen: readonly Seen[]): Seen[] => seen.filter((each) => truth(each) !== each.kind);
/** Never rounded up: 100.00 is all of them. */
const percent = (part: number, whole: number): string =>
  whole === 0 ? '' : (Math.floor((part / whole) * 10_000) / 100).toFixed(2);

function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [header, ...rows.map((row) => row.map((cell) => cell.toLocaleString('en')))];
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const lines = cells.map(
    (row) =>
      `| ${row.map((cell, i) => (i ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join(' | ')} |`,
  );
  const rule = widths.map((width, i) => (i ? `${'-'.repeat(width + 1)}:` : '-'.repeat(width + 2)));
  return [lines[0]!, `|${rule.join('|')}|`, ...lines.slice(1)].join('\n');
}

/** Truth by what kind_of() said. */
function confusion(seen: readonly Seen[]): string {
  const row = (name: string, some: readonly Seen[]): (string | number)[] => [
    name,
    ...KINDS.map((kind) => total(some.filter((each) => each.kind === kind)) || ''),
    total(some),
    percent(total(some) - total(wrong(some)), total(some)),
  ];
  const rows = TRUTHS.map((name) =>
    row(
      name,
      seen.filter((each) => truth(each) === name),
    ),
  );
  return table(
    ['really', ...KINDS, 'all', '% right'],
    [...rows.filter(([, ...cells]) => cells.at(-2) !== 0), row('all', seen)],
  );
}

/** Of the right answers, how many the last test of the rule decided. */
function decidedByLost(seen: readonly Seen[]): number {
  return total(seen.filter(({ kind, pending }) => kind === 'fast' && pending === LOSS_PROBE));
}

function mistakes(seen: readonly Seen[]): string {
  const names = (inside: number): string =>
    Object.entries(IN)
      .flatMap(([name, bit]) => (inside & bit ? [name] : []))
      .join(' ');
  const rows = wrong(seen)
    .sort((a, b) => b.count - a.count)
    .map((each) => [
      truth(each),
      each.kind,
      names(each.inside),
      each.state,
      each.caState,
      each.pending,
      each.sacked,
      each.count,
    ]);
  return rows.length === 0
    ? ''
    : table(['really', 'said', 'inside', 'state', 'ca', 'pending', 'sacked', 'times'], rows);
}

async function run(scenario: Scenario, seconds: number, watch: Watch): Promise<Seen[]> {
  const network = await Routed.create(scenario);
  watch.take(); // the end of the one before
  try {
    await scenario.traffic(network, seconds);
    return watch.take();
  } finally {
    await network.destroy();
  }
}

function readArguments(): { seconds: number; only: string[]; least: number } {
  try {
    const { values } = parseArgs({
      options: {
        seconds: { type: 'string', default: '10' },
        only: { type: 'string', multiple: true, default: [''] },
        least: { type: 'string', default: '100' },
      },
    });
    return { seconds: Number(values.seconds), only: values.only, least: Number(values.least) };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  }
}

const { seconds, only, least } = readArguments();
for (const module of MODULES) spawnSync('modprobe', [module], { stdio: 'ignore' });
const watch = new Watch();
const random: Seen[] = [];
const special: Seen[] = [];
const lines: (string | number)[][] = [];
for (const scenario of SCENARIOS.filter(({ name }) => only.some((text) => name.includes(text)))) {
  const seen = await run(scenario, seconds, watch);
  (scenario.special ? special : random).push(...seen);
  lines.push([scenario.name, total(seen), total(wrong(seen))]);
  process.stderr.write(`${lines.at(-1)!.join(': ')}\n${mistakes(seen)}\n`);
}
const missed = watch.missed();
watch.close();

console.log(`Linux ${release()}, ${seconds} s each; calls missed: ${missed}\n`);
console.log(`${table(['network', 'retransmissions', 'wrong'], lines)}\n`);
for (const [title, seen] of Object.entries({ 'Random loss': random, 'Special situations': special }))
  if (seen.length > 0)
    console.log(`${title}

${confusion(seen)}
`);
console.log(`Fast while a loss probe was due, told from it by TCPCB_LOST only: ${decidedByLost(random)}`);
const enough = KINDS.every((kind) => {
  const some = random.filter((each) => truth(each) === kind);
  return total(some) < least || (total(some) - total(wrong(some))) * 100 >= AIM_PERCENT * total(some);
});
process.exitCode = enough ? 0 : 1;
