/** Longest-prefix match over networks of both families. */
import { maskOf, type Prefix, type Words } from './address.js';

export interface Entry<Value> {
  readonly prefix: Prefix;
  readonly value: Value;
}

/**
 * What the longest of the given prefixes that holds an address stands for. Of two entries with the same prefix the later counts.
 * It does not change once made.
 */
export class PrefixTable<Value> {
  private readonly ipv4: FamilyTable<Value>;
  private readonly ipv6: FamilyTable<Value>;

  constructor(entries: readonly Entry<Value>[]) {
    this.ipv4 = new FamilyTable(
      1,
      entries.filter(({ prefix }) => prefix.words.length === 1),
    );
    this.ipv6 = new FamilyTable(
      4,
      entries.filter(({ prefix }) => prefix.words.length === 4),
    );
  }

  find(address: Words): Value | undefined {
    return this.of(address).find(address);
  }

  /** Also which prefix it was. */
  match(address: Words): Entry<Value> | undefined {
    return this.of(address).match(address);
  }

  private of(address: Words): FamilyTable<Value> {
    return address.length === 1 ? this.ipv4 : this.ipv6;
  }
}

const NONE = -1;

/**
 * The prefixes in the order of their first addresses, of the same the shorter first. Two prefixes are either apart or one within the
 * other, so whatever holds an address is the last that begins at or before it, or one of those that hold that one. A search by
 * halves finds it, and `parents` leads to the rest: the time grows with the logarithm of their number, whatever lengths there are.
 */
class FamilyTable<Value> {
  /** The words of all networks, one network after the other. */
  private readonly networks: Uint32Array;
  private readonly lengths: Uint8Array;
  /** The index of the longest prefix that holds this one. */
  private readonly parents: Int32Array;
  private readonly values: Value[];

  constructor(
    private readonly width: number,
    entries: readonly Entry<Value>[],
  ) {
    const ordered = withoutRepeats(entries.toSorted((a, b) => compare(a.prefix, b.prefix)));
    this.networks = new Uint32Array(ordered.length * width);
    this.lengths = Uint8Array.from(ordered, ({ prefix }) => prefix.length);
    this.parents = new Int32Array(ordered.length);
    this.values = ordered.map(({ value }) => value);
    ordered.forEach(({ prefix: { words } }, index) => {
      this.networks.set(words, index * width);
      this.parents[index] = this.climb(index - 1, words);
    });
  }

  find(address: Words): Value | undefined {
    return this.values[this.climb(this.lastNotAbove(address), address)];
  }

  match(address: Words): Entry<Value> | undefined {
    const index = this.climb(this.lastNotAbove(address), address);
    if (index === NONE) return undefined;
    const words = [...this.networks.subarray(index * this.width, (index + 1) * this.width)];
    return { prefix: { words, length: this.lengths[index]! }, value: this.values[index]! };
  }

  /** The index of the last network that is not above the address. */
  private lastNotAbove(address: Words): number {
    let low = 0;
    let high = this.values.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.isAbove(middle, address)) high = middle;
      else low = middle + 1;
    }
    return low - 1;
  }

  private isAbove(index: number, address: Words): boolean {
    for (let at = 0; at < this.width; at++) {
      const difference = this.networks[index * this.width + at]! - address[at]!;
      if (difference !== 0) return difference > 0;
    }
    return false;
  }

  /** From this prefix on to the first that holds the address. */
  private climb(from: number, address: Words): number {
    let index = from;
    while (index !== NONE && !this.holds(index, address)) index = this.parents[index]!;
    return index;
  }

  private holds(index: number, address: Words): boolean {
    for (let at = 0; at < this.width; at++) {
      const different = this.networks[index * this.width + at]! ^ address[at]!;
      if ((different & maskOf(this.lengths[index]! - at * 32)) !== 0) return false;
    }
    return true;
  }
}

/** Of several entries in order that have the same prefix, the last. */
function withoutRepeats<Value>(ordered: readonly Entry<Value>[]): Entry<Value>[] {
  return ordered.filter(({ prefix }, index) => {
    const next = ordered[index + 1];
    return !next || compare(prefix, next.prefix) !== 0;
  });
}

function compare(one: Prefix, other: Prefix): number {
  for (const [at, word] of one.words.entries()) {
    const difference = word - other.words[at]!;
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
}
