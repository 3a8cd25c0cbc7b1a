/** The real program as a user runs it, its output read through a pipe, and looked at from outside while it runs. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Mode, Reader } from './modes.js';
import { bpfIds, readProcess, type BpfIds } from './process.js';
import { parseSummary, type Sample, type Summary } from './rules.js';

const RUN = path.resolve(import.meta.dirname, '../../../bin/run.js');
const HEAP_REPORT = path.join(import.meta.dirname, 'heap-report.js');
/** The descriptor to which heap-report.ts writes. */
const HEAP_PIPE = 3;

export class WatchedTool {
  readonly name: string;
  readonly command: Mode['command'];
  readonly samples: Sample[] = [];
  readonly reader: Reader;
  bpf: BpfIds = { programs: new Set(), maps: new Set() };
  #stderr = '';
  #heapMb: number | undefined;
  readonly #process: ChildProcessByStdio<null, Readable, Readable>;
  readonly #ended: Promise<unknown[]>;

  private constructor(mode: Mode, comm: string, heap: boolean) {
    const { command, flags } = mode;
    this.name = [command, ...flags].join(' ').replace(comm, 'NAME');
    this.command = command;
    this.reader = mode.reader(comm);
    const instrument = heap ? ['--expose-gc', '--import', HEAP_REPORT] : [];
    this.#process = spawn(process.execPath, [...instrument, RUN, command, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe', heap ? 'pipe' : 'ignore'],
    }) as ChildProcessByStdio<null, Readable, Readable>;
    this.#ended = once(this.#process, 'close');
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      if (line !== '') this.reader.line(line);
    });
    const reports = this.#process.stdio[HEAP_PIPE] as Readable | null | undefined;
    reports?.setEncoding('utf8').on('data', (text: string) => {
      this.#heapMb = Number(text.trim().split('\n').at(-1)) / 1e6;
    });
    process.once('exit', () => this.#process.kill('SIGKILL'));
  }

  /** Resolves once it traces. @param comm the name of the processes that make the traffic */
  static async start(mode: Mode, comm: string, heap: boolean): Promise<WatchedTool> {
    const tool = new WatchedTool(mode, comm, heap);
    const ended = tool.#ended.then(() => Promise.reject(new Error(`${tool.name} ended: ${tool.#stderr}`)));
    ended.catch(() => undefined);
    while (!tool.#stderr.includes('Tracing')) await Promise.race([once(tool.#process.stderr, 'data'), ended]);
    tool.bpf = bpfIds(tool.#process.pid!);
    return tool;
  }

  /** Takes a sample. @throws {Error} if it has ended by itself. */
  sample(minutes: number): void {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null)
      throw new Error(`${this.name} ended by itself: ${this.#stderr.trim()}`);
    const heap = this.#heapMb === undefined ? {} : { heapMb: this.#heapMb };
    this.samples.push({ minutes, ...readProcess(this.#process.pid!), ...heap });
  }

  /** Ctrl-C. Resolves when all of its output is read. @throws {Error} if it fails or has no summary. */
  async stop(): Promise<Summary> {
    this.#process.kill('SIGINT');
    const [code, signal] = (await this.#ended) as [number | null, NodeJS.Signals | null];
    if (code !== 0)
      throw new Error(`${this.name} ended with ${String(signal ?? code)}: ${this.#stderr.trim()}`);
    return parseSummary(this.#stderr);
  }
}
