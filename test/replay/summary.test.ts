import assert from 'node:assert/strict';
import { HandshakeTotals } from '#tcpscope/aggregate/handshake-totals.js';
import { handshakeColumns } from '#tcpscope/view/handshake-columns.js';
import { createRowsView } from '#tcpscope/view/rows.js';
import { intervalLine, summary } from '#tcpscope/view/summary.js';
import { context, display, handshakes, replay } from './fixture.js';
import { assertGolden } from './golden.js';

const NOTHING_LOST = { lost: 0, untracked: 0, missed: 0 };

describe('summary of connlat', () => {
  const totals = new HandshakeTotals();
  const durationNs = handshakes.stoppedNs - handshakes.startedNs;

  before(() => {
    replay(handshakes, createRowsView({ columns: handshakeColumns('utc'), display: display(80), context }), [
      totals,
    ]);
  });

  it('of a good run', () => {
    const audit = 'agrees with the kernel (ActiveOpens +40)';
    const text = summary({ facts: totals.facts(), durationNs, losses: NOTHING_LOST, audit, colorLevel: 0 });
    assertGolden('summary', text);
  });

  it('breaks between clauses on a narrow terminal', () => {
    const audit = 'agrees with the kernel (ActiveOpens +40, AttemptFails +8)';
    const options = {
      facts: totals.facts(),
      durationNs,
      losses: NOTHING_LOST,
      audit,
      colorLevel: 0,
    } as const;
    assertGolden('summary-80', summary({ ...options, width: 80 }));
  });

  it('of a run that lost something', () => {
    const losses = { lost: 1204, untracked: 1, missed: 2 };
    assertGolden('summary-lost', summary({ facts: totals.facts(), durationNs, losses, colorLevel: 1 }));
  });

  it('of a run that did not show all, with what it cost', () => {
    const options = {
      facts: totals.facts(),
      durationNs,
      losses: NOTHING_LOST,
      unshown: { rows: 1204, reasons: ['slow output', '--max-cpu'], intervals: 0 },
      cost: {
        uptimeNs: 15.4e9,
        cpuNs: 420e6,
        rss: 71.5 * 2 ** 20,
        peakRss: 78 * 2 ** 20,
        kernel: { ns: 61_234, runs: 240, isExact: false },
      },
      colorLevel: 0,
    } as const;
    assertGolden('summary-cost', summary(options));
    assertGolden('summary-cost-80', summary({ ...options, width: 80 }));
    const intervals = { rows: 0, reasons: [], intervals: 1 };
    assert.match(summary({ ...options, unshown: intervals }), /; 1 interval not shown \(slow output\)/);
  });

  it('of an interval without rows', () => {
    assertGolden('summary-interval', `${intervalLine(totals.facts(), 15e9, true)}\n`);
  });

  it('of a run that saw nothing', () => {
    const facts = new HandshakeTotals().facts();
    const text = summary({ facts, durationNs: 42e9, losses: NOTHING_LOST, colorLevel: 0 });
    assert.equal(text, '0 attempts in 42.0 s\n0 events lost\n');
  });
});
