/** What the colours of a whole matrix say: the patterns that Pingmesh names. */
import type { Cell, CellState, Matrix } from './matrix.js';

/**
 * `green`: nothing is slow. `white-cross`: nothing comes from, and nothing succeeds to, these places. `red-cross`: what is slow begins or
 * ends in these places. `red-between`: what stays in a place is well, what leaves it is slow.
 */
export type Pattern =
  { kind: 'green' | 'red-between' } | { kind: 'white-cross' | 'red-cross'; places: readonly string[] };

/** Of the cells that a pattern says something of, this share has to be so: one odd pair hides none. */
const CLEAR_SHARE = 0.9;
/** With two places, each one's cross is the whole matrix but its diagonal. */
const LEAST_PLACES_OF_CROSS = 3;

/** The share of cells in a state; NaN of none. */
function share(cells: readonly Cell[], state: CellState): number {
  return cells.filter((cell) => cell.state === state).length / cells.length;
}

const isInside = ({ source, destination }: Cell): boolean => source === destination;
const touches = ({ source, destination }: Cell, places: readonly string[]): boolean =>
  places.includes(source) || places.includes(destination);

/** Undefined where the picture is none of them, or sources and destinations are not the same places. */
export function patternOf({ sources, destinations, rows }: Matrix): Pattern | undefined {
  if (sources.join('\0') !== destinations.join('\0')) return undefined;
  const all = rows.flat();
  const measured = all.filter(({ state }) => state !== 'white');
  if (measured.length === 0) return undefined;
  const silent = crossOf(sources, (place) => all.every((cell) => !touches(cell, [place]) || isWhite(cell)));
  if (silent.length > 0 && isClearWithout(all, silent, 'white'))
    return { kind: 'white-cross', places: silent };
  if (measured.every(({ state }) => state === 'green')) return { kind: 'green' };
  return redPattern(sources, measured);
}

const isWhite = ({ state }: Cell): boolean => state === 'white';

function redPattern(places: readonly string[], measured: readonly Cell[]): Pattern | undefined {
  const between = measured.filter((cell) => !isInside(cell));
  const inside = measured.filter(isInside);
  if (inside.length > 1 && share(inside, 'green') === 1 && share(between, 'red') >= CLEAR_SHARE)
    return { kind: 'red-between' };
  const slow = crossOf(places, (place) => {
    const cross = between.filter((cell) => touches(cell, [place]));
    return cross.length > 1 && share(cross, 'red') >= CLEAR_SHARE;
  });
  return slow.length > 0 && isClearWithout(between, slow, 'red')
    ? { kind: 'red-cross', places: slow }
    : undefined;
}

/** The places that are so, if they are few among others. */
function crossOf(places: readonly string[], isSo: (place: string) => boolean): string[] {
  const found = places.filter(isSo);
  return places.length >= LEAST_PLACES_OF_CROSS && found.length < places.length / 2 ? found : [];
}

/** True if the cells that have nothing to do with these places are not in this state. */
function isClearWithout(cells: readonly Cell[], places: readonly string[], state: CellState): boolean {
  const others = cells.filter((cell) => !touches(cell, places));
  return others.length > 0 && share(others, state) <= 1 - CLEAR_SHARE;
}
