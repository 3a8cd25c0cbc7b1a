import assert from 'node:assert/strict';
import { Blocks } from '#tcpscope/aggregate/blocks.js';
import { verdictOf, type DiffResult, type Side, type Sides } from '#tcpscope/aggregate/diff.js';
import { parseGroupKeys } from '#tcpscope/aggregate/group-keys.js';
import { HandshakeDiff, type HandshakeDiffRow } from '#tcpscope/aggregate/handshake-diff.js';
import { HANDSHAKE_KEYS } from '#tcpscope/aggregate/handshake-keys.js';
import { RetransmitDiff, type RetransmitDiffRow } from '#tcpscope/aggregate/retransmit-diff.js';
import { RETRANSMIT_KEYS } from '#tcpscope/aggregate/retransmit-keys.js';
import type { Handshake } from '#tcpscope/model/handshake.js';
import type { RetransItem } from '#tcpscope/model/retransmit.js';
import { formatP } from '#tcpscope/view/diff-columns.js';
import { handshake } from './handshakes.js';
import { seededRandom } from './random.js';
import { growth, retransmit } from './retransmits.js';

const SECOND = 1e9;
const MINUTE: Sides<number> = { before: 60 * SECOND, after: 60 * SECOND };
/** The recordings do not start at the same time. */
const STARTED: Sides<number> = { before: 1000 * SECOND, after: 500_000 * SECOND };

class Total {
  sum = 0;

  merge({ sum }: Total): void {
    this.sum += sum;
  }
}

/** What a side is made of: attempts a second, their latency in µs, and how many of a hundred fail or lose a SYN. */
interface Traffic {
  perSecond: number;
  latencyUs?: number;
  failPercent?: number;
  lossPercent?: number;
  seconds?: number;
  port?: number;
}

function attempts(side: Side, { perSecond, seconds = 60, ...traffic }: Traffic): Handshake[] {
  const { latencyUs = 400, failPercent = 0, lossPercent = 0, port = 6379 } = traffic;
  const random = seededRandom(side === 'before' ? 3 : 4);
  return Array.from({ length: perSecond * seconds }, (_, at) => {
    const endNs = STARTED[side] + Math.floor(((at + random()) / perSecond) * SECOND);
    const latency = latencyUs * (0.5 + random());
    return handshake({
      startNs: Math.round(endNs - latency * 1000),
      endNs,
      outcome: random() * 100 < failPercent ? 'refused' : 'ok',
      syns: random() * 100 < lossPercent ? 2 : 1,
      remotePort: port,
    });
  });
}

type HandshakeResult = DiffResult<
  HandshakeDiffRow['stats'][Side],
  'latency' | 'failures' | 'syn_loss' | 'attempts'
>;

function diffOf(
  before: readonly Handshake[],
  after: readonly Handshake[],
  by = 'remote-port',
  limit?: number,
): HandshakeResult {
  const diff = new HandshakeDiff(parseGroupKeys(by.split(','), HANDSHAKE_KEYS), STARTED, limit);
  for (const item of before) diff.add('before', item);
  for (const item of after) diff.add('after', item);
  return diff.finish(MINUTE);
}

function only<Row>({ rows }: { rows: readonly Row[] }): Row {
  assert.equal(rows.length, 1);
  return rows[0]!;
}

const verdict = (before: Traffic, after: Traffic, by?: string): string =>
  verdictOf(only(diffOf(attempts('before', before), attempts('after', after), by)));

function retransDiff(
  before: readonly RetransItem[],
  after: readonly RetransItem[],
  by = 'remote-port',
  durationsNs = MINUTE,
): DiffResult<RetransmitDiffRow['stats'][Side], 'retransmits' | 'ratio' | 'stalls'> {
  const diff = new RetransmitDiff(parseGroupKeys(by.split(','), RETRANSMIT_KEYS), STARTED);
  for (const item of before) diff.add('before', item);
  for (const item of after) diff.add('after', item);
  return diff.finish(durationsNs);
}

/** Each second sockets send a hundred segments, and some of them again after a stall. */
function segments(side: Side, again: (second: number) => number, stallMs = 300): RetransItem[] {
  return Array.from({ length: 60 }, (_, second): RetransItem[] => {
    const timeNs = STARTED[side] + second * SECOND + SECOND / 2;
    const times = again(second);
    return [
      growth({ timeNs, segsOut: 100 }),
      ...Array.from({ length: times }, (_, at) =>
        retransmit({
          timeNs: timeNs + at,
          socket: second * 100 + at,
          progressNs: timeNs - (stallMs + at) * 1e6,
        }),
      ),
    ];
  }).flat();
}

