/** What is measured: the commands in their modes, and their peers. Each can be started, asked what it cost, and stopped. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BpfObject } from '#bpf-native-bindings';
import { programCost, type ProgramCost } from './measure.js';

export const ROOT = path.resolve(import.meta.dirname, '../..');
const RUN = path.join(ROOT, 'bin/run.js');

/** A tool that traces until it is stopped. */
export interface Tracing {
  /** Of the process that reads the events; undefined for a program that the benchmark itself has loaded. */
  pid: number | undefined;
  /** Of its programs, or of those whose names match. */
  cost(names?: RegExp): ProgramCost;
  /** What is wrong with the run, or ''. */
  stop(): Promise<string>;
}

export interface Tracer {
  name: string;
  /** Names of its programs that see the event itself; none: all that it has. */
  main?: RegExp;
  start(): Promise<Tracing>;
}

/** Without any tool. */
export const NOTHING: Tracer = {
  name: 'no tool',
  start: () =>
    Promise.resolve({
      pid: undefined,
      cost: () => ({ ns: 0, runs: 0 }),
      stop: () => Promise.resolve(''),
    }),
};

/** Where the rows go. */
export type Sink = 'null' | 'file';

/** `tcpscope` with the given words, as a process of its own. */
export class Tool implements Tracing {
  readonly pid: number;
  private stderr = '';
  private readonly ended: Promise<unknown>;

  private constructor(private readonly process: ChildProcess) {
    this.pid = process.pid!;
    process.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = once(process, 'exit');
  }

  static spawn(words: readonly string[], sink: Sink | 'pipe'): Tool {
    const output = sink === 'pipe' ? sink : openSync(sink === 'null' ? '/dev/null' : rowsFile(), 'w');
    const child = spawn(process.execPath, [RUN, ...words], { stdio: ['ignore', output, 'pipe'] });
    if (output !== 'pipe') closeSync(output);
    killAtExit(child);
    return new Tool(child);
  }

  static async start(words: readonly string[], sink: Sink = 'null'): Promise<Tool> {
    const tool = Tool.spawn(words, sink);
    await tool.active();
    return tool;
  }

  /** Resolves when it says that it traces. */
  async active(): Promise<void> {
    while (!this.stderr.includes('Tracing')) {
      await Promise.race([once(this.process.stderr!, 'data'), this.ended]);
      if (this.process.exitCode !== null) throw new Error(`tcpscope does not trace: ${this.stderr}`);
    }
  }

  /** Resolves when its output contains `text`; only of a tool with a pipe. */
  async printed(text: string): Promise<void> {
    let output = '';
    for await (const chunk of this.process.stdout!.setEncoding('utf8')) {
      output += String(chunk);
      if (output.includes(text)) return;
    }
  }

  cost(names?: RegExp): ProgramCost {
    return programCost(this.pid, names);
  }

  async stop(): Promise<string> {
    this.process.stdout?.destroy();
    this.process.kill('SIGINT');
    await this.ended;
    const lost = /([\d,]+) events? lost/.exec(this.stderr)?.[1] ?? 'unknown';
    return lost === '0' ? '' : `${lost} events lost`;
  }
}

export const connlat = (name: string, words: readonly string[] = [], sink: Sink = 'null'): Tracer => ({
  name,
  start: () => Tool.start(['connlat', ...words], sink),
});

export const retrans = (name: string, words: readonly string[] = [], sink: Sink = 'file'): Tracer => ({
  name,
  main: /^retransmit/,
  start: () => Tool.start(['retrans', ...words], sink),
});

const POLL_MS = 10;

/** A program of bench/prototype.bpf.c, or of any other object, drained by this very process. */
export function program(name: string, entry: string, object = prototype()): Tracer {
  return {
    name,
    start: () => {
      const loaded = BpfObject.open(readFileSync(object), { name: 'bench' });
      for (const each of loaded.programNames) loaded.setAutoload(each, each === entry);
      for (const map of loaded.mapNames) if (map === 'perf') loaded.setMapAutocreate(map, false);
      loaded.load();
      const events = loaded.ringBuffer('ring');
      loaded.attach(entry);
      const bytes = new Uint8Array(1 << 20);
      const timer = setInterval(() => {
        while (events.consume(bytes).records > 0);
      }, POLL_MS);
      return Promise.resolve({
        pid: undefined,
        cost: () => {
          const { runTimeNs, runCount } = loaded.programInfo(entry);
          return { ns: runTimeNs, runs: runCount };
        },
        stop: () => {
          clearInterval(timer);
          loaded.close();
          return Promise.resolve('');
        },
      });
    },
  };
}

/** Compiles bench/prototype.bpf.c with the flags of our own programs, if it is out of date. */
function prototype(): string {
  const target = '../build/bench/prototype.bpf.o';
  execFileSync('make', ['-s', '-C', 'bpf', 'OUT=../build/bench', 'VPATH=../bench', target], { cwd: ROOT });
  return path.join(ROOT, 'bpf', target);
}

