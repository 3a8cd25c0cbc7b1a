/** What was traced of handshakes, beside the kernel's counters, for aggregate to judge. */
import type { Handshake, Outcome, Tally } from '../events/shared.js';
import type { HandshakeAudit } from '../model/audit.js';
import { CounterWindow } from './counter-window.js';

/** Outcomes that go through tcp_done(), which counts AttemptFails; as in bpf/include/handshake.h. */
const COUNTED_FAILURES: ReadonlySet<Outcome> = new Set<Outcome>([
  'refused',
  'timeout',
  'unreachable',
  'reset',
]);

/** To make before attaching. */
export class HandshakeAuditor {
  private readonly window: CounterWindow;
  private readonly tallies = new Map<number, Tally>();
  private foundInFlight: ReadonlySet<number> = new Set();

  /** @param hostRoot where the root folder of the host is */
  constructor(hostRoot: string) {
    this.window = new CounterWindow(['snmp'], hostRoot);
  }

  /** To call when the programs are attached, with the attempts that were under way then. */
  attached(foundInFlight: readonly Handshake[]): void {
    this.window.opened();
    this.foundInFlight = new Set(foundInFlight.map(({ startNs }) => startNs));
  }

  /** True if counters of a namespace can only be read by entering it. */
  get entersNamespaces(): boolean {
    return this.window.entersNamespaces;
  }

  add(attempt: Handshake): void {
    if (attempt.syns === 0 || attempt.outcome === 'pending') return;
    this.addTally(attempt.netns, {
      opens: this.foundInFlight.has(attempt.startNs) ? 0 : 1,
      fails: COUNTED_FAILURES.has(attempt.outcome) ? 1 : 0,
    });
  }

  /** What was seen in one network namespace. */
  addTally(netns: number, { opens, fails }: Tally): void {
    let tally = this.tallies.get(netns);
    if (!tally) this.tallies.set(netns, (tally = { opens: 0, fails: 0 }));
    tally.opens += opens;
    tally.fails += fails;
  }

  /** To call when tracing ends. */
  detach(detach: () => void): void {
    this.window.close(detach);
  }

  /** Once all that was seen has been added. */
  facts({ opens, unseen }: { opens: number; unseen: number }): HandshakeAudit {
    let elsewhere = 0;
    let failsSeen = 0;
    for (const [netns, tally] of this.tallies) {
      const most = this.mostIn(netns);
      elsewhere += Math.max(0, tally.opens - most.opens);
      failsSeen += Math.min(tally.fails, most.fails);
    }
    return {
      activeOpens: this.window.growth((counter) => counter('TcpActiveOpens')),
      attemptFails: this.window.growth((counter) => counter('TcpAttemptFails')),
      opens: opens - elsewhere,
      fails: failsSeen,
      elsewhere,
      namespacesGone: this.window.namespacesGone,
      unseen,
    };
  }
  /** What of a tally can be that namespace's own: what is more was in others, which had its number before and have ended. */
  private mostIn(netns: number): Tally {
    if (!this.window.sees(netns)) return { opens: 0, fails: 0 };
    const most = (counter: string): number => this.window.ofYounger(netns, counter) ?? Infinity;
    return { opens: most('TcpActiveOpens'), fails: most('TcpAttemptFails') };
  }
}
