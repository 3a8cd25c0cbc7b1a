import assert from 'node:assert/strict';
import { parseGroupKeys } from '#tcpscope/aggregate/group-keys.js';
import { IntervalClock, RecentCount } from '#tcpscope/aggregate/recent.js';
import { RetransmitGroups, type RetransmitGroup } from '#tcpscope/aggregate/retransmit-groups.js';
import { RETRANSMIT_KEYS } from '#tcpscope/aggregate/retransmit-keys.js';
import { RetransmitTotals } from '#tcpscope/aggregate/retransmit-totals.js';
import { StallClock } from '#tcpscope/aggregate/stall-clock.js';
import type { TextContext } from '#tcpscope/model/column.js';
import {
  isFailed,
  isRetransmit,
  stallNs,
  type RetransItem,
  type Retransmit,
} from '#tcpscope/model/retransmit.js';
import { findColumn, textColumns } from '#tcpscope/model/select.js';
import { retransmitColumns, type SequenceFormat } from '#tcpscope/view/retransmit-columns.js';
import { retransmitGroupColumns } from '#tcpscope/view/retransmit-group-columns.js';
import { viewOf } from '#tcpscope/view/select-items.js';
import { growth, retransmit } from './retransmits.js';

const context: TextContext = { clockOffsetNs: 0, timeFormat: 'utc', startedNs: 0 };

/** A timer that fires at `at` seconds, the last progress being at `since`. */
function fired(at: number, since: number, difference: Partial<Retransmit> = {}): Retransmit {
  return retransmit({ timeNs: at * 1e9, progressNs: since * 1e9, ...difference });
}

/** The seconds that each of these adds. */
function added(clock: StallClock, segments: readonly Retransmit[]): number[] {
  return segments.map((segment) => clock.added(segment) / 1e9);
}

describe('stalls', () => {
  it('last from the last progress to the timer, and are unknown where ACKs made it send', () => {
    assert.equal(stallNs(fired(12.5, 12)), 500_000_000);
    assert.equal(stallNs(retransmit({ progressNs: 0 })), undefined);
    // Two clocks that differ a little make no negative time.
    assert.equal(stallNs(retransmit({ timeNs: 5, progressNs: 7 })), 0);
  });

  it('count each moment once, however often the timer fires meanwhile', () => {
    const clock = new StallClock();
    assert.deepEqual(
      added(clock, [fired(11, 10), fired(13, 10), fired(17, 10), fired(17, 10)]),
      [1, 2, 4, 0],
    );
    // The flow moved at 20 and stood still again.
    assert.deepEqual(added(clock, [fired(20.5, 20), fired(21.5, 20)]), [0.5, 1]);
  });

  it('count flows apart, though their times overlap', () => {
    const clock = new StallClock();
    const other = { socket: 16 };
    assert.deepEqual(
      added(clock, [fired(11, 10), fired(11, 9, other), fired(13, 10), fired(15, 9, other)]),
      [1, 2, 2, 4],
    );
  });

  it('count the handshakes of one listener apart, by peer port and sequence number', () => {
    const clock = new StallClock();
    const first = { kind: 'synack', remotePort: 40_001, sequence: 7 } as const;
    assert.deepEqual(
      added(clock, [
        fired(11, 10, first),
        fired(11, 10, { ...first, remotePort: 40_002 }),
        fired(11, 10, { ...first, sequence: 8 }),
        fired(13, 10, first),
        fired(11, 10, { socket: 8 }),
      ]),
      [1, 1, 1, 2, 1],
    );
  });

  it('are no stall where ACKs made it send, which leaves the next one whole', () => {
    const clock = new StallClock();
    assert.deepEqual(
      added(clock, [fired(11, 10), retransmit({ kind: 'loss', timeNs: 12e9, progressNs: 0 }), fired(14, 13)]),
      [1, 0, 1],
    );
  });

  it('forget the flow that was quiet longest when there are too many', () => {
    const clock = new StallClock(2);
    const [a, b, c] = [{ socket: 8 }, { socket: 16 }, { socket: 24 }];
    assert.deepEqual(added(clock, [fired(11, 10, a), fired(11, 10, b), fired(12, 10, a)]), [1, 1, 1]);
    // The third pushes out b, not a.
    assert.deepEqual(added(clock, [fired(12, 10, c), fired(13, 10, a), fired(13, 10, b)]), [2, 1, 3]);
  });
});

