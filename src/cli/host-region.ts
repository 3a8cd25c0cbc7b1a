import { networkInterfaces } from 'node:os';
import type { Places } from '../attribute/places.js';

/** The region of this host: of the first of its addresses that has one. */
export function regionOfThisHost(places: Pick<Places, 'of'>): string | undefined {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal }) => !internal)
    .map(({ address }) => places.of(address).region)
    .find((region) => region !== undefined);
}
