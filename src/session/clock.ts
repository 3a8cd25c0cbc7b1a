import { setImmediate as served } from 'node:timers/promises';
import { clockOffsetNs, monotonicNs, SYSTEM_CLOCK } from '../record/clock.js';
import type { StopSignal } from './stop-signal.js';

/** The time of what is shown: now, or the recorded time that a replay has come to. */
export interface Clock {
  /** CLOCK_MONOTONIC of the traced host, ns. */
  nowNs(): number;
  /** Add to nowNs() to get Unix time, ns. Asked anew for each batch, because the wall clock is set and the host sleeps. */
  unixOffsetNs(): number;
  /** Waits so long by this clock, or until it is time to stop. */
  sleep(ns: number, stop: StopSignal): Promise<void>;
}

export { monotonicNs };

/** The time of this host. */
export function liveClock(): Clock {
  return {
    nowNs: monotonicNs,
    unixOffsetNs: () => clockOffsetNs(SYSTEM_CLOCK.read()),
    sleep: (ns, stop) => stop.sleep(ns / 1e6),
  };
}

export interface ReplayOptions {
  /** Recorded CLOCK_MONOTONIC at which the replay begins. */
  startNs: number;
  /** 'full': time passes only by sleeping, which takes none; a number: so many recorded seconds a second. */
  speed: 'full' | number;
  /** What was Unix time minus CLOCK_MONOTONIC at the recorded time that the replay has come to. */
  unixOffsetNs: () => number;
}

/** The time of a recording; at a speed that is a number it begins to pass at once. */
export function replayClock({ startNs, speed, unixOffsetNs }: ReplayOptions): Clock {
  if (speed === 'full') {
    let recordedNs = startNs;
    return {
      nowNs: () => recordedNs,
      unixOffsetNs,
      async sleep(ns) {
        recordedNs += Math.ceil(ns);
        // Signals, keys and writes have their turn.
        await served();
      },
    };
  }
  const beganNs = monotonicNs();
  return {
    nowNs: () => Math.round(startNs + (monotonicNs() - beganNs) * speed),
    unixOffsetNs,
    sleep: (ns, stop) => stop.sleep(ns / 1e6 / speed),
  };
}
