import type { Flow } from '../model/flow.js';
import { OUTCOMES, type Outcome } from '../model/handshake.js';
import { LatencyHistogram } from '../model/histogram.js';
import type { NetworkItem } from '../model/network.js';
import { KINDS, type Kind } from '../model/retransmit.js';
import type { Figure } from '../model/thresholds.js';
import type { Mergeable } from './health-window.js';
import { isWithoutRoom, NetworkStats, type NetworkClocks } from './network-stats.js';

export const SIDES = ['internal', 'external'] as const;
export type Side = (typeof SIDES)[number];

const NO_LATENCY = new LatencyHistogram();
/** Of the handshake: what a program sends comes after it. */
const OF_HANDSHAKE: readonly Kind[] = ['syn', 'synack'];

/** On which side the remote address is. */
export function sideOf(item: NetworkItem): Side | 'unknown' {
  if (isWithoutRoom(item)) return 'unknown';
  const { remotePlace }: Flow = item;
  return remotePlace?.external === true ? 'external' : 'internal';
}

/** What one group did: counts of both sides together, latencies apart. */
export class HealthSums implements Mergeable<NetworkItem> {
  /** A group seldom has more than one side. */
  readonly #sides = new Map<Side | 'unknown', NetworkStats>();

  constructor(private readonly clocks: NetworkClocks) {}

  add(item: NetworkItem): void {
    this.#side(sideOf(item)).add(item, this.clocks);
  }

  merge(other: HealthSums): void {
    for (const [side, stats] of other.#sides) this.#side(side).merge(stats);
  }

  #side(side: Side | 'unknown'): NetworkStats {
    let stats = this.#sides.get(side);
    if (!stats) {
      stats = new NetworkStats();
      this.#sides.set(side, stats);
    }
    return stats;
  }

  #total(of: (stats: NetworkStats) => number): number {
    let total = 0;
    for (const stats of this.#sides.values()) total += of(stats);
    return total;
  }

  /** Attempts that ended. */
  get attempts(): number {
    return this.#total(({ handshakes }) => handshakes.finished);
  }

  get ok(): number {
    return this.#total(({ handshakes }) => handshakes.ok);
  }

  get failed(): number {
    return this.#total(({ handshakes }) => handshakes.failed);
  }

  ended(outcome: Outcome): number {
    return this.#total(({ handshakes }) => handshakes.count(outcome));
  }

  /** Every way to fail that occurred, in the order of OUTCOMES. */
  failures(): [Outcome, number][] {
    return OUTCOMES.filter((outcome) => outcome !== 'ok' && outcome !== 'pending')
      .map((outcome): [Outcome, number] => [outcome, this.ended(outcome)])
      .filter(([, count]) => count > 0);
  }

  /** Attempts that had to send their SYN again. */
  get lostSyn(): number {
    return this.#total(({ handshakes }) => handshakes.lostSyn);
  }

  /** SYN_SENT to ESTABLISHED of those that are ok. */
  latency(side: Side): LatencyHistogram {
    return this.#sides.get(side)?.handshakes.latency ?? NO_LATENCY;
  }

  /** Segments sent, those sent again and bare ACKs included. */
  get sent(): number {
    return this.#total(({ retransmits }) => retransmits.sent);
  }

  resentAs(kind: Kind): number {
    return this.#total(({ retransmits }) => retransmits.count(kind));
  }

  /** Segments sent again, but for SYNs and SYN-ACKs: these are the business of handshakes. */
  get resent(): number {
    return this.#total(
      ({ retransmits }) =>
        retransmits.segments - OF_HANDSHAKE.reduce((sum, kind) => sum + retransmits.count(kind), 0),
    );
  }

  /** Every kind that occurred, in the order of KINDS. */
  kinds(): [Kind, number][] {
    return KINDS.map((kind): [Kind, number] => [kind, this.resentAs(kind)]).filter(([, count]) => count > 0);
  }

  /** Of those sent again, segments that the other end had got the first time. */
  get spurious(): number {
    return this.#total(({ retransmits }) => retransmits.spurious);
  }

  get stallNs(): number {
    return this.#total(({ retransmits }) => retransmits.stallNs);
  }

  get acceptOverflows(): number {
    return this.#total(({ acceptOverflows }) => acceptOverflows);
  }
}

const share = (part: number, whole: number): number | undefined =>
  whole === 0 ? undefined : Math.min(1, part / whole);

/** All that a threshold can be set for. */
export function figuresOf(sums: HealthSums, seconds: number): Figure[] {
  const { attempts, sent } = sums;
  const quantile = (side: Side, percent: 50 | 95 | 99): Figure => {
    const latency = sums.latency(side);
    return { name: `p${percent}-${side}`, value: latency.quantile(percent / 100), samples: latency.count };
  };
  return [
    { name: 'syn-loss', value: share(sums.lostSyn, attempts), samples: attempts },
    { name: 'failures', value: share(sums.failed, attempts), samples: attempts },
    ...SIDES.flatMap((side) => [quantile(side, 50), quantile(side, 95), quantile(side, 99)]),
    { name: 'retransmits', value: share(sums.resent, sent), samples: sent },
    { name: 'stall', value: seconds > 0 ? sums.stallNs / seconds : undefined, samples: undefined },
    { name: 'accept-overflows', value: sums.acceptOverflows, samples: undefined },
  ];
}
