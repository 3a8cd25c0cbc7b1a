import assert from 'node:assert/strict';
import { retransmitAuditSentence } from '#tcpscope/aggregate/audit.js';
import { RetransmitTotals } from '#tcpscope/aggregate/retransmit-totals.js';
import { isRetransmit } from '#tcpscope/model/retransmit.js';
import { retransmitColumns } from '#tcpscope/view/retransmit-columns.js';
import { createRowsView } from '#tcpscope/view/rows.js';
import { viewOf } from '#tcpscope/view/select-items.js';
import { summary } from '#tcpscope/view/summary.js';
import { context, display, replay, retransmits } from './fixture.js';
import { assertGolden, assertTidy } from './golden.js';

const NOTHING_LOST = { lost: 0, untracked: 0, missed: 0, unowned: 0 };
const QUIET = { elsewhere: 0, namespacesGone: 0, unseen: 0 };

describe('summary of retrans', () => {
  const totals = new RetransmitTotals();
  const durationNs = retransmits.stoppedNs - retransmits.startedNs;

  before(() => {
    const columns = retransmitColumns('utc', 'relative');
    const view = viewOf(isRetransmit, createRowsView({ columns, display: display(80), context }));
    replay(retransmits, view, [totals]);
  });

  it('counts segments, not events, and failures apart', () => {
    const { count, outcomes, ownersUnknown } = totals.facts();
    // 1 + 45 segments by the timer of one flow, 4 + 3 of one fast retransmission each: counted by hand.
    assert.deepEqual(Object.fromEntries(outcomes), { syn: 3, synack: 4, fast: 11, rto: 56, loss: 3, tlp: 2 });
    assert.deepEqual([count, totals.stats.failed, ownersUnknown], [79, 7, 2]);
    assert.deepEqual([totals.stats.spurious, totals.stats.undone, totals.stats.sent], [2, 1, 1_266_267]);
  });

  it('of rows: nobody asked what was sent in all', () => {
    const rowsOnly = new RetransmitTotals();
    for (const item of retransmits.items) if (isRetransmit(item)) rowsOnly.add(item);
    const audit = retransmitAuditSentence({
      ...QUIET,
      retransSegs: { atLeast: 79, atMost: 79 },
      failed: 7,
      segments: 79,
    });
    const options = {
      facts: rowsOnly.facts(),
      durationNs,
      losses: NOTHING_LOST,
      audit,
      colorLevel: 0,
    } as const;
    assertGolden('retrans-summary', summary(options));
    const narrow = summary({ ...options, width: 80 });
    assertTidy(narrow, 80);
    assertGolden('retrans-summary-80', narrow);
  });

  it('of a table, without an audit', () => {
    const options = { facts: totals.facts(), durationNs, losses: NOTHING_LOST, colorLevel: 0 } as const;
    assertGolden('retrans-summary-table', summary(options));
    const narrow = summary({ ...options, width: 80 });
    assertTidy(narrow, 80);
    assertGolden('retrans-summary-table-80', narrow);
  });

  it('of a run that lost something', () => {
    const losses = { lost: 1204, untracked: 0, missed: 2, unowned: 3 };
    const audit = retransmitAuditSentence({
      ...QUIET,
      unseen: 1206,
      retransSegs: { atLeast: 1285, atMost: 1290 },
      failed: 7,
      segments: 79,
    });
    const options = { facts: totals.facts(), durationNs, losses, audit } as const;
    assertGolden('retrans-summary-lost', summary({ ...options, colorLevel: 1 }));
    const narrow = summary({ ...options, colorLevel: 0, width: 80 });
    assertGolden('retrans-summary-lost-80', narrow);
  });

  it('of a run that saw nothing', () => {
    const facts = new RetransmitTotals().facts();
    const text = summary({ facts, durationNs: 42e9, losses: NOTHING_LOST, colorLevel: 0 });
    assert.equal(text, '0 retransmitted segments in 42.0 s\n0 events lost\n');
  });
});
