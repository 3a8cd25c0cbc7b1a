import assert from 'node:assert/strict';
import { HandshakeTotals } from '#tcpscope/aggregate/handshake-totals.js';
import { handshakeColumns } from '#tcpscope/view/handshake-columns.js';
import { createRowsView } from '#tcpscope/view/rows.js';
import { summary } from '#tcpscope/view/summary.js';
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

  it('of a run that saw nothing', () => {
    const facts = new HandshakeTotals().facts();
    const text = summary({ facts, durationNs: 42e9, losses: NOTHING_LOST, colorLevel: 0 });
    assert.equal(text, '0 attempts in 42.0 s\n0 events lost\n');
  });
});
