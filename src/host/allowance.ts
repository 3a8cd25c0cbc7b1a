/** How often something dear may be done. */

/** Looks take at most this share of the time. */
const SHARE = 0.1;
const LEAST_BETWEEN_NS = 1e9;

/** Lets a look around happen at most once a second, and for at most 10 % of the time. */
export class Allowance {
  /** How many there were, and how long they took in all. */
  looks = 0;
  tookNs = 0;
  private nextNs = -Infinity;

  /** @returns false if it is too early; then nothing was done. */
  spend(nowNs: number, look: () => void): boolean {
    if (nowNs < this.nextNs) return false;
    const startMs = performance.now();
    look();
    const tookNs = (performance.now() - startMs) * 1e6;
    this.looks++;
    this.tookNs += tookNs;
    this.nextNs = nowNs + Math.max(LEAST_BETWEEN_NS, tookNs / SHARE);
    return true;
  }
}
