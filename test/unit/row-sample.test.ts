/** How many rows are shown of an output that is not read in time: time and backlog come in. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { RowSample } from '#tcpscope/session/row-sample.js';

const ROOM = 1 << 20;
const MS = 1e6;

/** Rows that are shown of so many. */
function shownOf(sample: RowSample, rows: number): number {
  let shown = 0;
  for (let row = 0; row < rows; row++) if (sample.next()) shown++;
  return shown;
}

/** What a reader has left after `ms`, of `rows` of 100 characters a millisecond, looked at every 10 ms. */
function simulate(sample: RowSample, { ms, rows, taken }: { ms: number; rows: number; taken: number }) {
  let backlog = 0;
  let most = 0;
  const oneIn = new Map<number, number>();
  for (let at = 0; at < ms; at += 10) {
    sample.adapt(backlog, at * MS);
    backlog = Math.max(0, backlog + 100 * shownOf(sample, rows * 10) - taken * 10);
    most = Math.max(most, backlog);
    if (at > ms / 2) oneIn.set(sample.oneIn, (oneIn.get(sample.oneIn) ?? 0) + 1);
  }
  return { most, oneIn };
}

describe('the sample of rows', () => {
  it('is all of them while a quarter of the room is free', () => {
    const sample = new RowSample(ROOM);
    sample.adapt(ROOM * 0.75, 0);
    assert.equal(sample.oneIn, 1);
    assert.equal(shownOf(sample, 1009), 1009);
    assert.equal(sample.hidden, 0);
  });

  it('becomes coarser as the backlog grows, down to none, at once', () => {
    const sizes = [0.76, 0.78, 0.81, 0.86, 0.91, 0.98, 0.99, 1].map((share) => {
      const sample = new RowSample(ROOM);
      sample.adapt(ROOM * share, 0);
      return sample.oneIn;
    });
    assert.deepEqual(sizes, [2, 4, 8, 32, 128, 1024, 1024, Infinity]);
  });

  it('shows exactly 1 in so many, and counts the others', () => {
    const sample = new RowSample(ROOM);
    sample.adapt(ROOM * 0.81, 0);
    assert.equal(shownOf(sample, 8000), 1000);
    assert.equal(sample.hidden, 7000);
    sample.adapt(ROOM, 0);
    assert.equal(shownOf(sample, 8000), 0);
    assert.equal(sample.hidden, 15_000);
  });

  it('becomes finer step by step, and only when nearly all has been read', () => {
    const sample = new RowSample(ROOM);
    sample.adapt(ROOM * 0.81, 0);
    sample.adapt(ROOM / 4, 5000 * MS);
    assert.equal(sample.oneIn, 8);
    sample.adapt(0, 5000 * MS);
    assert.equal(sample.oneIn, 4);
    sample.adapt(0, 5100 * MS);
    assert.equal(sample.oneIn, 4, 'not at once');
    sample.adapt(0, 5250 * MS);
    sample.adapt(0, 5500 * MS);
    assert.equal(sample.oneIn, 1);
  });

  it('comes back from nothing within three seconds', () => {
    const sample = new RowSample(ROOM);
    sample.adapt(ROOM, 0);
    for (let at = 250; at <= 3000; at += 10) sample.adapt(0, at * MS);
    assert.equal(sample.oneIn, 1);
  });

  it('stays with what a steady reader takes, within its room', () => {
    // 100 rows a millisecond are 10,000 characters; the reader takes 1,500 of them: between 1 in 4 and 1 in 8.
    const { most, oneIn } = simulate(new RowSample(ROOM), { ms: 60_000, rows: 100, taken: 1500 });
    assert.ok(most < ROOM, String(most));
    const looks = [...oneIn.values()].reduce((sum, count) => sum + count, 0);
    assert.ok((oneIn.get(8) ?? 0) + (oneIn.get(4) ?? 0) > looks * 0.95, JSON.stringify([...oneIn]));
  });

  it('never lets more wait than the room and one look, whatever the reader does', () => {
    fc.assert(
      fc.property(fc.nat({ max: 400 }), fc.nat({ max: 4000 }), (rows, taken) => {
        const { most } = simulate(new RowSample(ROOM), { ms: 2000, rows, taken });
        assert.ok(most <= ROOM + rows * 10 * 100);
      }),
      { numRuns: 20 },
    );
  });

  it('is every row where there is no bound', () => {
    const sample = new RowSample(Infinity);
    sample.adapt(1e12, 0);
    assert.equal(sample.oneIn, 1);
    assert.ok(!sample.wouldBegin(1e12));
  });

  it('says so when it changes, at most every five seconds', () => {
    const sample = new RowSample(ROOM);
    const said: [ms: number, line: string][] = [];
    const look = (backlog: number, ms: number): void => {
      sample.adapt(backlog, ms * MS);
      const line = sample.news(ms * MS);
      if (line !== undefined) said.push([ms, line]);
    };
    look(0, 0);
    for (let ms = 10; ms <= 1000; ms += 10) look((ROOM * ms) / 1000, ms);
    for (let ms = 1010; ms <= 12_000; ms += 10) look(ms < 8000 ? ROOM : 0, ms);
    assert.deepEqual(said, [
      [760, 'output is slow: showing 1 in 2 rows, totals exact'],
      [5760, 'output is not read: showing no rows, totals exact'],
      [10_760, 'output keeps up again: showing every row'],
    ]);
  });

  it('is also one that somebody else asked for, whichever is the coarser, and says nothing of that', () => {
    const sample = new RowSample(ROOM);
    sample.showAtMost(16);
    sample.adapt(0, 0);
    assert.equal(shownOf(sample, 1600), 100);
    assert.deepEqual([sample.hidden, sample.wasSlow, sample.news(0)], [1500, false, undefined]);
    sample.adapt(ROOM * 0.99, 0);
    assert.deepEqual([sample.oneIn, sample.wasSlow], [1024, true]);
    sample.adapt(ROOM, 0);
    sample.showAtMost(1);
    assert.equal(sample.oneIn, Infinity);
  });
});
