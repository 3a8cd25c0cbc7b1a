/** The run loop: source -> reducers and view -> text. The only file with timers, signals and stdout. */
import type { Reducer } from './aggregate/reducer.js';
import { EXIT, Failure } from './model/failure.js';
import type { Source } from './model/source.js';
import type { Display, View } from './view/view.js';

export interface SessionOptions<Item> {
  source: Source<Item>;
  /** Fed with every item before the view is asked for text. */
  reducers: readonly Reducer<Item>[];
  view: View<Item>;
  /** Told on stderr once signals are listened to: from then on whoever waits may stop it. */
  status: string;
  /** Kept at the terminal's size. */
  display: Display;
  /** Called before each frame, to fetch what was summed up elsewhere. */
  refresh?: () => void;
  intervalMs: number;
  durationMs: number | undefined;
  /** Ends after this many items for which `counts` is true. */
  count: number | undefined;
  counts: (item: Item) => boolean;
}

/** How a session ended. */
export interface SessionEnd {
  elapsedNs: number;
  /** False if whoever read our output has gone: then nobody waits for a summary. */
  outputOpen: boolean;
}

/** Between two looks at the source: short while events pour in, longer when few or none come. */
const POLL_MS = { flood: 10, busy: 50, idle: 100 };
/** Items in one look that make a flood: 4,000 a second. */
const FLOOD_ITEMS = 200;
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export const monotonicNs = (): number => Number(process.hrtime.bigint());
/** Unix time minus CLOCK_MONOTONIC; asked anew for each batch, because the wall clock is set and the host sleeps. */
const clockOffsetNs = (): number => Date.now() * 1e6 - monotonicNs();

/** Runs until a signal, the duration, the count or a closed output ends it; then drains what is left. */
export async function runSession<Item>(options: SessionOptions<Item>): Promise<SessionEnd> {
  const { source, view, reducers } = options;
  const startedNs = monotonicNs();
  const stop = new StopSignal();
  const output = new Output(options.display, stop);
  let counted = 0;

  const take = (): number => {
    const items = source.drain(monotonicNs());
    const wanted = upTo(items, (options.count ?? Infinity) - counted, options.counts);
    for (const item of wanted) {
      for (const reducer of reducers) reducer.add(item);
      if (options.counts(item)) counted++;
    }
    output.append(view.items(wanted, clockOffsetNs()));
    if (counted >= (options.count ?? Infinity)) stop.now();
    return items.length;
  };
  const frame = (nowNs: number): void => {
    options.refresh?.();
    output.frame(view.frame(nowNs, clockOffsetNs()));
  };
  const end = (nowNs: number): void => {
    options.refresh?.();
    output.frame(view.end ? view.end(nowNs, clockOffsetNs()) : view.frame(nowNs, clockOffsetNs()));
  };

  try {
    const endNs = options.durationMs === undefined ? Infinity : startedNs + options.durationMs * 1e6;
    let nextTickNs = startedNs + options.intervalMs * 1e6;
    let pollMs: number;
    for (const reducer of reducers) reducer.tick(startedNs);
    process.stderr.write(`${options.status}\n`);
    output.append(view.begin());
    while (!stop.stopped) {
      pollMs = pollAfter(take());
      const nowNs = monotonicNs();
      if (nowNs >= endNs) break;
      if (nowNs >= nextTickNs) {
        for (const reducer of reducers) reducer.tick(nowNs);
        frame(nowNs);
        nextTickNs = Math.max(nextTickNs + options.intervalMs * 1e6, nowNs);
      }
      await output.ready();
      await stop.sleep(Math.min(pollMs, Math.max(0, Math.min(nextTickNs, endNs) - nowNs) / 1e6));
    }
    source.stop();
    take();
    // The interval that has just begun is too short for a rate: the last frame shows the one before it.
    end(monotonicNs());
  } finally {
    stop.release();
    output.close();
  }
  output.requireWritten();
  return { elapsedNs: monotonicNs() - startedNs, outputOpen: output.open };
}

