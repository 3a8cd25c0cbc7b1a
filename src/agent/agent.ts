/** The loop of the agent: it drains, and everything else goes on beside it. */
import { EXIT, Failure } from '../model/failure.js';
import type { Source } from '../model/source.js';
import { sanitize } from '../model/units.js';
import { monotonicNs } from '../session/clock.js';
import { StopSignal } from '../session/stop-signal.js';
import type { HangUps } from './hang-ups.js';
import type { AgentLog } from './log.js';
import type { Measurement } from './measurement.js';

export interface AgentRun {
  readonly measurement: Measurement;
  readonly source: Pick<Source<never>, 'stop'>;
  readonly log: AgentLog;
  readonly hangUps: HangUps;
  /** Of publishing; it may change with the configuration. */
  intervalNs(): number;
  /** Told once signals are listened to. */
  began(): void;
  /** SIGHUP: reads the configuration again. It never rejects. */
  reload(): Promise<void>;
  /** Publishes what is new a last time. */
  end(): Promise<void>;
}

/** Intervals for which the source may fail before the agent gives up, for whoever watches over it to start it anew. */
const PATIENCE = 3;

/** Runs until SIGTERM or SIGINT. @throws {Failure} if the source fails for long. */
export async function runAgent(run: AgentRun): Promise<void> {
  const stop = new StopSignal(['SIGINT', 'SIGTERM']);
  let reloading = Promise.resolve();
  try {
    run.began();
    run.hangUps.answerBy(() => {
      reloading = reloading.then(() => run.reload());
    });
    let intervalEndNs = monotonicNs() + run.intervalNs();
    while (!stop.stopped) {
      look(run);
      if (monotonicNs() >= intervalEndNs) {
        run.measurement.endInterval();
        intervalEndNs = monotonicNs() + run.intervalNs();
      }
      await stop.sleep(run.measurement.restNs / 1e6);
    }
    run.source.stop();
    look(run);
    await reloading;
    await run.end();
  } finally {
    stop.release();
  }
}

function look(run: AgentRun): void {
  const { measurement, log } = run;
  try {
    measurement.drain();
  } catch (error) {
    const why = sanitize(error instanceof Error ? error.message : String(error));
    log.complain(`what the kernel has counted cannot be read: ${why}`);
    if (monotonicNs() - measurement.lastDrainNs < PATIENCE * run.intervalNs()) return;
    throw new Failure(
      EXIT.failure,
      'What the kernel has counted cannot be read any more.',
      why,
      'Start the agent anew; if that happens again, see what tcpscope doctor says.',
    );
  }
}
