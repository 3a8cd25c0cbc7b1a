/** Places for the kernel, which knows no names: networks, and for each an address that is where all of it is. */
import type { PlaceNetwork } from '../model/attribution.js';
import { firstBehind, formatAddress, formatPrefix, parsePrefix, type Prefix, type Words } from './address.js';
import type { Places } from './places.js';
import { PrefixTable } from './prefix-table.js';

/** What no other network holds is somewhere too. */
const EVERYWHERE = ['0.0.0.0/0', '::/0'].map(parsePrefix);
const IPV4_PREFIX_BITS = 96;

/**
 * All networks that decide where an address is, each once. Networks of equal places have the same address to stand for them, so that
 * the kernel makes one group of them. One without an address of its own, all of it being in longer networks, is left out.
 */
export function placeNetworks(places: Places): PlaceNetwork[] {
  const unique = new Map([...EVERYWHERE, ...places.prefixes].map((prefix) => [formatPrefix(prefix), prefix]));
  const table = new PrefixTable([...unique.values()].map((prefix) => ({ prefix, value: prefix })));
  const standing = new Map<unknown, string>();
  return [...unique.values()].flatMap((prefix) => {
    const own = ownAddress(prefix, table);
    if (!own) return [];
    const address = formatAddress(own);
    const place = places.of(address);
    const standsFor = standing.get(place) ?? address;
    standing.set(place, standsFor);
    return [{ network: formatAddress(prefix.words), length: mappedLength(prefix), standsFor }];
  });
}

/** An address of which this is the longest network: the first, or the first behind networks within it. */
function ownAddress(prefix: Prefix, table: PrefixTable<Prefix>): Words | undefined {
  const end = firstBehind(prefix);
  for (let address: Words | undefined = prefix.words; address && !isSame(address, end);) {
    const longest = table.find(address);
    if (!longest || longest === prefix) return address;
    address = firstBehind(longest);
  }
  return undefined;
}

function isSame(one: Words, other: Words | undefined): boolean {
  return one.every((word, index) => word === other?.[index]);
}

function mappedLength({ words, length }: Prefix): number {
  return words.length === 1 ? IPV4_PREFIX_BITS + length : length;
}
