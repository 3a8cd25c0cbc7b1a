/** What the kernel is told of places, against a search through all networks and against Places. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parsePrefix } from '#tcpscope/attribute/address.js';
import { DEFAULT_CONFIG } from '#tcpscope/attribute/config.js';
import { placeNetworks } from '#tcpscope/attribute/place-networks.js';
import { Places } from '#tcpscope/attribute/places.js';
import { addressNear, holds, network, textOf, type Network } from './addresses.js';

const placesOf = (networks: readonly Network[]): Places => {
  const prefixes = networks.map(({ text }) => parsePrefix(text));
  const third = (rest: number) => prefixes.filter((_, at) => at % 3 === rest);
  const named = (rest: number) => third(rest).map((prefix, at) => ({ prefix, value: `name-${at % 2}` }));
  return new Places({ ...DEFAULT_CONFIG, regions: named(0), roles: named(1), internal: third(2) });
};

/** The longest, as the kernel finds it: addresses as IPv6. */
function standsFor(places: Places, address: string): string {
  const mapped = (text: string): string => (text.includes(':') ? text : `::ffff:${text}`);
  const bits = bitsOf(mapped(textOf(address)));
  const fitting = placeNetworks(places).filter(({ network: text, length }) =>
    holds({ bits: bitsOf(mapped(text)), length, text }, bits),
  );
  const longest = Math.max(...fitting.map(({ length }) => length));
  const found = fitting.filter(({ length }) => length === longest);
  assert.equal(found.length, 1);
  return found[0]!.standsFor;
}

/** 128 digits 0 and 1. */
function bitsOf(ipv6: string): string {
  const url = new URL(`http://[${ipv6}]`).hostname.slice(1, -1);
  const [head = '', tail = ''] = url.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const left = 8 - groups(head).length - groups(tail).length;
  return [...groups(head), ...Array<string>(left).fill('0'), ...groups(tail)]
    .map((group) => parseInt(group, 16).toString(2).padStart(16, '0'))
    .join('');
}

describe('networks for the kernel', () => {
  it('give every address one that is in the same place, and one only for equal places', () => {
    let told = 0;
    fc.assert(
      fc.property(
        fc
          .array(network, { maxLength: 12 })
          .chain((networks) => fc.tuple(fc.constant(networks), addressNear(networks))),
        ([networks, address]) => {
          const places = placesOf(networks);
          const other = standsFor(places, address);
          assert.equal(places.of(other), places.of(textOf(address)));
          const equal = placeNetworks(places).filter(
            (each) => places.of(each.standsFor) === places.of(other),
          );
          assert.equal(new Set(equal.map((each) => each.standsFor)).size, 1);
          if (places.of(other) !== places.of('203.0.113.9')) told++;
        },
      ),
      { numRuns: 1000 },
    );
    assert.ok(told > 100, String(told));
  });

  it('are left out where longer ones hold all of them', () => {
    const halves = ['10.0.0.0/9', '10.128.0.0/9'].map((text) => ({
      prefix: parsePrefix(text),
      value: 'half',
    }));
    const whole = { prefix: parsePrefix('10.0.0.0/8'), value: 'whole' };
    const networks = placeNetworks(
      new Places({ ...DEFAULT_CONFIG, internal: [], regions: [whole, ...halves] }),
    );
    assert.deepEqual(
      networks.map(({ network: text, length }) => `${text}/${length}`),
      ['0.0.0.0/96', '::/0', '10.0.0.0/105', '10.128.0.0/105'],
    );
  });

  it('take no long time where there are many', () => {
    const regions = Array.from({ length: 60_000 }, (_, at) => ({
      prefix: parsePrefix(`10.${at >> 8}.${at & 255}.0/24`),
      value: `region-${at % 7}`,
    }));
    const began = process.cpuUsage();
    assert.equal(placeNetworks(new Places({ ...DEFAULT_CONFIG, regions })).length, 60_000 + 11);
    const { user } = process.cpuUsage(began);
    assert.ok(user < 5e6, `${user} µs`);
  });
});
