import { EventEmitter, once } from 'node:events';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

/** How a program ended: one of the two is null. */
export interface ExitStatus {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface ChildOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** What the program reads from its standard input; nothing by default. */
  input?: string;
}

export interface Output {
  stdout: string;
  stderr: string;
}

/** How long a program may take to end after a polite signal. */
const PATIENCE_MS = 2000;

const running = new Set<Child>();

/** Kills every program that is still running: for the moment when this process ends itself. */
export function killChildren(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** A program that the laboratory has started. */
export class Child {
  readonly pid: number;
  /** Resolves when the program has ended, even while a program that it started holds its output open. */
  readonly exited: Promise<ExitStatus>;
  /** What the program has printed so far. */
  stdout = '';
  stderr = '';

  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #closed: Promise<unknown>;
  readonly #news = new EventEmitter();
  #outputEnded = false;
  #linesRead = 0;

  private constructor(
    readonly command: string,
    process: ChildProcessByStdio<Writable, Readable, Readable>,
    pid: number,
  ) {
    this.pid = pid;
    this.#process = process;
    running.add(this);
    this.#news.setMaxListeners(0);
    this.exited = new Promise((resolve) => {
      process.once('exit', (code, signal) => {
        running.delete(this);
        resolve({ code, signal });
      });
    });
    this.#closed = once(process, 'close').then(() => {
      this.#outputEnded = true;
      this.#news.emit('news');
    });
    process.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#news.emit('news');
    });
    process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
  }

  /** Starts a program. Throws when there is no such program. */
  static start(command: string, args: readonly string[], options: ChildOptions = {}): Child {
    const { input = '', ...spawnOptions } = options;
    const process = spawn(command, args, { ...spawnOptions, stdio: ['pipe', 'pipe', 'pipe'] });
    process.on('error', () => undefined); // reported here, and by the exit status
    process.stdin.on('error', () => undefined); // a program need not read its input
    if (process.pid === undefined) throw new Error(`Cannot start ${command}: is it installed?`);
    process.stdin.end(input);
    return new Child([command, ...args].join(' '), process, process.pid);
  }

  /** The next line that the program prints and nobody has read yet. Rejects when it ends without one. */
  async nextLine(): Promise<string> {
    for (;;) {
      const end = this.stdout.indexOf('\n', this.#linesRead);
      if (end >= 0) {
        const line = this.stdout.slice(this.#linesRead, end);
        this.#linesRead = end + 1;
        return line;
      }
      if (this.#outputEnded) throw await this.#failure('ended without the expected line');
      await once(this.#news, 'news');
    }
  }

  /** Everything the program prints, once it has ended successfully. */
  async output(): Promise<Output> {
    await this.#closed;
    const { code } = await this.exited;
    if (code !== 0) throw await this.#failure('failed');
    return { stdout: this.stdout, stderr: this.stderr };
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Asks the program to end, makes it end if it does not, and waits until it has. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<ExitStatus> {
    this.kill(signal);
    const impatience = setTimeout(() => {
      this.kill('SIGKILL');
    }, PATIENCE_MS);
    const status = await this.exited;
    clearTimeout(impatience);
    return status;
  }

  async #failure(what: string): Promise<Error> {
    const { code, signal } = await this.exited;
    const how = signal ?? `exit status ${String(code)}`;
    return new Error(`${this.command} ${what} (${how}): ${this.stderr.trim()}`);
  }
}

/** Runs a program to its end. */
export function run(command: string, args: readonly string[], options?: ChildOptions): Promise<Output> {
  return Child.start(command, args, options).output();
}
