/** How far the clocks of hosts are apart, from connections that both ends recorded. Pure. */
import type { End } from './meetings.js';

/** The ends that one clock timed, by connection. */
export type Ends = ReadonlyMap<string, readonly End[]>;

export interface Skew {
  /** How far this clock is ahead of the first one. */
  readonly skewNs: number;
  /** What it may be off, as long as the way there and back is equally long: half of the round trips it was told by, and their scatter. */
  readonly uncertaintyNs: number;
  /** Connections that told; of the fewest, where it was found by way of another host. */
  readonly pairs: number;
}

/**
 * What a pair says: the server sees ESTABLISHED when the client's ACK arrives, some part of a round trip after the client saw it.
 */
interface Pair {
  /** How far the second clock is ahead, if that part is half of it. */
  readonly middleNs: number;
  readonly rttNs: number;
}

/** Times that a first guess has to tell apart: one connection's, when its ports were used again. */
const MAX_CANDIDATES = 200_000;
/** What scheduling, and the resolution of round trips, may add. */
const SLACK_NS = 2000;
/** How far a pair may be from the first guess beyond its own round trip: clocks drift. */
const DRIFT_NS = 20e6;
/** Of the pairs with the shortest round trips, this many tell, or a quarter. */
const LEAST_TELLING = 9;

/** @returns for each clock but the first what it is ahead of the first, or undefined where no chain of connections leads to it. */
export function estimateSkews(clocks: readonly Ends[]): (Skew | undefined)[] {
  const skews: (Skew | undefined)[] = clocks.map(() => undefined);
  const done = new Set<number>();
  skews[0] = { skewNs: 0, uncertaintyNs: 0, pairs: Infinity };
  const between = pairwise(clocks);
  // Dijkstra's shortest paths, where long is what is uncertain.
  for (;;) {
    const next = nearest(skews, done);
    if (next === undefined) break;
    done.add(next);
    const from = skews[next]!;
    for (const [other, step] of between[next]!.entries()) {
      if (!step || done.has(other)) continue;
      const uncertaintyNs = from.uncertaintyNs + step.uncertaintyNs;
      if (uncertaintyNs >= (skews[other]?.uncertaintyNs ?? Infinity)) continue;
      skews[other] = {
        skewNs: from.skewNs + step.skewNs,
        uncertaintyNs,
        pairs: Math.min(from.pairs, step.pairs),
      };
    }
  }
  return skews.slice(1);
}

function nearest(skews: readonly (Skew | undefined)[], done: ReadonlySet<number>): number | undefined {
  let best: number | undefined;
  for (const [index, skew] of skews.entries())
    if (
      skew &&
      !done.has(index) &&
      skew.uncertaintyNs < (best === undefined ? Infinity : skews[best]!.uncertaintyNs)
    )
      best = index;
  return best;
}

/** `result[a][b]`: how far b is ahead of a. */
function pairwise(clocks: readonly Ends[]): (Skew | undefined)[][] {
  const result = clocks.map(() => clocks.map((): Skew | undefined => undefined));
  for (const [a, endsA] of clocks.entries())
    for (let b = a + 1; b < clocks.length; b++) {
      const skew = skewBetween(endsA, clocks[b]!);
      if (!skew) continue;
      result[a]![b] = skew;
      result[b]![a] = { ...skew, skewNs: -skew.skewNs };
    }
  return result;
}

/** How far the second clock is ahead; undefined if they have no connection in common. */
export function skewBetween(first: Ends, second: Ends): Skew | undefined {
  const groups = candidates(first, second);
  const guess = densest(groups.flat(2));
  if (guess === undefined) return undefined;
  const pairs = groups.flatMap((group) =>
    group.flatMap((choices) => {
      const pair = choices.reduce((a, b) => (distance(a, guess) <= distance(b, guess) ? a : b));
      return distance(pair, guess) <= pair.rttNs + DRIFT_NS ? [pair] : [];
    }),
  );
  return median(pairs);
}

const distance = ({ middleNs }: Pair, guess: number): number => Math.abs(middleNs - guess);

/** For each connection, for each of its ends at the first clock: what it would say with each end at the second one. */
function candidates(first: Ends, second: Ends): Pair[][][] {
  const groups: Pair[][][] = [];
  let count = 0;
  for (const [key, endsA] of first) {
    const endsB = second.get(key);
    // Where one host has both ends, it is a connection within each of the hosts, with the same addresses.
    if (!endsB || hasBoth(endsA) || hasBoth(endsB) || endsA[0]!.role === endsB[0]!.role) continue;
    const group = endsA.map((a) => endsB.map((b) => pairOf(a, b)).filter(({ rttNs }) => rttNs > 0));
    const known = group.filter(({ length }) => length > 0);
    count += endsA.length * endsB.length;
    if (count > MAX_CANDIDATES) break;
    if (known.length > 0) groups.push(known);
  }
  return groups;
}

const hasBoth = (ends: readonly End[]): boolean => ends.some(({ role }) => role !== ends[0]!.role);

function pairOf(a: End, b: End): Pair {
  const [client, server] = a.role === 'client' ? [a, b] : [b, a];
  const rttNs = client.rttNs > 0 ? client.rttNs : server.rttNs;
  const serverAhead = server.timeNs - client.timeNs - rttNs / 2;
  return { middleNs: a.role === 'client' ? serverAhead : -serverAhead, rttNs };
}

/** The skew on which most candidates can agree: those of strangers are scattered (Marzullo's algorithm). */
function densest(pairs: readonly Pair[]): number | undefined {
  const edges = pairs.flatMap(({ middleNs, rttNs }) => [
    { at: middleNs - rttNs / 2 - SLACK_NS, step: 1 },
    { at: middleNs + rttNs / 2 + SLACK_NS, step: -1 },
  ]);
  edges.sort((a, b) => a.at - b.at || b.step - a.step);
  let [agreeing, most] = [0, 0];
  let best: number | undefined;
  for (const [index, { at, step }] of edges.entries()) {
    agreeing += step;
    if (agreeing <= most) continue;
    most = agreeing;
    best = (at + edges[index + 1]!.at) / 2;
  }
  return best;
}

function median(pairs: readonly Pair[]): Skew | undefined {
  if (pairs.length === 0) return undefined;
  const fastest = [...pairs].sort((a, b) => a.rttNs - b.rttNs);
  const telling = fastest.slice(0, Math.max(LEAST_TELLING, Math.ceil(pairs.length / 4)));
  const middles = telling.map(({ middleNs }) => middleNs).sort((a, b) => a - b);
  const at = (share: number): number => middles[Math.floor((middles.length - 1) * share)]!;
  const scatterNs = (at(0.75) - at(0.25)) / 2;
  const rttNs = telling[Math.floor((telling.length - 1) / 2)]!.rttNs;
  return { skewNs: at(0.5), uncertaintyNs: rttNs / 2 + scatterNs, pairs: pairs.length };
}
