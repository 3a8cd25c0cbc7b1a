/** What is measured: a tool that traces until it is stopped, as a process of its own. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuTime, holdsPrograms, programCost, type ProgramCost } from './measure.js';

/** A tool that traces. */
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

/** Where its standard output goes; a terminal is one that somebody reads, of 50 lines and 160 columns. */
export type Sink = 'null' | 'file' | 'terminal';

/** A peer may have to compile first: bcc takes a minute in a guest. */
const PATIENCE = { activeMs: 240_000, pollMs: 1, signalMs: 500, signals: 40 };
/** Who has done so little for so long, and holds BPF programs, waits for events. */
const SETTLED = { ms: 100, atMostUs: 10_000 };

/** A process of its own that traces. */
export class TracingProcess implements Tracing {
  /** Of the tool itself, also when it runs in a terminal. */
  readonly pid: number;
  stderr = '';
  /** What is on its terminal, if somebody wants to know. */
  content = '';
  private readonly ended: Promise<unknown>;

  private constructor(
    readonly name: string,
    private readonly process: ChildProcess,
    private readonly file: string | undefined,
    pid: number,
  ) {
    this.pid = pid;
    this.ended = once(process, 'exit');
    const errors = process.stdio[ERRORS] as Readable;
    errors.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.content += text));
  }

  static async spawn(name: string, command: readonly string[], sink: Sink): Promise<TracingProcess> {
    if (sink === 'terminal') return TracingProcess.inTerminal(name, command, 'ignore');
    const file = sink === 'file' ? rowsFile() : undefined;
    const output = openSync(file ?? '/dev/null', 'w');
    const [program, ...words] = withErrors(command);
    const child = spawn(program!, words, { stdio: ['ignore', output, 'inherit', 'pipe'] });
    closeSync(output);
    killAtExit(child);
    await once(child, 'spawn');
    return new TracingProcess(name, child, file, child.pid!);
  }

  /** In a terminal whose content is dropped, or kept. */
  static async inTerminal(
    name: string,
    command: readonly string[],
    content: 'ignore' | 'pipe',
  ): Promise<TracingProcess> {
    const quoted = withErrors(command).map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
    const words = ['-q', '-e', '-f', '-c', `stty cols 160 rows 50; exec ${quoted.join(' ')}`, '/dev/null'];
    // Its input stays open: at its end `script` would type Ctrl-D.
    const child = spawn('script', words, { stdio: ['pipe', content, 'inherit', 'pipe'] });
    killAtExit(child);
    await once(child, 'spawn');
    return new TracingProcess(name, child, undefined, await onlyChild(child.pid!));
  }

  /** Resolves when something is true of what it has written. */
  async until(condition: () => boolean): Promise<void> {
    const deadline = Date.now() + PATIENCE.activeMs;
    while (!condition()) {
      if (this.process.exitCode !== null || Date.now() > deadline) throw this.failure();
      await sleep(PATIENCE.pollMs);
    }
  }

  /** Resolves when it holds BPF programs and has nothing to do: whatever it prints, and wherever to. */
  async settled(): Promise<void> {
    const deadline = Date.now() + PATIENCE.activeMs;
    for (let before = 0; ;) {
      await sleep(SETTLED.ms);
      if (this.process.exitCode !== null || Date.now() > deadline) throw this.failure();
      const now = cpuTime(this.pid).total;
      if (now - before < SETTLED.atMostUs && holdsPrograms(this.pid)) return;
      before = now;
    }
  }

  cost(names?: RegExp): ProgramCost {
    return programCost(this.pid, names);
  }

  async stop(): Promise<string> {
    let signals = 0;
    const interrupt = (): void => {
      if (!existsSync(`/proc/${this.pid}`)) return;
      process.kill(this.pid, signals++ < PATIENCE.signals ? 'SIGINT' : 'SIGKILL');
    };
    // Again, because bpftrace 0.17 misses a signal now and then.
    const insist = setInterval(interrupt, PATIENCE.signalMs);
    interrupt();
    await this.ended;
    clearInterval(insist);
    return this.complaint();
  }

  /** What it says itself of events that it lost, ours with commas in the number and peers once for each loss, or did not show. */
  private complaint(): string {
    // Of peers some say it among the rows, which may be gigabytes.
    const said = this.stderr + (this.file === undefined ? '' : linesWith('Lost [0-9]+ ', this.file));
    const losses = [
      ...said.matchAll(/([\d,]+) events? lost/g),
      ...said.matchAll(/lost (\d+) (?:events|samples)/gi),
    ];
    const lost = losses.reduce((sum, [, count]) => sum + Number(count!.replaceAll(',', '')), 0);
    const hidden = /[\d,]+ rows? not shown/.exec(this.stderr)?.[0] ?? '';
    return [lost === 0 ? '' : `${lost.toLocaleString('en')} events lost`, hidden].filter(Boolean).join(', ');
  }

  private failure(): Error {
    const lines = this.stderr.trim().split('\n');
    const reason = lines.find((line) => line.includes('error: ')) ?? lines.at(-1)!;
    return new Error(`${this.name} does not trace${reason === '' ? '' : `: ${reason}`}`);
  }
}

/** Where standard error goes: a terminal has only one output. */
const ERRORS = 3;
const withErrors = (command: readonly string[]): string[] => [
  'sh',
  '-c',
  `exec "$@" 2>&${ERRORS} ${ERRORS}>&-`,
  'sh',
  ...command,
];

const linesWith = (pattern: string, file: string): string =>
  spawnSync('grep', ['-aE', pattern, file], { encoding: 'utf8', maxBuffer: Infinity }).stdout;

async function onlyChild(parent: number): Promise<number> {
  for (let polls = 0; polls < PATIENCE.signals; polls++) {
    const [child] = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').split(' ');
    if (child) return Number(child);
    await sleep(PATIENCE.pollMs);
  }
  throw new Error('script(1) starts nothing');
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
