/** What keys do to a live table and a histogram. */
import assert from 'node:assert/strict';
import type { Column } from '#tcpscope/model/column.js';
import type { HistogramSection, Measure } from '#tcpscope/model/histogram-section.js';
import { LatencyHistogram } from '#tcpscope/model/histogram.js';
import { besideSorted } from '#tcpscope/model/select.js';
import { createHistogramView } from '#tcpscope/view/histogram.js';
import { KeyState } from '#tcpscope/view/key-state.js';
import { createTableView } from '#tcpscope/view/table.js';
import type { Display, View } from '#tcpscope/view/view.js';

interface Row {
  name: string;
  rate: number;
  loss: number | null;
}

const COLUMNS: Column<Row>[] = [
  { key: 'name', header: 'NAME', description: '', align: 'left', width: 6, text: (row) => row.name },
  {
    ...{ key: 'rate_per_s', header: 'RATE/s', description: '', align: 'right', width: 6 },
    ...{ text: (row: Row) => String(row.rate), value: (row: Row) => row.rate },
  },
  {
    ...{ key: 'loss', header: 'LOSS', description: '', align: 'right', width: 4, dropFirst: 1 },
    ...{ text: (row: Row) => String(row.loss ?? '-'), value: (row: Row) => row.loss },
  },
  {
    ...{
      key: 'last',
      header: 'LAST',
      description: '',
      align: 'left',
      width: 8,
      minWidth: 8,
      stretchTo: 8,
      dropFirst: 2,
    },
    text: () => '▁',
  },
];
const ROWS: Row[] = [
  { name: 'a', rate: 5, loss: 2 },
  { name: 'b', rate: 9, loss: null },
  { name: 'c', rate: 7, loss: 3 },
];

describe('keys of a live table', () => {
  let display: Display;
  let view: View<never>;
  let nowNs: number;
  beforeEach(() => {
    display = { width: 80, height: 24, colorLevel: 0, plain: false, keys: true };
    nowNs = 0;
    view = createTableView<never, Row>({
      display,
      context: { clockOffsetNs: 0, timeFormat: 'utc', startedNs: 0 },
      columns: COLUMNS,
      rows: () => ROWS,
      sorting: { column: COLUMNS[1]! },
    });
  });

  const lines = (): string[] => view.frame(0, 0)!.trimEnd().split('\n');
  const names = (): string =>
    lines()
      .map((line) => /^([abc]) /.exec(line)?.[1] ?? '')
      .join('');
  function press(keys: string): void {
    for (const key of keys) assert.equal(view.key!(key, nowNs), true, key);
  }

  it('s sorts by the next column, round the end and past the curve; S by the one before', () => {
    assert.equal(names(), 'bca');
    press('s');
    assert.equal(names(), 'cab', 'LOSS, unknown last');
    assert.match(lines()[0]!, /^NAME +RATE\/s +LOSS▼ +LAST$/);
    press('s');
    assert.equal(names(), 'abc', 'NAME');
    assert.match(lines()[0]!, /^NAME▲ +RATE\/s +LOSS +LAST$/);
    press('S');
    assert.equal(names(), 'cab', 'LOSS again');
    press('SS');
    assert.equal(names(), 'abc', 'NAME again');
  });

  it('s leaves out columns that the terminal has no room for', () => {
    display.width = 16;
    assert.match(lines()[0]!, /^NAME +RATE\/s▼$/);
    press('s');
    assert.match(lines()[0]!, /^NAME▲ +RATE\/s$/);
  });

  it('r reverses, and the next column begins as usual', () => {
    press('r');
    assert.equal(names(), 'acb');
    assert.match(lines()[0]!, /RATE\/s▲/);
    press('r');
    assert.equal(names(), 'bca');
    press('rs');
    assert.equal(names(), 'cab');
    press('r');
    assert.equal(names(), 'acb', 'the unknown is still last');
  });

  it('digits within a second make one number of rows, 0 shows all', () => {
    press('2');
    assert.equal(names(), 'bc');
    assert.ok(lines().includes('… 1 more'));
    nowNs += 2e9;
    press('1');
    assert.equal(names(), 'b');
    nowNs += 0.9e9;
    press('2');
    assert.equal(names(), 'bca', '12');
    nowNs += 2e9;
    press('1');
    nowNs += 2e9;
    press('0');
    assert.equal(names(), 'bca');
  });

  it('? shows the keys, and any key goes back without doing anything else', () => {
    press('?');
    assert.ok(lines().some((line) => /^s, S +sort by the next column/.test(line)));
    assert.equal(names(), '');
    press('r');
    assert.equal(names(), 'bca');
  });

  it('leaves other keys alone', () => {
    for (const key of ['x', 'é', '\n', ' ', 'R']) assert.equal(view.key!(key, 0), false, key);
  });

  it('tells of them below the table, if there is a line to spare', () => {
    assert.equal(lines().at(-1), 'q quit  space pause  s sort: RATE/s  r reverse  1-9 top  ? help');
    press('s2');
    assert.equal(lines().at(-1), 'q quit  space pause  s sort: LOSS  r reverse  1-9 top: 2  ? help');
    display.height = 9;
    assert.ok(!lines().some((line) => line.includes('q quit')));
  });

  it('never makes the frame higher than the terminal, the cursor in its last line', () => {
    for (let height = 4; height < 12; height++) {
      display.height = height;
      assert.ok(lines().length < height, `${height}: ${lines().join('\n')}`);
    }
  });

  it('folds an address that is longer than the line', () => {
    const address = '[2001:db8:1111:2222:3333:4444:5555:6666]:65535';
    const narrow = createTableView<never, Row>({
      ...{
        display: { ...display, width: 20 },
        columns: COLUMNS,
        rows: () => [{ ...ROWS[0]!, name: address }],
      },
      context: { clockOffsetNs: 0, timeFormat: 'utc', startedNs: 0 },
    });
    const drawn = narrow.frame(0, 0)!.split('\n').slice(1, -2);
    for (const line of drawn) assert.ok(line.length <= 20, line);
    assert.ok(drawn.join('').startsWith(address), drawn.join('\n'));
  });

  it('marks and tells nothing where there are none', () => {
    display.keys = false;
    assert.deepEqual(lines().slice(0, 2), ['NAME    RATE/s  LOSS  LAST', 'b            9     -  ▁']);
    assert.equal(lines().length, 4);
  });

  it('marks nothing by which nothing is sorted', () => {
    const empty = createTableView<never, Row>({
      ...{ display, columns: COLUMNS, rows: () => [], sorting: { column: COLUMNS[1]! } },
      context: { clockOffsetNs: 0, timeFormat: 'utc', startedNs: 0 },
    });
    assert.match(empty.frame(0, 0)!, /^NAME +RATE\/s +LOSS/);
  });
});

