import {
  isFailure,
  lostSyn,
  OUTCOMES,
  type Handshake,
  type HandshakeCounts,
  type Outcome,
} from '../model/handshake.js';
import { LatencyHistogram } from '../model/histogram.js';
import type { PendingGauge } from './pending.js';
import { RecentLatency, type IntervalClock } from './recent.js';

export function finishedOf({ outcomes }: HandshakeCounts): number {
  return outcomes.reduce((sum, count) => sum + count, 0);
}

/** Counts of finished attempts, and how many hang now. */
export class HandshakeStats implements PendingGauge {
  finished = 0;
  failed = 0;
  /** Attempts that had to send their SYN again. */
  lostSyn = 0;
  pending = 0;
  /** SYN_SENT to ESTABLISHED of the attempts that succeeded. */
  readonly latency = new LatencyHistogram();
  /** Numbers by OUTCOMES: much smaller than a Map, and there may be a hundred thousand of them. */
  readonly #outcomes = OUTCOMES.map(() => 0);

  count(outcome: Outcome): number {
    return this.#outcomes[OUTCOMES.indexOf(outcome)] ?? 0;
  }

  get ok(): number {
    return this.count('ok');
  }

  /** Share of the finished attempts that lost a SYN, in percent; undefined before the first one. */
  get synLossPercent(): number | undefined {
    return this.finished === 0 ? undefined : (100 * this.lostSyn) / this.finished;
  }

  /** Every outcome that occurred among the finished attempts, in the fixed order of OUTCOMES. */
  outcomes(): [Outcome, number][] {
    return OUTCOMES.flatMap((outcome) => {
      const count = this.count(outcome);
      return count > 0 ? [[outcome, count] satisfies [Outcome, number]] : [];
    });
  }

  /** Counts a finished attempt; a pending one is none of its business (see PendingAttempts). */
  finish(attempt: Handshake): void {
    this.finished++;
    this.#addOutcome(attempt.outcome, 1);
    if (isFailure(attempt)) this.failed++;
    if (lostSyn(attempt)) this.lostSyn++;
    if (attempt.outcome === 'ok') this.latency.record(attempt.endNs - attempt.startNs);
  }

  /** Counts what was summed up elsewhere. */
  addCounts({ outcomes, lostSyn, latencies }: HandshakeCounts): void {
    for (const [at, outcome] of OUTCOMES.entries()) {
      const count = outcomes[at] ?? 0;
      if (outcome === 'pending' || count === 0) continue;
      this.finished += count;
      if (outcome !== 'ok') this.failed += count;
      this.#addOutcome(outcome, count);
    }
    this.lostSyn += lostSyn;
    this.latency.addBuckets(latencies);
  }

  /** Adds all that another one has counted. */
  merge(other: HandshakeStats): void {
    this.finished += other.finished;
    this.failed += other.failed;
    this.lostSyn += other.lostSyn;
    for (const [outcome, count] of other.outcomes()) this.#addOutcome(outcome, count);
    this.latency.merge(other.latency);
  }

  #addOutcome(outcome: Outcome, count: number): void {
    const at = OUTCOMES.indexOf(outcome);
    this.#outcomes[at] = (this.#outcomes[at] ?? 0) + count;
  }
}

/** The same for one group, with its recent past. */
export class HandshakeGroupStats extends HandshakeStats {
  readonly recent: RecentLatency;

  constructor(clock: IntervalClock) {
    super();
    this.recent = new RecentLatency(clock);
  }

  override finish(attempt: Handshake): void {
    super.finish(attempt);
    this.recent.record(attempt.outcome === 'ok' ? attempt.endNs - attempt.startNs : undefined);
  }
  override addCounts(counts: HandshakeCounts): void {
    super.addCounts(counts);
    this.recent.recordBuckets(finishedOf(counts), counts.latencies);
  }
  override merge(other: HandshakeGroupStats): void {
    super.merge(other);
    this.recent.merge(other.recent);
  }
}
