const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Waiting that a signal, or the end of the output, cuts short. A second signal kills. */
export class StopSignal {
  stopped = false;
  /** `performance.now()` of the first signal; Infinity: none has come. */
  signalledMs = Infinity;
  /** Called before a second signal kills. */
  beforeDeath: () => void = () => undefined;
  private wake: (() => void) | undefined;
  private readonly onSignal = (signal: NodeJS.Signals): void => {
    if (this.signalledMs === Infinity) {
      this.signalledMs = performance.now();
      // The terminal has written ^C where the next line begins.
      if (signal === 'SIGINT' && process.stderr.isTTY) process.stderr.write('\r\u001b[K');
      this.now();
      return;
    }
    this.beforeDeath();
    this.release();
    process.kill(process.pid, signal);
  };

  constructor(private readonly signals: readonly NodeJS.Signals[] = STOP_SIGNALS) {
    for (const signal of signals) process.on(signal, this.onSignal);
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
    for (const signal of this.signals) process.off(signal, this.onSignal);
  }
}
