/** How long nothing is tried after failures. */

/** Where time and chance come from, for tests. */
export interface Surroundings {
  /** Milliseconds of a clock that is never set. */
  readonly now: () => number;
  /** From 0 up to 1. */
  readonly random: () => number;
}

export const REAL_SURROUNDINGS: Surroundings = {
  now: () => performance.now(),
  random: () => Math.random(),
};

const FIRST_MS = 5_000;
const MOST_MS = 60_000;
/** A receiver that asks for more is asked again all the same. */
const MOST_ASKED_MS = 3_600_000;

/**
 * Twice as long after each failure, up to a minute, of which a random part of a half is left out: a fleet must not come all at once to a
 * receiver that is back.
 */
export class BackOff {
  #failures = 0;
  #until = -Infinity;

  constructor(private readonly surroundings: Surroundings) {}

  /** True as long as nothing may be tried. */
  get waits(): boolean {
    return this.surroundings.now() < this.#until;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#until = -Infinity;
  }

  /** @param askedMs what the receiver asked for */
  failed(askedMs = 0): void {
    const waitMs = Math.min(MOST_MS, FIRST_MS * 2 ** this.#failures++);
    const { now, random } = this.surroundings;
    const chance = random();
    const own = waitMs * (0.5 + chance / 2);
    const asked = Math.min(askedMs, MOST_ASKED_MS) + FIRST_MS * chance;
    this.#until = now() + (askedMs > 0 ? Math.max(own, asked) : own);
  }
}
