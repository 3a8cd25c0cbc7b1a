/** What was traced of retransmissions, beside the kernel's counters, for aggregate to judge. */
import type { RetransmitAudit } from '../model/audit.js';
import { isFailed, type Retransmit } from '../model/retransmit.js';
import { CounterWindow } from './counter-window.js';

/** To make before attaching. */
export class RetransmitAuditor {
  private readonly window: CounterWindow;
  /** Segments seen by network namespace. */
  private readonly seen = new Map<number, number>();

  /** @param hostRoot where the root folder of the host is */
  constructor(hostRoot: string) {
    this.window = new CounterWindow(['snmp', 'netstat'], hostRoot);
  }

  /** To call when the programs are attached. */
  attached(): void {
    this.window.opened();
  }

  /** True if counters of a namespace can only be read by entering it. */
  get entersNamespaces(): boolean {
    return this.window.entersNamespaces;
  }

  add(segment: Retransmit): void {
    if (isFailed(segment)) return;
    this.seen.set(segment.netns, (this.seen.get(segment.netns) ?? 0) + segment.segments);
  }

  /** To call when tracing ends. */
  detach(detach: () => void): void {
    this.window.close(detach);
  }

  /** Once all events are drained; `segments` are those that the kernel side counted. */
  facts({ segments, unseen }: { segments: number; unseen: number }): RetransmitAudit {
    let elsewhere = 0;
    for (const [netns, seen] of this.seen) if (!this.window.sees(netns)) elsewhere += seen;
    return {
      // __tcp_retransmit_skb() counts RetransSegs before it knows whether the segment can leave.
      retransSegs: this.window.growth(
        (counter) => counter('TcpRetransSegs') - counter('TcpExtTCPRetransFail'),
      ),
      failed: this.window.growth((counter) => counter('TcpExtTCPRetransFail')).atMost,
      segments: segments - elsewhere,
      elsewhere,
      namespacesGone: this.window.namespacesGone,
      unseen,
    };
  }
}
