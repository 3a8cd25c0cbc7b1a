import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { parseConfig } from '#tcpscope/attribute/config-parser.js';
import { ConfigError, DEFAULT_CONFIG, MAX_CONFIG_BYTES, MAX_MISTAKES } from '#tcpscope/attribute/config.js';
import { defaultPlaces, Places } from '#tcpscope/attribute/places.js';
import { addressNear, longest, network, textOf, type Network } from './addresses.js';

const places = (text: string): Places => new Places(parseConfig(text, 'test.yaml'));

function refused(text: string): ConfigError {
  try {
    parseConfig(text, 'dir/test.yaml');
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error;
  }
  return assert.fail(`accepted: ${text}`);
}

/** Mistakes as `LINE:COLUMN message`. */
const mistakes = (text: string): string[] =>
  refused(text).mistakes.map(({ line, column, message }) => `${line}:${column} ${message}`);

const EXAMPLE = `# a comment
internal: [10.0.0.0/8, 192.168.0.0/16]
external:
  - 10.99.0.0/16
regions:
  eu-west-1: [10.1.0.0/16, '2001:db8:1::/48']
  us-east-1:
    - 10.2.0.0/16   # the other one
roles:
  database: [10.1.4.0/24, 2001:db8:1:4::/64]
`;

/** Of the heap, without what nobody holds any more. */
async function heldBytes(): Promise<number> {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  for (let times = 0; times < 2; times++) {
    await nextTurn();
    collect();
  }
  return process.memoryUsage().heapUsed;
}

describe('places', () => {
  it('have region, role and side each by the longest prefix', () => {
    const all = places(EXAMPLE);
    const expected: [string, string | undefined, string | undefined, boolean][] = [
      ['10.1.4.7', 'eu-west-1', 'database', false],
      ['10.1.5.7', 'eu-west-1', undefined, false],
      ['10.2.4.7', 'us-east-1', undefined, false],
      ['10.99.0.1', undefined, undefined, true],
      ['10.98.0.1', undefined, undefined, false],
      ['::ffff:10.1.4.7', 'eu-west-1', 'database', false],
      ['2001:db8:1:4::7', 'eu-west-1', 'database', true],
      ['203.0.113.9', undefined, undefined, true],
      // The file replaces the default.
      ['172.16.0.1', undefined, undefined, true],
      ['127.0.0.1', undefined, undefined, true],
      ['no address', undefined, undefined, true],
    ];
    for (const [address, region, role, external] of expected)
      assert.deepEqual(all.of(address), { region, role, external }, address);
    assert.ok(all.hasRegions && all.hasRoles);
  });

  it('tell which prefix decided', () => {
    const all = places(EXAMPLE);
    assert.deepEqual(all.explain('10.1.4.7'), {
      place: { region: 'eu-west-1', role: 'database', external: false },
      regionPrefix: '10.1.0.0/16',
      rolePrefix: '10.1.4.0/24',
      sidePrefix: '10.0.0.0/8',
    });
    assert.equal(all.explain('10.99.3.3').sidePrefix, '10.99.0.0/16');
    assert.equal(all.explain('203.0.113.9').sidePrefix, undefined);
    assert.throws(() => all.explain('10.1.4'), RangeError);
  });

  it('are by default internal where addresses never are on the Internet', () => {
    const all = defaultPlaces();
    const internal = [
      '10.1.1.1',
      '172.31.255.255',
      '192.168.1.1',
      '100.127.0.1',
      '127.0.0.53',
      '169.254.1.1',
    ];
    for (const address of [...internal, '::1', 'fe80::1', 'fd00::1', 'fc00::1', '::ffff:10.0.0.1'])
      assert.deepEqual(all.of(address), { region: undefined, role: undefined, external: false }, address);
    for (const address of [
      '172.32.0.1',
      '100.128.0.1',
      '8.8.8.8',
      '2001:db8::1',
      '::2',
      'fec0::1',
      '128.0.0.1',
    ])
      assert.equal(all.of(address).external, true, address);
    assert.ok(!all.hasRegions && !all.hasRoles);
  });

  it('carve external networks out of the default too', () => {
    const all = places('external: [10.99.0.0/16, 192.168.0.0/16]');
    assert.equal(all.of('10.98.1.1').external, false);
    assert.equal(all.of('10.99.1.1').external, true);
    assert.equal(all.of('192.168.1.1').external, true);
  });

  it('are one object for all addresses of the same, also when the cache has been full', () => {
    const all = places(EXAMPLE);
    const first = all.of('10.1.4.0');
    assert.ok(Object.isFrozen(first));
    for (let at = 0; at < 20_000; at++) all.of(`10.3.${at >> 8}.${at & 255}`);
    assert.equal(all.of('10.1.4.1'), first);
    assert.equal(all.of('10.1.4.0'), first);
  });

  it('remember only so many addresses', async () => {
    const all = places(EXAMPLE);
    const before = await heldBytes();
    for (let at = 0; at < 300_000; at++) all.of(`10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`);
    const growth = (await heldBytes()) - before;
    assert.equal(all.of('10.1.4.7').role, 'database');
    // 16,384 of them take some 2 MB, all of them 30.
    assert.ok(growth < 8e6, `${growth} bytes`);
  });

  it('of an empty file, or one with comments only, are the default', () => {
    for (const text of ['', '\n\n', '# nothing\n', '{}', '---\n'])
      assert.deepEqual(parseConfig(text, 'f'), DEFAULT_CONFIG, text);
    assert.equal(places('internal: []').of('10.0.0.1').external, true);
  });

  it('agree with a look at each network, whatever the file has', () => {
    const lists = fc.dictionary(fc.constantFrom('a', 'b', 'c d', 'no', '1.0', 'ö'), fc.array(network), {
      noNullPrototype: true,
    });
    const input = fc
      .record({ regions: lists, roles: lists, internal: fc.array(network), external: fc.array(network) })
      .map((config) => ({
        regions: distinct(config.regions),
        roles: distinct(config.roles),
        sides: distinct({ internal: config.internal, external: config.external }),
      }))
      .chain((config) => {
        const networks = Object.values(config).flatMap((lists) => Object.values(lists).flat());
        return fc.tuple(fc.constant(config), fc.array(addressNear(networks), { minLength: 1 }));
      });
    fc.assert(
      fc.property(input, ([{ regions, roles, sides }, addresses]) => {
        const all = places(
          JSON.stringify({ regions, roles, ...sides }, (_, value: unknown) =>
            isNetwork(value) ? value.text : value,
          ),
        );
        for (const address of addresses)
          assert.deepEqual(all.of(textOf(address)), {
            region: nameOf(regions, address),
            role: nameOf(roles, address),
            external: nameOf(sides, address) !== 'internal',
          });
      }),
    );
  });
});

