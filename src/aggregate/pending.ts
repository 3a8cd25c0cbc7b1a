import type { Handshake, PendingEnd } from '../model/handshake.js';

const DEFAULT_LIMIT = 65_536;

/** What counts attempts that still hang. */
export interface PendingGauge {
  pending: number;
}

function identity(attempt: Handshake | PendingEnd): string {
  const { startNs, localAddress, localPort, remoteAddress, remotePort } = attempt;
  return `${startNs} ${localAddress} ${localPort} ${remoteAddress} ${remotePort}`;
}

/**
 * Which attempts hang now, and where each is counted. The gauge is remembered, because the final event may belong to
 * another group than the pending one (`--by result`). Beyond the limit the oldest entry leaves: its end was most likely lost.
 */
export class PendingAttempts {
  readonly #open = new Map<string, PendingGauge>();
  readonly #limit: number;

  constructor(limit = DEFAULT_LIMIT) {
    this.#limit = limit;
  }

  /** Opens the attempt of a pending event in `gauge`, closes that of a final event. */
  track(attempt: Handshake, gauge: PendingGauge): void {
    if (attempt.outcome !== 'pending') {
      if (this.#open.size > 0) this.#close(identity(attempt));
      return;
    }
    const id = identity(attempt);
    if (this.#open.has(id)) return;
    this.#open.set(id, gauge);
    gauge.pending++;
    if (this.#open.size <= this.#limit) return;
    const [oldest] = this.#open.keys();
    if (oldest !== undefined) this.#close(oldest);
  }

  /** Closes one whose final event nobody sees. */
  end(attempt: PendingEnd): void {
    this.#close(identity(attempt));
  }

  #close(id: string): void {
    const gauge = this.#open.get(id);
    if (!gauge) return;
    gauge.pending--;
    this.#open.delete(id);
  }
}