describe('keys of live histograms', () => {
  const measure: Measure = {
    ...{ label: 'latency', keys: ['from_us', 'to_us'], least: 0 },
    text: (value) => `${value} ns`,
    lastOf: (to) => to,
    values: (from, to) => [from, to],
  };
  function section(title: string): HistogramSection {
    const histogram = new LatencyHistogram();
    histogram.record(1000);
    return { title, keys: {}, histograms: [{ measure, histogram, others: [] }] };
  }
  const create = (titles: readonly string[]): View<never> =>
    createHistogramView<never>({
      display: { width: 80, height: 24, colorLevel: 0, plain: false, keys: true },
      context: { clockOffsetNs: 0, timeFormat: 'utc', startedNs: 0 },
      source: { sections: () => titles.map(section) },
    });
  const shown = (view: View<never>): string[] => view.frame(0, 0)!.trimEnd().split('\n');

  it('say how many groups, where there are groups', () => {
    const view = create(['a', 'b', 'c']);
    assert.equal(shown(view).at(-1), 'q quit  space pause  1-9 top  ? help');
    assert.equal(view.key!('2', 0), true);
    const lines = shown(view);
    assert.deepEqual(
      lines.filter((line) => ['a', 'b', 'c', '… 1 more'].includes(line)),
      ['a', 'b', '… 1 more'],
    );
    assert.equal(lines.at(-1), 'q quit  space pause  1-9 top: 2  ? help');
  });

  it('are fewer for one, and there is help', () => {
    const view = create(['']);
    assert.equal(shown(view).at(-1), 'q quit  space pause  ? help');
    assert.equal(view.key!('s', 0), false);
    assert.equal(view.key!('?', 0), true);
    assert.ok(shown(view).some((line) => line.startsWith('space ')));
  });
});

describe('the column beside', () => {
  it('is the first or the last if the one that is sorted by is not shown', () => {
    const shown = COLUMNS.slice(1);
    assert.equal(besideSorted(shown, COLUMNS[0], 1)?.key, 'rate_per_s');
    assert.equal(besideSorted(shown, COLUMNS[0], -1)?.key, 'loss');
    assert.equal(besideSorted([COLUMNS[3]!], COLUMNS[0], 1), undefined);
  });
});

describe('a number of groups', () => {
  it('has at most six digits; more begin another one', () => {
    const state = new KeyState(undefined);
    for (const key of '1234567') assert.ok(state.take(key, 0));
    assert.equal(state.top, 7);
  });
});