const BPFTRACE_START = `
  BEGIN { printf("Tracing\\n"); }
  tracepoint:sock:inet_sock_set_state /args->protocol == 6 && args->newstate == 2/ {
    @start[args->skaddr] = nsecs; @pid[args->skaddr] = pid; @comm[args->skaddr] = comm;
  }`;

const ended = (action: string): string => `
  tracepoint:sock:inet_sock_set_state /args->oldstate == 2 && @start[args->skaddr]/ {
    ${action}
    delete(@start[args->skaddr]); delete(@pid[args->skaddr]); delete(@comm[args->skaddr]);
  }
  END { clear(@start); clear(@pid); clear(@comm); }`;

export const BPFTRACE_ROWS =
  BPFTRACE_START +
  ended(
    'printf("%d %s %s %d %d\\n", @pid[args->skaddr], @comm[args->skaddr], ntop(args->daddr), args->dport, ' +
      '(nsecs - @start[args->skaddr]) / 1000);',
  );
export const BPFTRACE_HISTOGRAM =
  BPFTRACE_START + ended('@us = hist((nsecs - @start[args->skaddr]) / 1000);');

export const BPFTRACE_RETRANSMITS = `
  BEGIN { printf("Tracing\\n"); }
  tracepoint:tcp:tcp_retransmit_skb {
    printf("%d %s %s %d %s %d %d\\n", pid, comm, ntop(args->saddr), args->sport, ntop(args->daddr), args->dport, args->state);
  }`;

export function bpftraceVersion(): string | undefined {
  const { stdout, error } = spawnSync('bpftrace', ['--version'], { encoding: 'utf8' });
  return error ? undefined : stdout.trim();
}

const PATIENCE = { polls: 30_000, ms: 5, signalMs: 500 };

/** A peer as a process of its own, whose output goes to a file. */
function peer(
  name: string,
  [command, ...words]: readonly [string, ...string[]],
  isActive: (file: string, pid: number) => boolean,
): Tracer {
  const start = async (): Promise<Tracing> => {
    const file = rowsFile();
    const output = openSync(file, 'w');
    const child = spawn(command, words, { stdio: ['ignore', output, 'ignore'] });
    closeSync(output);
    killAtExit(child);
    const pid = child.pid!;
    const end = once(child, 'exit');
    for (let polls = 0; !isActive(file, pid); polls++) {
      if (child.exitCode !== null || polls > PATIENCE.polls) throw new Error(`${name} does not trace`);
      await sleep(PATIENCE.ms);
    }
    return {
      pid,
      cost: (names) => programCost(pid, names),
      stop: async () => {
        // Again, because bpftrace 0.17 misses a signal now and then.
        const insist = setInterval(() => child.kill('SIGINT'), PATIENCE.signalMs);
        child.kill('SIGINT');
        await end;
        clearInterval(insist);
        const lost = [...readFileSync(file, 'utf8').matchAll(/Lost (\d+) events/g)];
        const sum = lost.reduce((before, [, count]) => before + Number(count), 0);
        return sum === 0 ? '' : `${sum} events lost`;
      },
    };
  };
  return { name, start };
}

/** bpftrace needs tracefs; where it is not mounted, it gets one that only it sees. */
const WITH_TRACEFS = 'mountpoint -q "$0" || mount -t tracefs tracefs "$0"; exec bpftrace "$@"';
const IN_ITS_MOUNTS = ['-m', 'sh', '-c', WITH_TRACEFS, '/sys/kernel/tracing'];

/** A bpftrace script: it tells that it is active on its standard output, line by line. */
export const bpftrace = (name: string, script: string): Tracer =>
  peer(name, ['unshare', ...IN_ITS_MOUNTS, '-B', 'line', '-e', script], (file) =>
    readFileSync(file, 'utf8').includes('Tracing'),
  );

/** tcpretrans of bcc says so too, but Python keeps it back: it is active when it has its perf buffers, two a CPU. */
export const bccRetransmits = (name: string): Tracer =>
  peer(name, ['tcpretrans-bpfcc'], (_, pid) => perfEvents(pid) > 2 * cpus().length);

function perfEvents(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  const targets = readdirSync(folder).map((descriptor) => {
    try {
      return readlinkSync(path.join(folder, descriptor));
    } catch {
      return ''; // closed meanwhile
    }
  });
  return targets.filter((target) => target === 'anon_inode:[perf_event]').length;
}

const children = new Set<ChildProcess>();
let folder: string | undefined;
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

/** Where rows are written that nobody needs: each tool begins it anew. */
function rowsFile(): string {
  folder ??= mkdtempSync(path.join(tmpdir(), 'tcpscope-bench-'));
  return path.join(folder, 'rows');
}

function killAtExit(child: ChildProcess): void {
  children.add(child);
  child.once('exit', () => children.delete(child));
}
