/** What the tool says of its own cost. */
import assert from 'node:assert/strict';
import type { SelfCost } from '#tcpscope/model/self-cost.js';
import { costClauses, createStatsJson, createStatsText } from '#tcpscope/view/self-cost.js';

const MIB = 1 << 20;
const COST: SelfCost = {
  uptimeNs: 42e9,
  cpuNs: 420e6,
  rss: 71.5 * MIB,
  peakRss: 78 * MIB,
  kernel: { ns: 1.9e6, runs: 9000, isExact: false },
};
const facts = (cost: SelfCost, events = 0, lost = 0, rowsNotShown = 0) => ({
  cost,
  events,
  lost,
  rowsNotShown,
});

describe('the cost of the tool', () => {
  it('of a whole run', () => {
    assert.deepEqual(costClauses(COST, 4600), [
      'cost: CPU 420 ms (1.0% of a core)',
      'RSS 71.5 MiB (peak 78 MiB)',
      'kernel ~1.90 ms (~413 ns an event)',
    ]);
  });

  it('has no estimates where the kernel measures, and no time an event without events', () => {
    const exact = { ...COST, kernel: { ns: 1.9e6, runs: 9000, isExact: true } };
    assert.equal(costClauses(exact, 4600)[2], 'kernel 1.90 ms (413 ns an event)');
    assert.equal(costClauses(exact, 0)[2], 'kernel 1.90 ms');
    assert.equal(costClauses({ ...COST, kernel: undefined }, 4600).length, 2);
  });

  it('of an interval is what was added since the last', () => {
    const text = createStatsText();
    text(facts(COST, 4600));
    const later = {
      ...COST,
      uptimeNs: 44e9,
      cpuNs: 500e6,
      kernel: { ns: 21.9e6, runs: 99_000, isExact: false },
    };
    assert.equal(
      text(facts(later, 54_600, 3, 1204)),
      'cost: CPU 4.0%, RSS 71.5 MiB, kernel ~1.0% (~400 ns an event), 3 lost, 1,204 rows not shown',
    );
  });

  it('for machines has shares of the interval and sums since the start', () => {
    const json = createStatsJson({ clockOffsetNs: 0, timeFormat: 'utc', startedNs: 0 });
    json(facts(COST), 0, 0);
    const later = { ...COST, uptimeNs: 44e9, cpuNs: 500e6, kernel: undefined };
    assert.deepEqual(JSON.parse(json(facts(later, 54_600, 3, 1204), 1.5e9, 10e9)), {
      type: 'stats',
      time: '1970-01-01T00:00:11.500Z',
      cpu_percent: 4,
      cpu_us: 500_000,
      rss_bytes: 71.5 * MIB,
      peak_rss_bytes: 78 * MIB,
      kernel_percent: null,
      kernel_us: null,
      kernel_runs: null,
      kernel_exact: null,
      events: 54_600,
      lost: 3,
      rows_not_shown: 1204,
    });
  });
});
