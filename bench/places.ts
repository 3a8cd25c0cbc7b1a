/** Part `places`: what it costs to find the place of an address, by how many networks the configuration has. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parseConfig } from '#tcpscope/attribute/config-parser.js';
import { Places } from '#tcpscope/attribute/places.js';
import type { Part } from './part.js';
import { rowOf, type Column, type Row, type Sample } from './table.js';

/** In each run; many more than the cache of places has room for. */
const ADDRESSES = 200_000;
/** As many peers as a busy host talks to again and again. */
const KNOWN = 1000;
const REGIONS = 100;

const SIZES = [0, 100, 10_000, 100_000];

const COLUMNS: Column[] = [
  { header: 'to read ms', figure: 'readMs', decimals: 0 },
  { header: 'tables MB', figure: 'megabytes', decimals: 1 },
  { header: 'known address ns', figure: 'known', decimals: 0 },
  { header: 'new IPv4 ns', figure: 'ipv4', decimals: 0 },
  { header: 'new IPv6 ns', figure: 'ipv6', decimals: 0 },
];

export const places: Part = {
  name: 'places',
  async run({ rounds, progress }) {
    const random = generator(1);
    const ipv4 = Array.from({ length: ADDRESSES }, () => ipv4Text(random(2 ** 32)));
    const ipv6 = Array.from({ length: ADDRESSES }, () => `${ipv6Half(random)}:${ipv6Half(random)}`);
    const rows: Row[] = [];
    for (const networks of SIZES) {
      progress(`${networks} networks`);
      const text = configOf(networks, random);
      const read = (): Places => new Places(parseConfig(text, 'bench.yaml'));
      const before = await heldMegabytes();
      const found = read();
      const megabytes = Math.max(0, (await heldMegabytes()) - before);
      const measure = (): Sample => ({
        figures: {
          readMs: milliseconds(read),
          megabytes,
          ipv4: nsALookUp(found, ipv4, ADDRESSES),
          ipv6: nsALookUp(found, ipv6, ADDRESSES),
          known: nsOfKnown(found, ipv4),
        },
      });
      rows.push(rowOf(`${networks.toLocaleString('en')} networks`, Array.from({ length: rounds }, measure)));
    }
    return [{ title: 'The place of an address', columns: COLUMNS, rows }];
  },
};

/** Of addresses that were seen a short while ago. */
function nsOfKnown(places: Places, addresses: readonly string[]): number {
  nsALookUp(places, addresses, KNOWN);
  return nsALookUp(places, addresses, KNOWN);
}

/** The first `distinct` of the addresses, over and over. */
function nsALookUp(places: Places, addresses: readonly string[], distinct: number): number {
  let external = 0;
  const ms = milliseconds(() => {
    for (let at = 0; at < ADDRESSES; at++) if (places.of(addresses[at % distinct]!).external) external += 1;
  });
  if (external === 0) throw new Error('no address was external');
  return (ms * 1e6) / ADDRESSES;
}

function milliseconds(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

/** Three quarters IPv4 of /12 to /28, the rest IPv6 of /32 to /64; everything below 2000::/3 and 0.0.0.0/0. */
function configOf(networks: number, random: (below: number) => number): string {
  const all = new Set<string>();
  while (all.size < networks) {
    if (all.size % 4 === 3) all.add(`${ipv6Half(random)}::/64`);
    else {
      const length = 12 + random(17);
      all.add(`${ipv4Text(Math.floor(random(2 ** 32) / 2 ** (32 - length)) * 2 ** (32 - length))}/${length}`);
    }
  }
  const regions: string[][] = Array.from({ length: REGIONS }, () => []);
  [...all].forEach((network, at) => regions[at % REGIONS]!.push(network));
  return `regions:\n${regions.map((list, at) => `  region-${at}: [${list.join(', ')}]\n`).join('')}`;
}

const ipv4Text = (word: number): string =>
  [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255].join('.');

const ipv6Half = (random: (below: number) => number): string =>
  [0x2000 + random(0x2000), ...Array.from({ length: 3 }, () => random(0x1_0000))]
    .map((part) => part.toString(16))
    .join(':');

/** The same whole numbers each time (xorshift). */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return Math.floor(((state >>> 0) / 2 ** 32) * below);
  };
}

async function heldMegabytes(): Promise<number> {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  // What a function has just left is still held by its stack, and what that held is found at the second time.
  for (let times = 0; times < 2; times++) {
    await nextTurn();
    collect();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1e6;
}