describe('recent counts', () => {
  it('have a value in each interval in which something was counted', () => {
    const clock = new IntervalClock();
    const recent = new RecentCount(clock);
    clock.tick(0);
    recent.record(3);
    recent.record(4);
    assert.deepEqual(recent.series(3), [undefined, undefined, undefined]);
    clock.tick(2e9);
    assert.deepEqual([recent.ratePerSecond, recent.series(3)], [3.5, [undefined, undefined, 7]]);
    clock.tick(4e9);
    recent.record(0);
    clock.tick(6e9);
    recent.record(11);
    clock.tick(7e9);
    assert.deepEqual([recent.ratePerSecond, recent.series(4)], [11, [7, undefined, undefined, 11]]);
    clock.tick(8e9);
    assert.deepEqual([recent.ratePerSecond, recent.series(1)], [0, [undefined]]);
  });

  it('reach 60 intervals back', () => {
    const clock = new IntervalClock();
    const recent = new RecentCount(clock);
    clock.tick(0);
    recent.record(5);
    for (let interval = 1; interval <= 60; interval++) clock.tick(interval * 1e9);
    assert.equal(recent.series(60)[0], 5);
    clock.tick(61e9);
    assert.deepEqual(new Set(recent.series(60)), new Set([undefined]));
  });
});

function groupsBy(by: string, items: readonly RetransItem[]): RetransmitGroups {
  const groups = new RetransmitGroups(parseGroupKeys(by.split(','), RETRANSMIT_KEYS));
  groups.tick(0);
  for (const item of items) groups.add(item);
  return groups;
}

/** What a table says of its only group. */
function onlyRow(by: string, items: readonly RetransItem[], columns: readonly string[]): string[] {
  const groups = groupsBy(by, items);
  const all = retransmitGroupColumns(groups.keys, () => 1);
  const [row, ...others] = groups.rows();
  assert.ok(row && others.length === 0);
  return columns.map((key) => findColumn<RetransmitGroup>(all, key).text(row, context, 10));
}

describe('groups of retransmissions', () => {
  const items = [
    retransmit({ segments: 3, kind: 'fast', progressNs: 0 }),
    fired(11, 10, { tries: 2 }),
    fired(13, 10, { tries: 3, error: -105, segments: 5 }),
    growth({ segsOut: 200, spurious: 2 }),
    growth({ segsOut: 200, undone: 1 }),
  ];

  it('count segments by kind, failures apart, and hold them against what was sent', () => {
    const columns = ['retrans', 'fast', 'rto', 'failed', 'sent', 'ratio_percent', 'spurious', 'undone'];
    assert.deepEqual(onlyRow('remote', items, columns), ['4', '3', '1', '5', '400', '1.0%', '2', '1']);
  });

  it('have stood still while nothing could leave, too', () => {
    assert.deepEqual(onlyRow('remote', items, ['stall_us']), ['3.0 s']);
    const stalled = onlyRow('remote', [fired(11, 10, { error: 1 })], ['retrans', 'stall_us']);
    assert.deepEqual(stalled, ['0', '1.0 s']);
  });

  it('know nothing of whole sockets where they divide them', () => {
    const segments = items.filter(({ type }) => type === 'retransmit');
    for (const by of ['kind', 'state', 'comm,kind']) {
      const fast = groupsBy(by, [segments[0]!, ...items.slice(3)]);
      assert.equal(fast.rows().length, 1, by);
      const unknown = onlyRow(by, [segments[0]!, ...items.slice(3)], ['sent', 'ratio_percent', 'spurious']);
      assert.deepEqual(unknown, ['-', '-', '-'], by);
    }
  });

  it('never show a ratio above all, though a handshake may be no part of what was sent', () => {
    assert.deepEqual(
      onlyRow('comm', [retransmit({ segments: 9 }), growth({ segsOut: 3 })], ['ratio_percent']),
      ['100%'],
    );
  });

  it('leave out who only sent', () => {
    const groups = groupsBy('comm', [growth({ comm: 'quiet' }), retransmit(), growth()]);
    assert.deepEqual(
      groups.rows().map(({ keys }) => keys),
      [['puma']],
    );
  });

  it('hide what the keys make constant', () => {
    const shown = (by: string): string[] =>
      textColumns(retransmitGroupColumns(parseGroupKeys(by.split(','), RETRANSMIT_KEYS), () => 1)).map(
        ({ key }) => key,
      );
    assert.deepEqual(shown('kind'), ['kind', 'rate_per_s', 'retrans', 'stall_us', 'last']);
    assert.deepEqual(shown('remote'), [
      ...['remote', 'rate_per_s', 'sent', 'retrans', 'ratio_percent'],
      ...['syn', 'synack', 'fast', 'rto', 'loss', 'tlp', 'stall_us', 'spurious', 'last'],
    ]);
    assert.ok(!shown('state').includes('sent') && shown('state').includes('rto'));
  });

  it('say how many segments could not leave', () => {
    assert.deepEqual(groupsBy('comm', items).notes(), ['could not leave this host: 5 (column failed)']);
    assert.deepEqual(groupsBy('comm', items.slice(0, 2)).notes(), []);
  });

  it('sum up for the summary', () => {
    const totals = new RetransmitTotals();
    for (const item of [...items, retransmit({ pid: 0, comm: '', kind: 'tlp' })]) totals.add(item);
    const { count, outcomes, notes, ownersUnknown } = totals.facts();
    assert.deepEqual([count, ownersUnknown], [5, 1]);
    assert.deepEqual(outcomes, [
      ['fast', 3],
      ['rto', 1],
      ['tlp', 1],
    ]);
    assert.deepEqual(notes, [
      '5 could not leave this host',
      '2 had arrived the first time',
      '1 recovery taken back',
      'flows stood still 3.0 s',
      '1.3% of 400 sent',
    ]);
  });
});