describe('blocks of time', () => {
  it('become longer when there are too many, and add up to the same', () => {
    const blocks = new Blocks(100 * SECOND, 8, () => new Total());
    for (let at = 0; at < 30; at++) blocks.at((100 + at) * SECOND).sum += 1;
    blocks.at(0).sum += 5; // before the start
    assert.equal(blocks.lengthNs, 4 * SECOND);
    assert.deepEqual(
      blocks.all().map(({ sum }) => sum),
      [9, 4, 4, 4, 4, 4, 4, 2],
    );
    const sums = blocks.series(8 * SECOND, 3)?.map((block) => block?.sum);
    assert.deepEqual(sums, [13, 8, 8]);
    assert.equal(blocks.series(2 * SECOND, 3), undefined);
  });

  it('know where nothing happened', () => {
    const blocks = new Blocks(0, 8, () => new Total());
    blocks.at(2.5 * SECOND).sum += 7;
    assert.deepEqual(
      blocks.series(SECOND, 4)?.map((block) => block?.sum),
      [undefined, undefined, 7, undefined],
    );
  });
});

describe('verdicts on handshakes', () => {
  it('say what changed, in both directions', () => {
    const usual: Traffic = { perSecond: 20, failPercent: 2, lossPercent: 1 };
    assert.equal(verdict(usual, usual), 'same');
    assert.equal(verdict(usual, { ...usual, latencyUs: 800 }), 'slower');
    assert.equal(verdict({ ...usual, latencyUs: 800 }, usual), 'faster');
    assert.equal(verdict(usual, { ...usual, failPercent: 10 }), 'more failures');
    assert.equal(verdict({ ...usual, failPercent: 10 }, usual), 'fewer failures');
    assert.equal(verdict(usual, { ...usual, lossPercent: 8 }), 'more SYN loss');
    assert.equal(verdict({ ...usual, lossPercent: 8 }, usual), 'less SYN loss');
  });

  it('put the biggest change first', () => {
    const usual: Traffic = { perSecond: 20, failPercent: 2 };
    // A doubling, and thirty points: 1 and 3.
    assert.equal(verdict(usual, { ...usual, latencyUs: 800, failPercent: 32 }), 'more failures, slower');
    assert.equal(verdict(usual, { ...usual, latencyUs: 8000, failPercent: 12 }), 'slower, more failures');
  });

  it('are not given for less than 5 % of a duration, however certain', () => {
    const { class: found, tests } = only(
      diffOf(attempts('before', { perSecond: 2000 }), attempts('after', { perSecond: 2000, latencyUs: 412 })),
    );
    assert.equal(found, 'same');
    assert.ok((tests[0]?.p ?? 1) < 1e-6);
  });

  it('are not given for too few attempts, or attempts at too few times', () => {
    const many = attempts('before', { perSecond: 20 });
    const few = attempts('after', { perSecond: 1, seconds: 7 });
    assert.equal(verdictOf(only(diffOf(many, few))), 'too few (7 of 8)');
    const atOnce = attempts('after', { perSecond: 50, seconds: 1 });
    assert.equal(verdictOf(only(diffOf(many, atOnce))), 'too few (1 of 5 times)');
    assert.equal(diffOf(many, few).comparisons, 0);
  });

  it('know groups of one recording only', () => {
    const one = attempts('before', { perSecond: 1, port: 1 });
    const two = attempts('after', { perSecond: 1, port: 2 });
    const verdicts = diffOf(one, two).rows.map((row) => `${row.keys[0]} ${verdictOf(row)}`);
    assert.deepEqual(verdicts.sort(), ['1 gone', '2 new']);
  });

  it('call one burst of failures unclear', () => {
    const quiet = { perSecond: 20 };
    const after = attempts('after', quiet).map((attempt, at) =>
      at >= 600 && at < 620 ? { ...attempt, outcome: 'refused' as const } : attempt,
    );
    const row = only(diffOf(attempts('before', quiet), after));
    assert.equal(row.class, 'unclear');
    assert.equal(row.changes[0]?.name, 'failures');
    assert.ok(row.changes[0].independentP < 0.001 && row.changes[0].p > 0.5);
  });

  it('leave out attempts that hang', () => {
    const hanging = handshake({ outcome: 'pending', endNs: STARTED.after });
    assert.deepEqual(diffOf([], [hanging]).rows, []);
  });

  it('by result are of their number', () => {
    const verdicts = diffOf(
      attempts('before', { perSecond: 20, failPercent: 5 }),
      attempts('after', { perSecond: 20, failPercent: 30 }),
      'result',
    ).rows.map((row) => `${row.keys[0]} ${verdictOf(row)}`);
    assert.deepEqual(verdicts, ['refused more attempts', 'ok fewer attempts']);
  });
});

