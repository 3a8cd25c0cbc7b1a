/** Where measurements go. */
import type { NetworkSnapshot } from '../model/network.js';

export type OutputName = 'prometheus' | 'otlp' | 'dogstatsd';

export interface Output {
  readonly name: OutputName;
  /** This was sent by another: only what comes after it is to be. To be called before the first publication, if at all. */
  begin(since: NetworkSnapshot): void;
  /**
   * Takes what has been measured so far. It never rejects: what fails is counted, told by `telemetry`, and made up for later where the
   * protocol allows. Called at most once at a time.
   */
  publish(snapshot: NetworkSnapshot): Promise<void>;
  telemetry(): OutputTelemetry;
  /** Ends what is under way, in bounded time. */
  close(): Promise<void>;
}

/** Counts since the start. */
export interface OutputTelemetry {
  /** Requests that were answered well, or packets that the kernel took. */
  readonly sent: number;
  /** Requests that failed: their content comes with a later one. */
  readonly failed: number;
  /** Points that never arrive. */
  readonly dropped: number;
  readonly bytes: number;
  /** Why the last one failed, one line; undefined after one that did not. */
  readonly lastError: string | undefined;
}
