import { LatencyHistogram } from '../model/histogram.js';
import {
  isFailed,
  KINDS,
  stallNs,
  type Kind,
  type Retransmit,
  type SocketGrowth,
} from '../model/retransmit.js';
import { RecentCount, type IntervalClock } from './recent.js';

/** Counts of segments that were sent again, and what their sockets sent in all. */
export class RetransmitStats {
  /** Segments sent again. */
  segments = 0;
  /** Segments that could not leave this host. */
  failed = 0;
  /** Nanoseconds that flows stood still, each moment counted once a flow. */
  stallNs = 0;
  /** Segments that the sockets sent, the ones above included. */
  sent = 0;
  spurious = 0;
  undone = 0;
  /** Numbers by KINDS. */
  readonly #kinds = KINDS.map(() => 0);
  #stalls: LatencyHistogram | undefined;
  #tries: LatencyHistogram | undefined;

  count(kind: Kind): number {
    return this.#kinds[KINDS.indexOf(kind)] ?? 0;
  }

  /** Every kind that occurred, in the order of KINDS. */
  kinds(): [Kind, number][] {
    return KINDS.flatMap((kind) => {
      const count = this.count(kind);
      return count > 0 ? [[kind, count] satisfies [Kind, number]] : [];
    });
  }

  /** Retransmitted of all segments sent, in percent; undefined where the latter are not known. */
  get ratioPercent(): number | undefined {
    return this.sent === 0 ? undefined : Math.min(100, (100 * this.segments) / this.sent);
  }

  /** How long flows had stood still, at each time that a timer sent again. */
  get stalls(): LatencyHistogram {
    return (this.#stalls ??= new LatencyHistogram());
  }

  /** Which try each transmission was. */
  get tries(): LatencyHistogram {
    return (this.#tries ??= new LatencyHistogram());
  }

  /** Counts one; `addedStallNs` is what StallClock makes of it. */
  add(segment: Retransmit, addedStallNs: number): void {
    // What could not leave was no progress either.
    this.stallNs += addedStallNs;
    if (isFailed(segment)) {
      this.failed += segment.segments;
      return;
    }
    const at = KINDS.indexOf(segment.kind);
    this.#kinds[at] = (this.#kinds[at] ?? 0) + segment.segments;
    this.segments += segment.segments;
    this.tries.record(segment.tries);
    const stalled = stallNs(segment);
    if (stalled !== undefined) this.stalls.record(stalled);
  }

  /** Adds all that another one has counted. */
  merge(other: RetransmitStats): void {
    this.segments += other.segments;
    this.failed += other.failed;
    this.stallNs += other.stallNs;
    this.sent += other.sent;
    this.spurious += other.spurious;
    this.undone += other.undone;
    for (const [at, count] of other.#kinds.entries()) this.#kinds[at] = (this.#kinds[at] ?? 0) + count;
    if (other.#stalls) this.stalls.merge(other.#stalls);
    if (other.#tries) this.tries.merge(other.#tries);
  }

  addSocket({ segsOut, spurious, undone }: SocketGrowth): void {
    this.sent += segsOut;
    this.spurious += spurious;
    this.undone += undone;
  }
}

/** The same for one group, with its recent past. */
export class RetransmitGroupStats extends RetransmitStats {
  readonly recent: RecentCount;

  constructor(clock: IntervalClock) {
    super();
    this.recent = new RecentCount(clock);
  }

  override add(segment: Retransmit, addedStallNs: number): void {
    super.add(segment, addedStallNs);
    if (!isFailed(segment)) this.recent.record(segment.segments);
  }
  override merge(other: RetransmitGroupStats): void {
    super.merge(other);
    this.recent.merge(other.recent);
  }
}
