import { logChoose } from './special.js';

/** How many of all had something happen to them: failures of attempts. */
export interface Share {
  part: number;
  all: number;
}

/** What is this close to the observed probability counts as equal to it: rounding must not decide (as in R). */
const TOLERANCE = 1e-7;
const NEGLIGIBLE = 1e-17;

/** The hypergeometric distribution: of `part` marked ones among both sides, how many are in the first. */
class Hypergeometric {
  readonly least: number;
  readonly most: number;
  readonly mode: number;
  readonly #first: number;
  readonly #second: number;
  readonly #marked: number;

  constructor(first: number, second: number, marked: number) {
    this.#first = first;
    this.#second = second;
    this.#marked = marked;
    this.least = Math.max(0, marked - second);
    this.most = Math.min(first, marked);
    const mode = Math.floor(((first + 1) * (marked + 1)) / (first + second + 2));
    this.mode = Math.min(Math.max(mode, this.least), this.most);
  }

  /** ln of the probability of `count`. */
  log(count: number): number {
    const [first, second, marked] = [this.#first, this.#second, this.#marked];
    return logChoose(first, count) + logChoose(second, marked - count) - logChoose(first + second, marked);
  }

  /** Probability of `count + step` as a multiple of that of `count`; step is 1 or -1. */
  #ratio(count: number, step: number): number {
    const [first, second, marked] = [this.#first, this.#second, this.#marked];
    return step > 0
      ? ((first - count) * (marked - count)) / ((count + 1) * (second - marked + count + 1))
      : (count * (second - marked + count)) / ((first - count + 1) * (marked - count + 1));
  }

  /** Sum of the probabilities from `from` outward: they fall, so that it ends soon after they are negligible. */
  tail(from: number, step: number): number {
    if (from < this.least || from > this.most) return 0;
    let probability = Math.exp(this.log(from));
    let sum = probability;
    for (let count = from; probability > sum * NEGLIGIBLE; count += step) {
      probability *= this.#ratio(count, step);
      sum += probability;
    }
    return sum;
  }

  /** The count nearest to the mode, on the side that `step` points to, that is at most as probable as `limit` (a logarithm). */
  firstBelow(limit: number, step: number): number {
    let near = 0;
    let far = (step > 0 ? this.most - this.mode : this.mode - this.least) + 1;
    while (near < far) {
      const middle = Math.floor((near + far) / 2);
      const count = this.mode + step * middle;
      if (count < this.least || count > this.most || this.log(count) <= limit) far = middle;
      else near = middle + 1;
    }
    return this.mode + step * near;
  }
}

/**
 * Fisher's exact test of two shares, two-sided: the sum of the probabilities of all tables with these margins that are not more
 * probable than the one observed. Work grows with the square root of the counts only.
 */
export function fisherExact(before: Share, after: Share): number {
  const distribution = new Hypergeometric(before.all, after.all, before.part + after.part);
  const observed = before.part;
  const limit = distribution.log(observed) + TOLERANCE;
  // Equal to the mode: there is nothing more probable.
  if (distribution.log(distribution.mode) <= limit) return 1;
  const outward = observed < distribution.mode ? -1 : 1;
  const opposite = distribution.firstBelow(limit, -outward);
  return Math.min(1, distribution.tail(observed, outward) + distribution.tail(opposite, -outward));
}
