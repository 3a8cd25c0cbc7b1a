/** What redaction promises: the same by the same, different by different, prefixes kept, nothing left. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { createRedactor, type NameKind } from '#tcpscope/record/redact.js';
import { RecordingWriter } from '#tcpscope/record/writer.js';
import { handshake } from '../unit/handshakes.js';
import {
  FIXTURES,
  NO_LOSSES,
  START,
  facts,
  linesOf,
  newPath,
  readAll,
  record,
  retransmit,
  socketGrowth,
  meeting,
} from './support.js';

const KEY = new TextEncoder().encode('a key of the tests');
const KINDS: readonly NameKind[] = [
  'comm',
  'container',
  'pod',
  'namespace',
  'unit',
  'cgroup',
  'netns',
  'name',
  'host',
  'region',
  'role',
];

const bits = (address: string): string =>
  ipaddr
    .parse(address)
    .toByteArray()
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('');

function commonBits(a: string, b: string): number {
  const [left, right] = [bits(a), bits(b)];
  let count = 0;
  while (count < left.length && left[count] === right[count]) count++;
  return count;
}

/** Two addresses that have some bits in common, often many. */
const pairOf = (bytes: 4 | 16): fc.Arbitrary<[string, string]> =>
  fc
    .tuple(
      fc.uint8Array({ minLength: bytes, maxLength: bytes }),
      fc.uint8Array({ minLength: bytes, maxLength: bytes }),
      fc.nat(bytes * 8),
    )
    .map(([first, other, common]) => {
      const second = first.map((byte, index) => {
        const kept = Math.min(8, Math.max(0, common - index * 8));
        const mask = (0xff00 >> kept) & 0xff;
        return (byte & mask) | (other[index]! & ~mask);
      });
      return [text(first), text(second)];
    });
const text = (bytes: Uint8Array): string => {
  const parsed = ipaddr.fromByteArray([...bytes]);
  return parsed instanceof ipaddr.IPv6 ? parsed.toRFC5952String() : parsed.toString();
};

