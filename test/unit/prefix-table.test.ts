import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import fc from 'fast-check';
import { formatPrefix, parseAddress, parsePrefix } from '#tcpscope/attribute/address.js';
import { PrefixTable } from '#tcpscope/attribute/prefix-table.js';
import { addressNear, anyBits, ipv6Bits, longest, network, textOf } from './addresses.js';

const table = (...networks: string[]): PrefixTable<string> =>
  new PrefixTable(networks.map((text) => ({ prefix: parsePrefix(text), value: text })));

const find = (of: PrefixTable<string>, address: string): string | undefined =>
  of.find(parseAddress(address) ?? assert.fail(address));

describe('addresses', () => {
  it('are the same in every way of writing them, and v4-mapped ones are IPv4', () => {
    assert.deepEqual(parseAddress('10.1.2.3'), [0x0a010203]);
    assert.deepEqual(parseAddress('::ffff:10.1.2.3'), [0x0a010203]);
    assert.deepEqual(parseAddress('::FFFF:a01:203'), [0x0a010203]);
    assert.deepEqual(parseAddress('2001:db8::1'), [0x20010db8, 0, 0, 1]);
    assert.deepEqual(parseAddress('2001:0DB8:0:0:0:0:0:0001'), [0x20010db8, 0, 0, 1]);
    assert.deepEqual(parseAddress('255.255.255.255'), [0xffffffff]);
  });

  it('are nothing else', () => {
    const others = ['', '10.1.2', '10.1.2.256', '010.1.2.3', '10.1.2.3.4', ' 10.1.2.3', '1', 'fe80::1%eth0'];
    for (const text of [
      ...others,
      '2001:db8::1::',
      '1:2:3:4::5:6:7:8',
      '1:2:3:4:5:6:7:8::',
      '1:2:3:4:5:6:7',
      ':',
      '10.1.2.3/32',
      'localhost',
      '0x7f.1.1.1',
      '-',
    ])
      assert.equal(parseAddress(text), undefined, text);
  });

  it('are what the system takes for one, and nothing else', () => {
    const group = fc.constantFrom(
      '0',
      '1',
      'ff',
      'FFFF',
      '12345',
      'g',
      '',
      '0000',
      '1.2.3.4',
      '1.2.3',
      '256.1.1.1',
    );
    const text = fc
      .array(fc.tuple(group, fc.constantFrom(':', ':', ':', '::', '')), { maxLength: 9 })
      .map((parts) => parts.flat().join(''));
    let valid = 0;
    fc.assert(
      fc.property(fc.oneof(text, fc.ipV4(), fc.ipV6()), (candidate) => {
        const isAddress = isIP(candidate) !== 0;
        if (isAddress) valid += 1;
        assert.equal(parseAddress(candidate) !== undefined, isAddress, candidate);
      }),
      { numRuns: 5000 },
    );
    assert.ok(valid > 1000, `${valid} of them are addresses`);
  });

  it('mean the same when they are written short', () => {
    fc.assert(
      fc.property(ipv6Bits, (bits) => {
        const long = textOf(bits);
        const short = new URL(`http://[${long}]/`).hostname.slice(1, -1);
        assert.deepEqual(parseAddress(short), parseAddress(long));
      }),
    );
  });

  it('agree with their bits, whatever they are', () => {
    fc.assert(
      fc.property(anyBits, (bits) => {
        const words = parseAddress(textOf(bits)) ?? assert.fail('no address');
        assert.equal(words.map((word) => word.toString(2).padStart(32, '0')).join(''), bits);
      }),
    );
  });
});

