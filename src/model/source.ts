import type { KernelCost } from './self-cost.js';

/**
 * Where items come from, live or recorded: everything behind it cannot tell which.
 * The session polls it; a source has no timer of its own.
 */
export interface Source<Item> {
  /** What has come since the last call, oldest first. `nowNs` is CLOCK_MONOTONIC. */
  drain(nowNs: number): Item[];
  /**
   * So many ns may pass until the next call of `drain`, which has all that happened; what is shown wants one before. Absent where the
   * sooner is the better.
   */
  readonly restNs?: number | undefined;
  /** True: nothing will come any more, as at the end of a recording. Absent where there is always more to come. */
  readonly ended?: boolean;
  /** True: what has not been drained is kept however long that takes, as in a recording; absent: some of it may get lost. */
  readonly keeps?: boolean;
  /** Stops tracing; what had come before it can still be drained. */
  stop(): void;
  /** What the source knows about its own losses; after `stop` and the last `drain`. */
  losses(): Losses;
  /** What its programs in the kernel have cost so far; absent, or undefined, where nothing measures it. */
  kernelCost?(): KernelCost | undefined;
  /** Releases everything; may be called twice. */
  close(): void;
}

/** What a run did not see, counted; all 0 on a good run. */
export interface Losses {
  /** Events for which the buffer to user space had no room. */
  lost: number;
  /** Attempts that the full in-flight map could not take: their outcome is unknown. */
  untracked: number;
  /** Times that the kernel did not run the program because it was already running on that CPU. */
  missed: number;
  /** Events not shown, because a filter asks for an owner and theirs is not known; absent where that cannot happen. */
  unowned?: number;
  /** Sockets whose segments are not in SENT, because too many are open; absent where nothing is summed up by socket. */
  uncounted?: number;
}
