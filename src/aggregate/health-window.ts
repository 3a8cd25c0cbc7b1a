/** What happened in the last minute or so, in a few parts that leave one by one. */

/** What a window is made of. */
export interface Mergeable<Item> {
  add(item: Item): void;
  merge(other: this): void;
}

/** Parts of a window: what is older than it leaves a twelfth of it at a time. */
const PARTS = 12;

/** Numbers the parts for all windows of a report. */
export class WindowClock {
  /** Number of the part that is being filled. */
  part = 0;
  #startNs: number | undefined;
  readonly #partNs: number;

  /** @param lengthNs of the window; Infinity: nothing ever leaves */
  constructor(lengthNs: number) {
    this.#partNs = lengthNs / PARTS;
  }

  tick(nowNs: number): void {
    this.#startNs ??= nowNs;
    this.part = Math.floor((nowNs - this.#startNs) / this.#partNs);
  }

  /** The oldest part that has not left: there are as many full ones as make the window, and the one that is being filled. */
  get oldest(): number {
    return Math.max(0, this.part - PARTS);
  }

  /** How far back the parts reach. */
  coveredNs(nowNs: number): number {
    const { oldest } = this;
    // Infinity times 0 is no number.
    const startNs = (this.#startNs ?? nowNs) + (oldest === 0 ? 0 : oldest * this.#partNs);
    return Math.max(0, nowNs - startNs);
  }
}

interface Part<Sum> {
  number: number;
  sum: Sum;
}

/** One group's sums of the parts of the window; parts without anything are not kept. */
export class SlidingWindow<Item, Sum extends Mergeable<Item>> {
  #parts: Part<Sum>[] = [];
  /** Of all parts but the one that is being filled, from `oldest` on. */
  #closed: { oldest: number; part: number; sum: Sum } | undefined;

  constructor(
    private readonly clock: WindowClock,
    private readonly newSum: () => Sum,
  ) {}

  add(item: Item): void {
    this.#at(this.clock.part).add(item);
  }

  /** Adds what another window holds, each part to the same one. */
  merge(other: SlidingWindow<Item, Sum>): void {
    other.#expire();
    for (const { number, sum } of other.#parts) this.#at(number).merge(sum);
    this.#closed = undefined;
  }

  get isEmpty(): boolean {
    this.#expire();
    return this.#parts.length === 0;
  }

  /** All that is in the window. */
  sum(): Sum {
    this.#expire();
    const sum = this.newSum();
    sum.merge(this.#sumOfClosed());
    const last = this.#parts.at(-1);
    if (last?.number === this.clock.part) sum.merge(last.sum);
    return sum;
  }

  #sumOfClosed(): Sum {
    const { oldest, part } = this.clock;
    if (this.#closed?.oldest === oldest && this.#closed.part === part) return this.#closed.sum;
    const sum = this.newSum();
    for (const each of this.#parts) if (each.number < part) sum.merge(each.sum);
    this.#closed = { oldest, part, sum };
    return sum;
  }

  #at(number: number): Sum {
    const known = this.#parts.find((part) => part.number === number);
    if (known) return known.sum;
    const sum = this.newSum();
    this.#parts.push({ number, sum });
    this.#parts.sort((a, b) => a.number - b.number);
    return sum;
  }

  #expire(): void {
    while ((this.#parts[0]?.number ?? Infinity) < this.clock.oldest) this.#parts.shift();
  }
}