describe('columns of a retransmission', () => {
  const text = (key: string, item: Retransmit, format: SequenceFormat = 'relative'): string =>
    findColumn(retransmitColumns('utc', format), key).text(item, context, 10);

  it('counts sequence numbers from the SYN, modulo 2^32', () => {
    const pairs: [initial: number, sequence: number, relative: string][] = [
      [1000, 1000, '0'],
      [1000, 1001, '1'],
      [4_294_967_295, 0, '1'],
      [4_294_967_000, 100, '396'],
      [1, 0, '4294967295'],
      [0, 4_294_967_295, '4294967295'],
      [2_147_483_648, 2_147_483_647, '4294967295'],
    ];
    for (const [initialSequence, sequence, relative] of pairs) {
      const item = retransmit({ initialSequence, sequence });
      assert.equal(text('seq', item), relative);
      assert.equal(text('seq', item, 'absolute'), String(sequence));
    }
    const unknown = retransmit({ startKnown: false, initialSequence: 0, sequence: 77 });
    assert.deepEqual([text('seq', unknown), text('seq', unknown, 'absolute')], ['-', '77']);
  });

  it('names why a segment could not leave', () => {
    const named = [0, 1, -1, -101, -105, -4095].map((error) => text('error', retransmit({ error })));
    assert.deepEqual(named, ['-', 'NET_XMIT_DROP', 'EPERM', 'ENETUNREACH', 'ENOBUFS', 'errno 4095']);
    assert.deepEqual(
      [0, 1, -1].map((error) => [isFailed(retransmit({ error })), text('kind', retransmit({ error }))]),
      [
        [false, 'rto'],
        [true, 'rto!'],
        [true, 'rto!'],
      ],
    );
  });

  it('has no value where the kernel has none', () => {
    const fresh = retransmit({ ssthresh: 0x7fffffff, minRttUs: 0xffffffff, srttUs: 0, progressNs: 0 });
    for (const key of ['ssthresh', 'min_rtt_us', 'srtt_us', 'stall_us'])
      assert.equal(text(key, fresh), '-', key);
    const synack = retransmit({ kind: 'synack', cwnd: 0, caState: 0, lostOut: 0, mss: 0 });
    for (const key of ['cwnd', 'ca_state', 'lost_out', 'mss', 'segs_out'])
      assert.equal(text(key, synack), '-', key);
    assert.equal(text('lost_out', retransmit({ lostOut: 0 })), '0');
    assert.equal(text('ca_state', retransmit({ caState: 9 })), 'state 9');
  });
});

describe('viewOf', () => {
  it('gives a view its own items and leaves the rest of it alone', () => {
    const seen: Retransmit[] = [];
    const view = viewOf(isRetransmit, {
      begin: () => 'first',
      items: (items: readonly Retransmit[], offsetNs) => {
        seen.push(...items);
        return `${items.length} at ${offsetNs}`;
      },
      frame: (nowNs, offsetNs) => `frame ${nowNs} ${offsetNs}`,
    });
    const [first, second] = [retransmit({ tries: 1 }), retransmit({ tries: 2 })];
    assert.equal(view.items([growth(), first, growth(), second], 7), '2 at 7');
    assert.deepEqual(seen, [first, second]);
    assert.equal(view.items([growth()], 7), '0 at 7');
    assert.deepEqual([view.begin(), view.frame(1, 2)], ['first', 'frame 1 2']);
  });
});