describe('redaction', () => {
  const redactor = createRedactor(KEY);

  for (const [family, bytes] of [
    ['IPv4', 4],
    ['IPv6', 16],
  ] as const)
    it(`${family} addresses that have n bits in common have n bits in common afterwards`, () => {
      fc.assert(
        fc.property(pairOf(bytes), ([a, b]) => {
          assert.equal(commonBits(redactor.address(a), redactor.address(b)), commonBits(a, b));
        }),
        { numRuns: 2000, seed: 11 },
      );
    });

  it('addresses change, but for those that say nothing', () => {
    fc.assert(
      fc.property(pairOf(4), ([a]) => {
        fc.pre(!/^(127|169\.254)\.|^0\.0\.0\.0$/.test(a));
        assert.notEqual(redactor.address(a), a);
      }),
      { numRuns: 2000, seed: 12 },
    );
    for (const same of ['0.0.0.0', '::', '::1']) assert.equal(redactor.address(same), same);
    assert.match(redactor.address('127.0.0.53'), /^127\./);
    assert.match(redactor.address('169.254.169.254'), /^169\.254\./);
    assert.match(redactor.address('fe80::1234'), /^fe[89ab]/);
    assert.match(redactor.address('::ffff:10.1.2.3'), /^::ffff:/);
    assert.equal(redactor.address('::ffff:10.1.2.3').slice(7), redactor.address('10.1.2.3'));
    assert.equal(redactor.address('secret.example'), '0.0.0.0');
  });

  it('nothing else comes to lie among those', () => {
    fc.assert(
      fc.property(pairOf(4), ([a]) => {
        const kind = (address: string): string => ipaddr.parse(address).range();
        for (const range of ['loopback', 'linkLocal'])
          assert.equal(kind(a) === range, kind(redactor.address(a)) === range);
      }),
      { numRuns: 5000, seed: 13 },
    );
  });

  it('names: the same word for the same name of a kind, another one for another', () => {
    const words = new Set<string>();
    for (const kind of KINDS)
      for (let index = 0; index < 2000; index++) {
        const word = redactor.name(kind, `web-${index}`);
        assert.match(word, new RegExp(`^${kind}-[0-9a-f]{10}$`));
        words.add(word);
      }
    assert.equal(words.size, KINDS.length * 2000);
    assert.equal(redactor.name('pod', ''), '');
  });

  it('the same key gives the same words in another file, another key other ones', () => {
    const [again, other, random] = [
      createRedactor(KEY),
      createRedactor(new Uint8Array([1])),
      createRedactor(),
    ];
    for (const make of [
      (by: typeof again) => by.address('10.1.4.7'),
      (by: typeof again) => by.address('2001:db8::7'),
      (by: typeof again) => by.name('pod', 'web'),
      (by: typeof again) => by.hex('0123456789ab'),
      (by: typeof again) => String(by.socket(4711)),
    ]) {
      assert.equal(make(again), make(redactor));
      assert.equal(new Set([make(again), make(other), make(random)]).size, 3);
    }
  });

  it('a workload keeps its form', () => {
    const containerId = '0123456789abcdef'.repeat(4);
    const replaced = redactor.workload({
      name: 'shop/web-7f9/app',
      cgroup: '/kubepods.slice/x.scope',
      containerId,
      container: 'app',
      pod: 'web-7f9',
      namespace: 'shop',
      unit: undefined,
    });
    assert.equal(replaced.name, `${replaced.namespace}/${replaced.pod}/${replaced.container}`);
    assert.equal(
      replaced.cgroup,
      `/${redactor.name('cgroup', 'kubepods.slice')}/${redactor.name('cgroup', 'x.scope')}`,
    );
    assert.match(replaced.containerId ?? '', /^[0-9a-f]{64}$/);
    const docker = redactor.workload({ ...replaced, name: '0123456789ab', containerId, pod: undefined });
    assert.equal(docker.name, docker.containerId?.slice(0, 12));
  });

  it('leaves nothing of what was there in the file', async () => {
    const secrets = {
      addresses: ['203.0.113.77', '198.51.100.23', '2001:db8:aaaa::77', '2001:db8:bbbb::23'],
      names: [
        'topsecret',
        'cont41ner',
        'p0d-zz',
        'n4mespace',
        'un1t.service',
        'cgr0up.slice',
        'n3tns',
        'dns.example.org',
        'h0st-name',
        'r3gion',
        'r0le',
      ],
      arguments: ['--comm', 'topsecret'],
      id: 'feedface'.repeat(8),
      bootId: 'deadbeef-0d55-4a52-9d5e-2b3f0e6a7c11',
      socket: 0x80_1234_5678_00,
    };
    const [comm, container, pod, namespace, unit, cgroup, netnsName, remoteName, host, region, role] =
      secrets.names as [
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
      ];
    const attribution = {
      workload: {
        name: `${namespace}/${pod}/${container}`,
        cgroup: `/${cgroup}/cri-${secrets.id}.scope`,
        containerId: secrets.id,
        container,
        pod,
        namespace,
        unit,
      },
      netnsName,
      localPlace: { region, role, external: false },
      remotePlace: { region, role: undefined, external: true },
      remoteName,
      host,
    };
    const [v4a, v4b, v6a, v6b] = secrets.addresses as [string, string, string, string];
    const between = { comm, localAddress: v4a, remoteAddress: v4b, ...attribution };
    const between6 = { comm, localAddress: v6a, remoteAddress: v6b, ...attribution };
    const where = newPath();
    const writer = await RecordingWriter.create(
      where,
      {
        ...facts,
        arguments: secrets.arguments,
        host: { name: host, kernel: '6.1', machine: 'x86_64', bootId: secrets.bootId },
      },
      { redactor: createRedactor(KEY) },
    );
    writer.add(handshake({ ...between, socket: secrets.socket }));
    writer.add(retransmit({ ...between6, socket: secrets.socket }));
    writer.add(socketGrowth(between6));
    writer.add(meeting({ localAddress: v4b, remoteAddress: v4a }));
    writer.name(v4b, remoteName);
    await writer.close({ losses: NO_LOSSES, endedNs: START.monotonicNs });
    const written = linesOf(where).join('\n');
    const all = [
      ...secrets.addresses,
      ...secrets.names,
      ...secrets.arguments,
      secrets.id,
      'deadbeef',
      'feedface',
      String(secrets.socket),
    ];
    for (const secret of all) assert.ok(!written.includes(secret), `${secret} is in the file`);
    const { items, file } = await readAll(where);
    assert.equal(items.length, 3);
    assert.equal(file.head.redacted, true);
    const [item] = items;
    assert.ok(item);
    assert.equal(item.localPort, handshake().localPort);
    assert.equal(item.pid, handshake().pid);
    assert.equal(item.remoteName, createRedactor(KEY).name('name', remoteName));
    assert.equal(item.remoteAddress, createRedactor(KEY).address(v4b));
  });

  it('a real recording, redacted: as many items of the same kinds, of none of its addresses', async () => {
    const original = await readAll(path.join(FIXTURES, 'handshakes.tsr'));
    const where = await record([original.items], {
      redactor: createRedactor(KEY),
      facts: { host: original.file.head.host },
    });
    const { items } = await readAll(where);
    const latencies = (list: typeof items): number[] =>
      list.map((item) => ('endNs' in item ? item.endNs - item.startNs : NaN));
    assert.deepEqual(latencies(items), latencies(original.items));
    const written = linesOf(where).join('\n');
    for (const secret of [
      '10.77.0.1',
      '10.77.0.2',
      'fd77::',
      'puma',
      'curl',
      'traffic',
      'client',
      'server.example',
      '"lab"',
    ])
      assert.ok(!written.includes(secret), secret);
    assert.ok(readFileSync(where).length < 20_000);
  });
});
