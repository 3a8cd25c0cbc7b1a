import type { NetworkSnapshot } from '../model/network.js';
import { monotonicNs } from '../session/clock.js';
import type { AgentLog } from './log.js';
import type { Output } from './output.js';

export interface PublisherOptions {
  intervalMs: number;
  snapshot: () => NetworkSnapshot;
  log: AgentLog;
  /** 0 to 1: where in the interval it publishes, so that not all hosts of a fleet do at once. Default: by chance. */
  phase?: number;
}

/** Publishes to one output once an interval. One that is slow is left to it: the next snapshot has what it missed. */
export class Publisher {
  /** CLOCK_MONOTONIC of the end of the last publication that went well, or of the start. */
  lastGoodNs = monotonicNs();
  private timer: NodeJS.Timeout | undefined;
  private underWay: Promise<void> | undefined;
  private dueMs: number;
  private intervalMs: number;

  constructor(
    readonly output: Output,
    private readonly options: PublisherOptions,
  ) {
    this.intervalMs = options.intervalMs;
    this.dueMs = performance.now() + (options.phase ?? Math.random()) * options.intervalMs;
    this.schedule();
  }

  /** Another interval, after the next publication. */
  every(intervalMs: number): void {
    this.intervalMs = intervalMs;
  }

  /** Publishes `last`, for what is under way has begun before it, and ends within `patienceMs`. */
  async end(last: NetworkSnapshot, patienceMs: number): Promise<void> {
    this.stopTimer();
    const publishLast = async (): Promise<void> => {
      await this.underWay;
      await this.publish(last);
    };
    await withinMs(patienceMs, publishLast());
    await this.close();
  }

  /** Ends without a last publication. */
  async close(): Promise<void> {
    this.stopTimer();
    await this.output.close();
  }

  private stopTimer(): void {
    clearTimeout(this.timer);
  }

  private schedule(): void {
    this.timer = setTimeout(
      () => {
        this.underWay ??= this.publish(this.options.snapshot()).finally(() => (this.underWay = undefined));
        // Late timers do not make it drift, and a host that has slept does not make up for what it missed.
        this.dueMs = Math.max(this.dueMs + this.intervalMs, performance.now());
        this.schedule();
      },
      Math.max(0, this.dueMs - performance.now()),
    );
  }

  private async publish(snapshot: NetworkSnapshot): Promise<void> {
    await this.output.publish(snapshot);
    const { lastError } = this.output.telemetry();
    if (lastError === undefined) this.lastGoodNs = monotonicNs();
    else this.options.log.complain(`${this.output.name}: ${lastError}`);
  }
}

/** Resolves when `work` has ended, or the time is over; work that fails has ended. */
async function withinMs(ms: number, work: Promise<void>): Promise<void> {
  const patience = new AbortController();
  const timeout = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    patience.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
  await Promise.race([work, timeout]);
  patience.abort();
}
