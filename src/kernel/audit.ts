/** Readings of the kernel's TCP counters around a traced time, for aggregate to judge. */
import type { AuditFacts, CounterGrowth } from '../model/audit.js';
import type { Handshake, Outcome } from '../events/connlat.js';
import { readTcpCounters, type TcpCounters } from './namespaces.js';

type Readings = ReadonlyMap<number, TcpCounters>;

/** What was seen in one network namespace. */
interface Tally {
  opens: number;
  fails: number;
}

/** Outcomes that go through tcp_done(), which counts AttemptFails. */
export const COUNTED_FAILURES: ReadonlySet<Outcome> = new Set<Outcome>([
  'refused',
  'timeout',
  'unreachable',
  'reset',
]);

/**
 * The counters cannot be read at the very moment of attaching, so they are read on both sides of it: what was traced
 * must lie between the growth inside the traced time and the growth around it.
 */
export class KernelAudit {
  private readonly before: Readings = readTcpCounters();
  private after: Readings = this.before;
  private readonly tallies = new Map<number, Tally>();
  private foundInFlight: ReadonlySet<number> = new Set();

  /** To call when the programs are attached, with the attempts that were under way then. */
  attached(foundInFlight: readonly Handshake[]): void {
    this.after = readTcpCounters();
    this.foundInFlight = new Set(foundInFlight.map(({ startNs }) => startNs));
  }

  add(attempt: Handshake): void {
    if (attempt.syns === 0 || attempt.outcome === 'pending') return;
    let tally = this.tallies.get(attempt.netns);
    if (!tally) this.tallies.set(attempt.netns, (tally = { opens: 0, fails: 0 }));
    if (!this.foundInFlight.has(attempt.startNs)) tally.opens++;
    if (COUNTED_FAILURES.has(attempt.outcome)) tally.fails++;
  }

  /**
   * To call when tracing ends: `detach` is called between two readings.
   * @returns what still has to be completed by `facts`, once all events are drained.
   */
  detach(detach: () => void): (seen: { opens: number; fails?: number; unseen: number }) => AuditFacts {
    const endBefore = readTcpCounters();
    detach();
    const endAfter = readTcpCounters();
    return ({ opens, fails, unseen }) => {
      let elsewhere = 0;
      let failsSeen = 0;
      for (const [netns, tally] of this.tallies) {
        if (endAfter.has(netns)) failsSeen += tally.fails;
        else elsewhere += tally.opens;
      }
      return {
        activeOpens: this.growth(endBefore, endAfter, ({ activeOpens }) => activeOpens),
        attemptFails: this.growth(endBefore, endAfter, ({ attemptFails }) => attemptFails),
        opens: opens - elsewhere,
        fails: fails ?? failsSeen,
        elsewhere,
        namespacesGone: [...this.before.keys()].filter((netns) => !endAfter.has(netns)).length,
        unseen,
      };
    };
  }

  /** Over the namespaces that are still there; one that is new began at 0. */
  private growth(
    endBefore: Readings,
    endAfter: Readings,
    of: (counters: TcpCounters) => number,
  ): CounterGrowth {
    let atLeast = 0;
    let atMost = 0;
    for (const [netns, last] of endAfter) {
      const at = (readings: Readings): number =>
        of(readings.get(netns) ?? { activeOpens: 0, attemptFails: 0 });
      // Counters only grow: one that fell is another namespace's, which got the inode number of one that ended.
      const since = (first: number, then: number): number => (then < first ? then : then - first);
      atLeast += since(at(this.after), at(endBefore));
      atMost += since(at(this.before), of(last));
    }
    return { atLeast, atMost };
  }
}