describe('networks', () => {
  it('are written as RFC 5952 has them', () => {
    const forms: [string, string][] = [
      ['10.0.0.0/8', '10.0.0.0/8'],
      ['0.0.0.0/0', '0.0.0.0/0'],
      ['10.1.2.3', '10.1.2.3/32'],
      ['2001:0db8:0:0::/32', '2001:db8::/32'],
      ['::/0', '::/0'],
      ['::1', '::1/128'],
      ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
      ['::ffff:0:0/96', '0.0.0.0/0'],
    ];
    for (const [text, expected] of forms) assert.equal(formatPrefix(parsePrefix(text)), expected);
  });

  it('that are wrong are told why', () => {
    const wrong: [string, RegExp][] = [
      ['10.0.0.0/33', /at most 32$/],
      ['::/129', /at most 128$/],
      ['10.0.0.0/', /no network; write it as in 10\.0\.0\.0\/8/],
      ['10.0.0.0/-1', /no network/],
      ['10.0.0.0/8/8', /no network/],
      ['10.0.0/8', /no network/],
      ['', /"" is no network/],
      ['10.1.2.3/16', /bits behind its prefix; write 10\.1\.0\.0\/16 for the network, or 10\.1\.2\.3 for/],
      ['2001:db8::1/64', /write 2001:db8::\/64 for the network/],
      ['::ffff:10.0.0.0/90', /bits behind its prefix/],
      [`\u001b[31m${'x'.repeat(1000)}`, /^"\[31mx{50,60}…" is no network/],
    ];
    for (const [text, message] of wrong)
      assert.throws(() => parsePrefix(text), { name: 'RangeError', message }, text);
  });
});

describe('a table of prefixes', () => {
  it('finds the longest that holds an address', () => {
    const all = table('10.0.0.0/8', '10.1.0.0/16', '10.1.4.0/24', '10.1.4.7', '0.0.0.0/0', '192.168.0.0/16');
    assert.equal(find(all, '10.1.4.7'), '10.1.4.7');
    assert.equal(find(all, '10.1.4.8'), '10.1.4.0/24');
    assert.equal(find(all, '10.1.5.0'), '10.1.0.0/16');
    assert.equal(find(all, '10.255.255.255'), '10.0.0.0/8');
    assert.equal(find(all, '11.0.0.0'), '0.0.0.0/0');
    assert.equal(find(all, '192.168.255.255'), '192.168.0.0/16');
    assert.equal(find(all, '192.169.0.0'), '0.0.0.0/0');
    assert.equal(find(all, '2001:db8::1'), undefined);
  });

  it('goes up over networks that are apart from the address', () => {
    const all = table('10.0.0.0/8', '10.1.0.0/24', '10.1.1.0/25', '2001:db8::/32', '2001:db8:0:1::/64');
    assert.equal(find(all, '10.1.1.200'), '10.0.0.0/8');
    assert.equal(find(all, '2001:db8:0:2::'), '2001:db8::/32');
    assert.equal(find(all, '2001:db9::'), undefined);
  });

  it('may be empty', () => {
    assert.equal(find(table(), '10.0.0.1'), undefined);
    assert.equal(table().match([1]), undefined);
  });

  it('finds what a look at each finds, in both families', () => {
    const some = fc
      .array(network, { maxLength: 40 })
      .chain((networks) =>
        fc.tuple(fc.constant(networks), fc.array(addressNear(networks), { minLength: 1 })),
      );
    fc.assert(
      fc.property(some, ([networks, addresses]) => {
        const entries = networks.map(({ text }, value) => ({ prefix: parsePrefix(text), value }));
        const all = new PrefixTable(entries);
        for (const address of addresses) {
          const words = parseAddress(textOf(address)) ?? assert.fail(address);
          const expected = longest(networks, address);
          const value = expected && networks.lastIndexOf(expected);
          assert.equal(all.find(words), value);
          assert.equal(all.match(words)?.value, value);
          const prefix = all.match(words)?.prefix;
          assert.deepEqual(
            prefix && formatPrefix(prefix),
            expected && formatPrefix(parsePrefix(expected.text)),
          );
        }
      }),
      { numRuns: 2000 },
    );
  });
});