const isNetwork = (value: unknown): value is Network =>
  typeof value === 'object' && value !== null && 'bits' in value;

/** Each network with the first name that has it only: the same twice would be a mistake. */
function distinct(lists: Record<string, Network[]>): Record<string, Network[]> {
  const seen = new Set<string>();
  return Object.fromEntries(
    Object.entries(lists).map(([name, networks]) => [
      name,
      networks.filter(({ text }) => !seen.has(text) && seen.add(text)),
    ]),
  );
}

function nameOf(lists: Record<string, Network[]>, address: string): string | undefined {
  const named = Object.entries(lists).flatMap(([name, networks]) =>
    networks.map((one) => ({ ...one, name })),
  );
  return longest(named, address)?.name;
}

describe('mistakes of a configuration', () => {
  it('are told where they are, what they are and what would be right', () => {
    const cases: [text: string, ...expected: RegExp[]][] = [
      [
        'region: {}',
        /^1:1 unknown key "region"; nearest: regions; valid: internal, external, regions, roles, agent, thresholds$/,
      ],
      ['\n\nintrenal: []', /^3:1 unknown key "intrenal"; nearest: internal/],
      ['internal: [10.0.0.0/8,\n  10.1.2.3/16]', /^2:3 "10.1.2.3\/16" has bits .* write 10.1.0.0\/16/],
      ['roles:\n  db: [10.0.0.0/40]', /^2:8 "10.0.0.0\/40": .* at most 32$/],
      ['roles:\n  db:\n    - 10.0.0.0/8\n    - ten', /^4:7 "ten" is no network; write it as in/],
      ['internal: 10.0.0.0/8', /^1:11 "internal" is no list of networks; write internal: \[10.0.0.0\/8\]/],
      ['internal:\nregions: {}', /^1:10 "internal" is empty; write .*, or leave it out$/],
      ['regions: [10.0.0.0/8]', /^1:10 regions is no map of names; write regions: \{eu-west-1: /],
      ['regions:', /^1:9 regions is empty/],
      ['regions: {eu: {a: b}}', /^1:15 "eu" is no list of networks; write eu: \[10.1.0.0\/16\]/],
      ['regions: {eu}', /^1:\d+ "eu" is empty/],
      ['regions: {eu: [[10.0.0.0/8]]}', /^1:16 this is no network/],
      ['regions: {eu: [fe80::, 10.0.0.0/8]}', /^1:16 this is no network; .*needs quotes$/],
      ['regions: {"": [10.0.0.0/8]}', /^1:11 the name of a region is empty/],
      ['roles: {"  ": []}', /^1:9 the name of a role is empty/],
      ['roles: {"a\\u001b[31m": []}', /^1:9 the name of a role has control characters/],
      ['roles: {"a\\u202e": []}', /^1:9 the name of a role has control characters or invisible/],
      ['roles: {" a": []}', /^1:9 .* begins or ends with a space/],
      [`roles: {${'a'.repeat(65)}: []}`, /^1:9 .* too long; at most 64 characters/],
      ['roles: {[a]: []}', /^1:9 the name of a role must be plain text/],
      ['- 10.0.0.0/8', /^1:1 the file is no map; write one, such as/],
      ['hello', /^1:1 the file is no map/],
      ['internal: []\ninternal: []', /^2:1 "internal" is there twice, first in line 1/],
      ['roles:\n  a: []\n  b: []\n  a: []', /^4:3 "a" is there twice, first in line 2/],
      [
        'regions:\n  a: [10.0.0.0/8]\n  b:\n  - 10.0.0.0/8',
        /^4:5 10.0.0.0\/8 is "b" here and "a" in line 2; leave it in one of them$/,
      ],
      [
        'regions: {a: [10.0.0.0/8], b: ["::ffff:10.0.0.0/104"]}',
        /^1:32 10.0.0.0\/8 is "b" here and "a" in line 1/,
      ],
      [
        'internal: [10.0.0.0/8]\nexternal: [10.0.0.0/8]',
        /^2:12 10.0.0.0\/8 is "external" here and "internal"/,
      ],
      ['internal: &a [10.0.0.0/8]\nexternal: *a', /^2:11 "external" is an alias, which has no meaning/],
      ['internal: [10.0.0.0/8', /^1:\d+ not the YAML that is wanted here: /],
      ['"a\nregions: [\nb: "c', /^3:\d not the YAML/],
      ['internal: !!set [10.0.0.0/8]', /^1:11 not the YAML that is wanted here: /],
      ['{}\n---\n{}', /^\d:\d not the YAML that is wanted here: .*multiple documents/],
      ['internal: [300.0.0.0/8]\nroles: {a: [x]}', /^1:12 "300/, /^2:13 "x"/],
    ];
    for (const [text, ...expected] of cases) {
      const found = mistakes(text);
      assert.equal(found.length, expected.length, `${text}\n${found.join('\n')}`);
      expected.forEach((pattern, at) => {
        assert.match(found[at]!, pattern);
      });
    }
  });

  it('stand in the message with the file, as editors read them', () => {
    assert.match(refused('internal: [x]').message, /^dir\/test\.yaml:1:12: "x" is no network; write [^\n]*$/);
  });

  it('are shown in the order of the file, the first ten, with the number of the others', () => {
    const error = refused(`roles: {a: [x, x]}\nregions: {a: [${'x, '.repeat(20)}]}\ninternal: x\n`);
    assert.equal(error.mistakes.length, MAX_MISTAKES);
    assert.equal(error.count, 23);
    assert.deepEqual(
      error.mistakes.map(({ line }) => line),
      [1, 1, ...Array<number>(8).fill(2)],
    );
    assert.match(error.message, /\n… and 13 more$/);
  });

  it('are not there where a network comes twice with the same name', () => {
    assert.equal(parseConfig('regions: {a: [10.0.0.0/8, 10.0.0.0/8]}', 'f').regions.length, 1);
  });

  it('of names that YAML reads as something else are none', () => {
    assert.equal(places('regions: {no: [10.0.0.0/8]}').of('10.0.0.1').region, 'no');
    assert.equal(places('regions: {010: [10.0.0.0/8]}').of('10.0.0.1').region, '010');
    assert.equal(places('regions: {__proto__: [10.0.0.0/8]}').of('10.0.0.1').region, '__proto__');
  });

  it('include its size', () => {
    assert.match(mistakes('#'.repeat(MAX_CONFIG_BYTES + 1))[0]!, /^1:1 the file is too large; at most 4 MiB/);
  });
});
