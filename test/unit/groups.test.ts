import assert from 'node:assert/strict';
import { subnetOf } from '#tcpscope/aggregate/flow-keys.js';
import { parseGroupKeys } from '#tcpscope/aggregate/group-keys.js';
import { HANDSHAKE_KEYS } from '#tcpscope/aggregate/handshake-keys.js';
import { HandshakeGroups, type HandshakeGroup } from '#tcpscope/aggregate/handshake-groups.js';
import { HandshakeTotals } from '#tcpscope/aggregate/handshake-totals.js';
import { PendingAttempts } from '#tcpscope/aggregate/pending.js';
import type { Handshake } from '#tcpscope/model/handshake.js';
import { handshake } from './handshakes.js';

function groupsBy(by: string, items: readonly Handshake[], limit?: number): HandshakeGroups {
  const groups = new HandshakeGroups(parseGroupKeys(by.split(','), HANDSHAKE_KEYS), limit);
  groups.tick(0);
  for (const item of items) groups.add(item);
  return groups;
}

function names(groups: HandshakeGroups): string[] {
  return groups.rows().map(({ keys }) => keys.join(' '));
}

function only(groups: HandshakeGroups): HandshakeGroup['stats'] {
  const [group] = groups.rows();
  assert.ok(group);
  return group.stats;
}

const ATTRIBUTION = {
  workload: {
    name: 'shop/web-7f9/app',
    cgroup: '/kubepods.slice/app',
    containerId: '4f2d',
    container: 'app',
    pod: 'web-7f9',
    namespace: 'shop',
    unit: 'app.service',
  },
  remotePlace: { region: 'eu', role: 'database', external: false },
  service: 'redis',
  host: 'web-1',
};