describe('order and adjustment', () => {
  const ports = Array.from({ length: 40 }, (_, at) => at + 1);
  const before = ports.flatMap((port) => attempts('before', { perSecond: 5, port }));

  it('sorts by class, then by size, then by number', () => {
    const change = (port: number): Traffic => {
      if (port === 7) return { perSecond: 5, port, latencyUs: 600 };
      if (port === 9) return { perSecond: 5, port, latencyUs: 4000 };
      if (port === 11) return { perSecond: 5, port, failPercent: 20 };
      return { perSecond: port === 30 ? 0 : 5, port: port === 31 ? 999 : port };
    };
    const after = ports.flatMap((port) => attempts('after', change(port)));
    const { rows } = diffOf(before, after);
    const first = rows.slice(0, 6).map((row) => `${row.keys[0]} ${verdictOf(row)}`);
    assert.deepEqual(first.slice(0, 3), ['9 slower', '11 more failures', '7 slower']);
    assert.deepEqual(first.slice(3).sort(), ['30 gone', '31 gone', '999 new']);
    assert.ok(rows.slice(6).every((row) => row.class === 'same'));
    const scores = rows.map(({ score }) => score);
    assert.ok(Math.abs(scores[0]! - Math.log2(10)) < 0.3, String(scores[0]));
    assert.ok(Math.abs(scores[1]! - 2) < 0.6, String(scores[1]));
  });

  it('adjusts for what it shows: one group alone has a smaller p', () => {
    const after = ports.flatMap((port) =>
      attempts('after', { perSecond: 5, port, latencyUs: port === 1 ? 450 : 400 }),
    );
    const all = diffOf(before, after);
    const portOne = (items: readonly Handshake[]): Handshake[] =>
      items.filter(({ remotePort }) => remotePort === 1);
    const alone = only(diffOf(portOne(before), portOne(after)));
    const among = all.rows.find(({ keys }) => keys[0] === '1');
    assert.equal(all.comparisons, 40);
    assert.ok(among && alone.tests[0] && among.tests[0]);
    assert.ok(Math.abs(among.tests[0].p / alone.tests[0].p - 40) < 1e-6);
  });

  it('gathers what is beyond the limit of groups', () => {
    const { rows, notes } = diffOf(before, before, 'remote-port', 3);
    assert.equal(rows.length, 4);
    assert.ok(rows.some(({ keys }) => keys[0] === 'other'));
    assert.match(notes[0] ?? '', /^more than 3 groups: /);
  });

  it('finds nothing in forty groups that are the same, nearly always', () => {
    const { rows } = diffOf(
      before,
      ports.flatMap((port) => attempts('after', { perSecond: 5, port })),
    );
    assert.ok(rows.filter((row) => row.class === 'changed').length === 0);
  });
});

describe('verdicts on retransmissions', () => {
  const some = (second: number): number => second % 3;
  const verdictsOf = (before: RetransItem[], after: RetransItem[]): string =>
    verdictOf(only(retransDiff(before, after)));

  it('say what changed, in both directions', () => {
    assert.equal(verdictsOf(segments('before', some), segments('after', some)), 'same');
    const more = segments('after', (second) => 3 + some(second));
    assert.equal(verdictsOf(segments('before', some), more), 'more retransmits, higher ratio');
    const much = segments('before', (second) => 3 + some(second));
    assert.equal(verdictsOf(much, segments('after', some)), 'fewer retransmits, lower ratio');
    assert.equal(verdictsOf(segments('before', some), segments('after', some, 900)), 'longer stalls');
    assert.equal(verdictsOf(segments('before', some, 900), segments('after', some)), 'shorter stalls');
  });

  it('of sockets that had lost nothing before are changes, not new ones', () => {
    const row = only(
      retransDiff(
        segments('before', () => 0),
        segments('after', () => 2),
      ),
    );
    assert.equal(row.class, 'changed');
    assert.equal(row.changes[0]?.finding, 'more retransmits');
    // Without counts of what was sent nothing is known of the group before.
    const unsent = retransDiff(
      segments('before', () => 0),
      segments('after', () => 2),
      'kind',
    );
    assert.equal(only(unsent).class, 'new');
  });

  it('call one burst unclear', () => {
    const row = only(
      retransDiff(
        segments('before', () => 0),
        segments('after', (second) => (second === 30 ? 60 : 0)),
      ),
    );
    assert.equal(row.class, 'unclear');
  });

  it('need recordings of 20 s, and 8 segments on one side', () => {
    const [before, after] = [segments('before', some), segments('after', some)];
    const short = retransDiff(before, after, 'remote-port', { before: 60 * SECOND, after: 12.5 * SECOND });
    assert.equal(verdictOf(only(short)), 'too few (12 of 20 s)');
    const rare = (side: Side): RetransItem[] => segments(side, (second) => (second < 7 ? 1 : 0));
    assert.equal(verdictsOf(rare('before'), rare('after')), 'too few (7 of 8)');
  });

  it('compare recordings of different length by rate', () => {
    const [before, after] = [segments('before', some), segments('after', some)];
    const half = after.filter(({ timeNs }) => timeNs < STARTED.after + 30 * SECOND);
    const shorter = retransDiff(before, half, 'remote-port', { before: 60 * SECOND, after: 30 * SECOND });
    assert.equal(verdictOf(only(shorter)), 'same');
  });

  it('leaves out groups that lost nothing', () => {
    assert.deepEqual(
      retransDiff(
        segments('before', () => 0),
        segments('after', () => 0),
      ).rows,
      [],
    );
  });
});

describe('p for people', () => {
  it('is never rounded to 0', () => {
    const texts = [0, 0.0004, 0.00449, 0.0996, 0.27, 1].map(formatP);
    assert.deepEqual(texts, ['<0.001', '<0.001', '0.004', '0.10', '0.27', '1.00']);
  });
});
