/** The table of `fleet`: what cells say, and that it fits a terminal. */
import assert from 'node:assert/strict';
import { trendSteps, type FleetRow } from '#tcpscope/fleet/rows.js';
import { textColumns } from '#tcpscope/model/select.js';
import { fleetColumns, latencyText, shareText } from '#tcpscope/view/fleet-columns.js';
import { createTableView } from '#tcpscope/view/table.js';
import { textWidth } from '#tcpscope/view/width.js';

const CONTEXT = { clockOffsetNs: 0, timeFormat: 'utc', startedNs: 0 } as const;
const ROW: FleetRow = {
  keys: ['eu-west\u001b[2J', ''],
  attempts: 24_480.4,
  failed: 480,
  lostSyn: 3,
  quantilesNs: { p50: 596e3, p95: undefined, p99: 7.1e9 },
  retransmitted: 7,
  sent: 100_000,
  trendNs: [1e6, undefined, 8e6],
};

const columns = fleetColumns(['source_region', 'rack'], trendSteps(3600));
const cell = (key: string, row = ROW): string =>
  columns.find((each) => each.key === key)!.text(row, CONTEXT, 3);
const value = (key: string, row = ROW): unknown =>
  columns.find((each) => each.key === key)!.value?.(row, CONTEXT);

describe('a cell of the table of fleet', () => {
  it('has two digits of a small share, and never says none of some', () => {
    const texts = [0, 1e-6, 1.23e-4, 1e-3, 9.9e-3, 0.02, 0.9999, 1].map(shareText);
    assert.deepEqual(texts, ['0%', '<0.001%', '0.012%', '0.1%', '0.99%', '2.0%', '99.9%', '100%']);
  });

  it('says where a quantile is above the last edge', () => {
    assert.deepEqual([undefined, 6e9, 7.1e9].map(latencyText), ['-', '6.000 s', '≥7.100 s']);
    assert.equal(cell('p99'.concat('_us')), '≥7.100 s');
  });

  it('is text for people and a number for machines', () => {
    assert.deepEqual([cell('attempts'), value('attempts')], ['24,480', 24_480.4]);
    assert.deepEqual([cell('syn_loss_percent'), value('syn_loss_percent')], ['0.012%', 0.0122547]);
    assert.deepEqual([cell('ratio_percent'), value('ratio_percent')], ['0.007%', 0.007]);
    assert.deepEqual([cell('p50_us'), value('p50_us')], ['596 µs', 596]);
    assert.deepEqual([cell('p95_us'), value('p95_us')], ['-', null]);
    assert.equal(cell('last'), '▁ ▄', 'eight times is three doublings');
  });

  it('has no share where there is nothing to share', () => {
    const idle = { ...ROW, attempts: 0, sent: 0 };
    assert.deepEqual([cell('syn_loss_percent', idle), value('ratio_percent', idle)], ['-', null]);
  });

  it('says of a label what may be shown', () => {
    assert.doesNotMatch(cell('source_region'), /\p{Cc}/u);
    assert.deepEqual([cell('rack'), value('rack')], ['-', null]);
  });

  it('stands out as Pingmesh would have it', () => {
    const tone = (lostSyn: number): unknown =>
      columns.find(({ key }) => key === 'syn_loss_percent')!.tone?.({ ...ROW, attempts: 1e5, lostSyn });
    assert.deepEqual([0, 10, 11, 100, 101].map(tone), [undefined, undefined, 'warn', 'warn', 'bad']);
  });
});

describe('the table of fleet', () => {
  it('fits a terminal of 80 columns', () => {
    const display = { width: 80, height: undefined, colorLevel: 0, plain: false } as const;
    const view = createTableView({
      rows: () => [ROW],
      columns: textColumns(columns),
      display,
      context: CONTEXT,
      once: true,
    });
    const lines = (view.frame(0, 0) ?? '').split('\n');
    assert.ok(lines.every((line) => textWidth(line) <= 80));
    assert.match(lines[0] ?? '', /^SOURCE REGION +RACK +ATTEMPTS +FAIL +SYN LOSS +P50 .*P99/);
  });
});

describe('the steps of a trend', () => {
  it('are sixty, but none is shorter than what two scrapes surely lie in', () => {
    assert.deepEqual(trendSteps(3600), { count: 60, stepS: 60 });
    assert.deepEqual(trendSteps(86_400), { count: 60, stepS: 1440 });
    assert.deepEqual(trendSteps(600), { count: 10, stepS: 60 });
    assert.deepEqual(trendSteps(30), { count: 1, stepS: 60 });
  });
});