describe('groups of handshakes', () => {
  it('groups by every key', () => {
    const items = [
      { ...handshake(), ...ATTRIBUTION },
      handshake({ remoteAddress: '2001:db8::1', pid: 0, comm: '', netns: 0, outcome: 'refused' }),
    ];
    const expected: [string, string[]][] = [
      ['remote', ['10.3.0.12:6379', '[2001:db8::1]:6379']],
      ['remote-port', ['6379']],
      ['subnet', ['10.3.0.0/24', '2001:db8::/64']],
      ['subnet:8', ['10.0.0.0/8', '2001:db8::/64']],
      ['subnet:48', ['10.3.0.0/24', '2001:db8::/48']],
      ['subnet:20:33', ['10.3.0.0/20', '2001:db8::/33']],
      ['pid', ['2817', '-']],
      ['comm', ['puma', '-']],
      ['netns', ['4026531840', '-']],
      ['container', ['shop/web-7f9/app', '-']],
      ['pod', ['web-7f9', '-']],
      ['namespace', ['shop', '-']],
      ['unit', ['app.service', '-']],
      ['cgroup', ['/kubepods.slice/app', '-']],
      ['region,role,external', ['eu database no', '- - -']],
      ['service', ['redis', '-']],
      ['host', ['web-1', '-']],
      ['result', ['ok', 'refused']],
      ['comm,remote-port,result', ['puma 6379 ok', '- 6379 refused']],
    ];
    for (const [by, groups] of expected) assert.deepEqual(names(groupsBy(by, items)), groups, by);
  });

  it('refuses keys that do not exist or make no sense, and lists the good ones', () => {
    const bad: [string, RegExp][] = [
      [
        'port',
        /^unknown key "port"; nearest: pod; keys: remote, remote-port, subnet, pid, comm, netns, container, .*, result$/,
      ],
      ['constructor', /unknown key/],
      ['contaner', /^unknown key "contaner"; nearest: container; /],
      ['remote-', /nearest: remote-port; /],
      ['', /unknown key ""/],
      ['pid:3', /key "pid" takes no argument/],
      ...['0', '129', 'x', '', '8:', '48:64', '8:129', '8:0'].map((text): [string, RegExp] => [
        `subnet:${text}`,
        /^bad key "subnet:.*": write subnet:LEN/,
      ]),
    ];
    for (const [by, message] of bad) {
      assert.throws(() => parseGroupKeys([by], HANDSHAKE_KEYS), { name: 'RangeError', message }, by);
    }
  });

  it('finds networks at lengths inside and between bytes', () => {
    assert.equal(subnetOf('255.255.255.255', 1, 64), '128.0.0.0/1');
    assert.equal(subnetOf('255.255.255.255', 13, 64), '255.248.0.0/13');
    assert.equal(subnetOf('10.3.0.12', 32, 64), '10.3.0.12/32');
    assert.equal(subnetOf('2001:db8:ffff:ffff:1:2:3:4', 24, 52), '2001:db8:ffff:f000::/52');
    assert.equal(subnetOf('2001:db8::1', 24, 128), '2001:db8::1/128');
    assert.equal(subnetOf('not an address', 24, 64), '-');
  });

  it('counts outcomes, lost SYNs and the latency of what succeeded', () => {
    const stats = only(
      groupsBy('remote', [
        handshake(),
        handshake({ endNs: 2_003_000_000, syns: 2 }),
        handshake({ outcome: 'refused', endNs: 9e9 }),
        handshake({ outcome: 'abandoned', syns: 4, endNs: 9e9 }),
      ]),
    );
    assert.deepEqual(stats.outcomes(), [
      ['ok', 2],
      ['refused', 1],
      ['abandoned', 1],
    ]);
    assert.deepEqual([stats.finished, stats.ok, stats.failed, stats.lostSyn], [4, 2, 2, 2]);
    assert.equal(stats.synLossPercent, 50);
    assert.deepEqual([stats.latency.count, stats.latency.max], [2, 1_003_000_000]);
  });

  it('folds the smallest groups into one where there are too many, loses nothing, and says so', () => {
    const busy = Array.from({ length: 40 }, (_, at) => handshake({ pid: (at % 2) + 1 }));
    const small = Array.from({ length: 10 }, (_, at) =>
      handshake({ pid: at + 3, outcome: 'refused', syns: 2 }),
    );
    const groups = groupsBy('pid,comm', [...busy.slice(0, 20), ...small, ...busy.slice(20)], 4);
    assert.deepEqual(names(groups), ['1 puma', '2 puma', '11 puma', '12 puma', 'other ']);
    assert.deepEqual(groups.notes(), ['more than 4 groups: the 8 smallest are in "other"']);
    const [first, second, , , other] = groups.rows();
    assert.deepEqual([first?.stats.finished, second?.stats.finished], [20, 20]);
    assert.equal(first?.stats.latency.count, 20);
    assert.deepEqual([other?.stats.finished, other?.stats.failed, other?.stats.lostSyn], [8, 8, 8]);
    groups.tick(1e9);
    assert.equal(other?.stats.recent.ratePerSecond, 8);
    assert.deepEqual(groupsBy('pid', small).notes(), []);
  });

  it('does not fold groups in which attempts hang', () => {
    const hanging = [1, 2, 3].map((pid) => handshake({ pid, outcome: 'pending', startNs: pid }));
    const groups = groupsBy('pid', [...hanging, handshake({ pid: 4 })], 3);
    assert.deepEqual(names(groups), ['1', '2', '3', 'other']);
    assert.deepEqual(groups.notes(), ['more than 3 groups: 1 events are in "other"']);
    groups.add(handshake({ pid: 1, startNs: 1 }));
    assert.deepEqual(
      groups.rows().map(({ stats }) => stats.pending),
      [0, 1, 1, 0],
    );
  });

  it('keeps combinations apart whose texts join to the same', () => {
    const items = [handshake({ comm: 'a b', pid: 1 }), handshake({ comm: 'a', pid: 1 })];
    assert.equal(groupsBy('comm,pid', items).rows().length, 2);
  });

  it('has a rate and a p95 for the last interval only', () => {
    const groups = groupsBy('remote', [handshake(), handshake(), handshake({ outcome: 'reset' })]);
    const { recent } = only(groups);
    assert.equal(recent.ratePerSecond, 0);
    groups.tick(2e9);
    assert.deepEqual([recent.ratePerSecond, recent.p95Ns, groups.intervalSeconds], [1.5, 400_000, 2]);
    groups.tick(3e9);
    assert.deepEqual([recent.ratePerSecond, recent.p95Ns], [0, undefined]);
    groups.add(handshake({ endNs: 1_000_900_000 }));
    groups.tick(4e9);
    assert.deepEqual([recent.ratePerSecond, recent.p95Ns], [1, 900_000]);
    assert.deepEqual(recent.series(4), [undefined, 400_000, undefined, 900_000]);
    assert.deepEqual(recent.series(1), [900_000]);
  });

  it('forgets intervals that are more than a minute of intervals ago', () => {
    const groups = groupsBy('remote', [handshake()]);
    for (let interval = 1; interval <= 60; interval++) groups.tick(interval * 1e9);
    const { recent } = only(groups);
    assert.equal(recent.series(60)[0], 400_000);
    groups.tick(61e9);
    assert.ok(recent.series(60).every((p95) => p95 === undefined));
  });

  it('shows an attempt as pending until its end, in the group that showed it', () => {
    const hanging = handshake({ outcome: 'pending' });
    const groups = groupsBy('result', [hanging, hanging]);
    assert.equal(only(groups).pending, 1);
    groups.add(handshake({ startNs: 7, outcome: 'ok' }));
    assert.equal(only(groups).pending, 1);
    groups.add(handshake({ outcome: 'timeout' }));
    // Nothing is left of the group that had only hanging attempts.
    assert.deepEqual(names(groups), ['ok', 'timeout']);
  });

  it('holds a bounded number of pending attempts', () => {
    const attempts = new PendingAttempts(3);
    const gauge = { pending: 0 };
    for (let startNs = 1; startNs <= 10; startNs++)
      attempts.track(handshake({ startNs, outcome: 'pending' }), gauge);
    assert.equal(gauge.pending, 3);
    for (let startNs = 1; startNs <= 10; startNs++) attempts.track(handshake({ startNs }), gauge);
    assert.equal(gauge.pending, 0);
  });

  it('sums everything up', () => {
    const totals = new HandshakeTotals();
    const pending = handshake({ startNs: 5, outcome: 'pending', pid: 0 });
    for (const item of [
      handshake(),
      handshake({ pid: 0, syns: 2 }),
      handshake({ outcome: 'no-port' }),
      pending,
    ])
      totals.add(item);
    const { count, outcomes, notes, ownersUnknown } = totals.facts();
    assert.deepEqual([count, ownersUnknown], [3, 1]);
    assert.deepEqual(outcomes, [
      ['ok', 2],
      ['no-port', 1],
    ]);
    assert.deepEqual(notes, ['1 still pending', '1 lost a SYN']);
  });
});
