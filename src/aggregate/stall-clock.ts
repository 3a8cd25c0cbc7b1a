import { stallNs, type Retransmit } from '../model/retransmit.js';

const DEFAULT_LIMIT = 65_536;

/**
 * How long flows stood still, for sums. A timer that fires again while nothing moves tells of a stall that includes the ones
 * before, so only what has been added since counts. Beyond the limit the flow that was longest quiet is forgotten.
 */
export class StallClock {
  /** When the last stall of each socket had been counted up to. */
  readonly #countedNs = new Map<number, number>();
  readonly #limit: number;
  #beganNs = 0;

  constructor(limit = DEFAULT_LIMIT) {
    this.#limit = limit;
  }

  /** How long flows had stood still before counts for nothing: figures of a minute cannot have hours. */
  begin(nowNs: number): void {
    this.#beganNs = nowNs;
  }

  /** Nanoseconds that this event adds. */
  added(segment: Retransmit): number {
    const stalled = stallNs(segment);
    if (stalled === undefined) return 0;
    // All SYN-ACKs of a listener have its socket: they stand still one by one.
    const flow = segment.kind === 'synack' ? segment.sequence + segment.remotePort * 2 ** 32 : segment.socket;
    const from = Math.max(segment.timeNs - stalled, this.#countedNs.get(flow) ?? this.#beganNs);
    this.#countedNs.delete(flow);
    this.#countedNs.set(flow, segment.timeNs);
    if (this.#countedNs.size > this.#limit) {
      const [oldest] = this.#countedNs.keys();
      if (oldest !== undefined) this.#countedNs.delete(oldest);
    }
    return Math.max(0, segment.timeNs - from);
  }
}
