const SHORTEST_NS = 1e9;

/** What can be added to another of its kind. */
export interface Mergeable<Self> {
  merge(other: Self): void;
}

/**
 * What happened in each stretch of time since the start, blocks of 1 s at first. When there would be more than `limit` of them they
 * become twice as long. Blocks in which nothing happened take no memory.
 */
export class Blocks<Block extends Mergeable<Block>> {
  #lengthNs = SHORTEST_NS;
  #blocks: Map<number, Block> | undefined;
  readonly #startNs: number;
  readonly #limit: number;
  readonly #create: () => Block;

  constructor(startNs: number, limit: number, create: () => Block) {
    this.#startNs = startNs;
    this.#limit = limit;
    this.#create = create;
  }

  get lengthNs(): number {
    return this.#lengthNs;
  }

  /** The block of a moment; what was before the start is in the first one. */
  at(timeNs: number): Block {
    const elapsed = Math.max(0, timeNs - this.#startNs);
    while (elapsed >= this.#lengthNs * this.#limit) this.#lengthen(2 * this.#lengthNs);
    return this.#block(Math.floor(elapsed / this.#lengthNs));
  }

  /** Blocks in which something happened. */
  all(): Block[] {
    return this.#blocks ? [...this.#blocks.values()] : [];
  }

  /**
   * One block for each of the first `count` stretches of a length, undefined where nothing happened. The length has to be 1 s
   * doubled some times; undefined as a whole if the blocks are longer than it.
   */
  series(lengthNs: number, count: number): (Block | undefined)[] | undefined {
    if (lengthNs < this.#lengthNs) return undefined;
    const series = new Array<Block | undefined>(count).fill(undefined);
    for (const [index, block] of this.#blocks ?? []) {
      const at = Math.floor((index * this.#lengthNs) / lengthNs);
      if (at < count) (series[at] ??= this.#create()).merge(block);
    }
    return series;
  }

  #block(index: number): Block {
    const blocks = (this.#blocks ??= new Map<number, Block>());
    const known = blocks.get(index);
    if (known) return known;
    const block = this.#create();
    blocks.set(index, block);
    return block;
  }

  #lengthen(lengthNs: number): void {
    const shorter = this.#blocks ?? new Map<number, Block>();
    const factor = lengthNs / this.#lengthNs;
    this.#blocks = undefined;
    this.#lengthNs = lengthNs;
    for (const [index, block] of shorter) this.#block(Math.floor(index / factor)).merge(block);
  }
}