function pollAfter(items: number): number {
  if (items >= FLOOD_ITEMS) return POLL_MS.flood;
  return items > 0 ? POLL_MS.busy : POLL_MS.idle;
}

/** The items up to and including the one that is the `limit`-th to count. */
function upTo<Item>(items: Item[], limit: number, counts: (item: Item) => boolean): Item[] {
  if (items.length <= limit) return items;
  let left = limit;
  const end = items.findIndex((item) => counts(item) && --left < 0);
  return end < 0 ? items : items.slice(0, end);
}

/** Waiting that a signal, or the end of the output, cuts short. A second signal kills. */
class StopSignal {
  stopped = false;
  private wake: (() => void) | undefined;
  private readonly onSignal = (signal: NodeJS.Signals): void => {
    if (!this.stopped) {
      // The terminal has written ^C where the next line begins.
      if (signal === 'SIGINT' && process.stderr.isTTY) process.stderr.write('\r\u001b[K');
      this.now();
      return;
    }
    this.release();
    process.kill(process.pid, signal);
  };

  constructor() {
    for (const signal of STOP_SIGNALS) process.on(signal, this.onSignal);
  }

  now(): void {
    this.stopped = true;
    this.wake?.();
  }

  sleep(ms: number): Promise<void> {
    return this.wait((resume) => {
      const timer = setTimeout(resume, ms);
      return () => {
        clearTimeout(timer);
      };
    });
  }

  /** Waits until `start` calls back, or until it is time to stop; then it calls what `start` returned, to undo it. */
  async wait(start: (resume: () => void) => () => void): Promise<void> {
    if (this.stopped) return;
    await new Promise<void>((resolve) => {
      const undo = start(resolve);
      this.wake = () => {
        undo();
        resolve();
      };
    });
    this.wake = undefined;
  }

  release(): void {
    for (const signal of STOP_SIGNALS) process.off(signal, this.onSignal);
  }
}

/** stdout: rows one after the other; frames over each other on a terminal, below each other on a pipe. */
class Output {
  open = true;
  private error: Error | undefined;
  private frameLines = 0;
  private readonly stdout = process.stdout;
  private readonly onError = (error: NodeJS.ErrnoException): void => {
    this.open = false;
    this.stop.now();
    if (error.code !== 'EPIPE') this.error = error;
  };
  private readonly onResize = (): void => {
    this.display.width = this.stdout.columns;
    this.display.height = this.stdout.rows;
  };

  constructor(
    private readonly display: Display,
    private readonly stop: StopSignal,
  ) {
    // oclif's own listener throws whatever is not EPIPE.
    this.stdout.removeAllListeners('error').on('error', this.onError);
    if (this.stdout.isTTY) {
      this.onResize();
      this.stdout.on('resize', this.onResize);
    }
  }

  append(text: string): void {
    if (text !== '' && this.open) this.stdout.write(text);
  }

  frame(text: string | undefined): void {
    if (text === undefined) return;
    this.append(this.stdout.isTTY && !this.display.plain ? this.redrawn(text) : text);
  }

  /** One write a frame: up to where the last one began, each line over the old one, and nothing of it below. */
  private redrawn(text: string): string {
    const lines = text.replace(/\n$/, '').split('\n');
    const up = this.frameLines > 0 ? `\u001b[${this.frameLines}A` : '';
    this.frameLines = lines.length;
    return `${up}\r${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`;
  }

  /** Until the reader has taken what was written; meanwhile events wait in the kernel, where their loss is counted. */
  async ready(): Promise<void> {
    if (!this.open || !this.stdout.writableNeedDrain) return;
    await this.stop.wait((resume) => {
      this.stdout.once('drain', resume);
      return () => this.stdout.off('drain', resume);
    });
  }

  /** @throws {Failure} if writing failed; a reader that has gone is no failure. */
  requireWritten(): void {
    if (!this.error) return;
    throw new Failure(
      EXIT.failure,
      'The output cannot be written.',
      this.error.message,
      'Free some space or write elsewhere.',
    );
  }

  close(): void {
    this.stdout.off('resize', this.onResize);
  }
}
