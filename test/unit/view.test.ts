import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Column, Plain, TextContext } from '#tcpscope/model/column.js';
import { findColumn, machineColumns, sorted, textColumns } from '#tcpscope/model/select.js';
import { fit, totalWidth } from '#tcpscope/view/layout.js';
import { createCsvView, createJsonView } from '#tcpscope/view/machine-views.js';
import { createRowsView } from '#tcpscope/view/rows.js';
import { bar, logScale, SHADES, shadeRanges, shadeScale, sparkline } from '#tcpscope/view/scale.js';
import { textWidth } from '#tcpscope/view/width.js';

type Item = Readonly<Record<string, Plain>>;

const context: TextContext = { clockOffsetNs: 0, timeFormat: 'utc', startedNs: 0 };
const pipe = { width: undefined, height: undefined, colorLevel: 0, plain: false } as const;

function column(key: string, more: Partial<Column<Item>> = {}): Column<Item> {
  const value = (item: Item): Plain => item[key] ?? null;
  return {
    key,
    header: key.toUpperCase(),
    description: '',
    align: 'left',
    width: 6,
    text: (item) => String(value(item) ?? '-'),
    value,
    ...more,
  };
}

function lines(columns: readonly Column<Item>[], items: readonly Item[]): string[] {
  const view = createRowsView({ columns, display: pipe, context });
  return (view.begin() + view.items(items, 0)).split('\n');
}

describe('fit', () => {
  const columns = [
    column('a', { width: 10, minWidth: 4 }),
    column('b', { width: 8, dropFirst: 1 }),
    column('c', { width: 8, dropFirst: 2 }),
    column('d', { width: 5, minWidth: 5, stretchTo: 30, dropFirst: 2 }),
  ];
  const widths = (available: number | undefined): [string, number][] =>
    fit(columns, available).map(({ column: { key }, width }) => [key, width]);

  it('gives every column its usual width on a pipe', () => {
    assert.deepEqual(widths(undefined), [
      ['a', 10],
      ['b', 8],
      ['c', 8],
      ['d', 30],
    ]);
  });

  it('lets the most dispensable leave, of equals the rightmost', () => {
    const names = (available: number): string =>
      widths(available)
        .map(([key]) => key)
        .join('');
    assert.deepEqual([31, 30, 24, 23, 14, 13, 1].map(names), ['abcd', 'abc', 'abc', 'ab', 'ab', 'a', 'a']);
  });

  it('widens to the usual width first, then stretches what may', () => {
    assert.deepEqual(
      widths(37).map(([, width]) => width),
      [10, 8, 8, 5],
    );
    assert.deepEqual(
      widths(40).map(([, width]) => width),
      [10, 8, 8, 8],
    );
    assert.deepEqual(
      widths(1000).map(([, width]) => width),
      [10, 8, 8, 30],
    );
  });

  it('never exceeds the terminal as long as a column may leave', () => {
    for (let available = 4; available < 100; available++)
      assert.ok(totalWidth(fit(columns, available)) <= available, String(available));
  });
});

describe('rows', () => {
  const columns = [column('a'), column('b', { align: 'right' }), column('c')];

  it('aligns, and leaves no space behind the last text', () => {
    assert.deepEqual(
      lines(columns, [
        { a: 'x', b: 1, c: '' },
        { a: '', b: '', c: 'z' },
      ]),
      ['A            B  C', 'x            1', '                z', ''],
    );
  });

  it('lets a long text take the spaces that follow and puts the next columns back', () => {
    assert.deepEqual(
      lines(columns, [
        { a: 'much too', b: 12, c: 'z' },
        { a: 'very much too long', b: 12, c: 'z' },
      ]),
      ['A            B  C', 'much too    12  z', 'very much too long 12 z', ''],
    );
  });

  it('knows wide characters', () => {
    assert.equal(lines(columns, [{ a: '日本', b: 1, c: 'z' }])[1], '日本         1  z');
    assert.deepEqual(
      ['', 'abc', 'µs', '日本', '▁█', 'e\u0301', '\u00ad'].map(textWidth),
      // A soft hyphen takes a cell, as wcwidth(3) says.
      [0, 3, 2, 4, 2, 1, 1],
    );
  });
});

describe('JSON and CSV', () => {
  const columns = [column('a'), column('b')];
  const items: Item[] = [
    { a: 'say "hi", you', b: 1.5 },
    { a: 'two\nlines', b: null },
    { a: true, b: NaN },
  ];

  it('writes one valid object a line', () => {
    const view = createJsonView({ columns, display: pipe, context });
    const text = view.begin() + view.items(items, 0);
    const objects = text
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    assert.deepEqual(objects, [items[0], items[1], { a: true, b: null }]);
  });

  it('quotes cells that need it', () => {
    const view = createCsvView({ columns, display: pipe, context });
    assert.equal(
      view.begin() + view.items(items.slice(0, 2), 0),
      'a,b\n"say ""hi"", you",1.5\n"two\nlines",\n',
    );
  });
});

describe('choosing columns', () => {
  const local = column('local', { parts: ['address', 'port'] });
  delete local.value;
  const columns = [
    column('time'),
    local,
    column('address', { hidden: true }),
    column('port', { hidden: true }),
    column('loss_percent', { header: 'SYN LOSS' }),
  ];
  const keys = (chosen: readonly Column<Item>[]): string => chosen.map(({ key }) => key).join(' ');

  it('shows what is not hidden, and gives machines all values', () => {
    assert.equal(keys(textColumns(columns)), 'time local loss_percent');
    assert.equal(keys(machineColumns(columns)), 'time address port loss_percent');
  });

  it('takes the named ones in their order, text-only ones by their parts', () => {
    assert.equal(keys(textColumns(columns, ['port', 'local'])), 'port local');
    assert.equal(keys(machineColumns(columns, ['port', 'LOCAL', 'time'])), 'port address time');
  });

  it('finds a column by key or header, in any case', () => {
    assert.equal(findColumn(columns, 'Syn_Loss').key, 'loss_percent');
    assert.throws(() => findColumn(columns, 'latncy\u001b'), {
      name: 'RangeError',
      message: 'unknown column "latncy"; columns: time, local, address, port, loss_percent',
    });
  });
});

describe('sorting', () => {
  const by = (key: string, order?: 'ascending' | 'descending'): string => {
    const items: Item[] = [
      { id: 'a', number: 2, text: 'y' },
      { id: 'b', number: null, text: 'x' },
      { id: 'c', number: 10, text: 'z' },
      { id: 'd', number: 2, text: 'x' },
    ];
    const sorting = { column: column(key), ...(order ? { order } : {}) };
    return sorted(items, sorting, context)
      .items.map(({ id }) => id)
      .join('');
  };

  it('puts high numbers and low letters first, the unknown last, equals as they were', () => {
    assert.equal(by('number'), 'cadb');
    assert.equal(by('text'), 'bdac');
  });

  it('turns round when told, but for the unknown', () => {
    assert.equal(by('number', 'ascending'), 'adcb');
    assert.equal(by('text', 'descending'), 'cabd');
  });
});

describe('bars and sparklines', () => {
  it('draws eighths, and whatever is not zero', () => {
    assert.deepEqual(
      [0, 1, 50, 100, 200].map((value) => bar(value, 100, 4)),
      ['', '▏', '██', '████', '████'],
    );
    assert.equal(bar(1, 1e9, 10), '▏');
    assert.equal(bar(0, 0, 10), '');
  });

  it('keeps steady values flat, lets a lost SYN stand out and leaves gaps', () => {
    assert.equal(sparkline([400e3, 410e3, undefined, 395e3, 430e3]), '▁▁ ▁▁');
    assert.equal(sparkline([400e3, 1003e6, 400e3, 20e6]), '▁█▁▄');
    assert.equal(sparkline([1, 2, 4, 8, 16, 32, 64, 128]), '▁▂▃▄▅▆▇█');
    assert.equal(sparkline([0, 0]), '▁▁');
    assert.equal(sparkline([undefined]), ' ');
  });
});

describe('the scale that bars, sparklines and shades share', () => {
  const count = fc.integer({ min: 1, max: 1_000_000 });

  it('rises, from the first step at the least to the last at the most', () => {
    fc.assert(
      fc.property(count, count, count, fc.integer({ min: 2, max: 8 }), (a, b, c, steps) => {
        const [least = 0, middle = 0, most = 0] = [a, b, c].sort((x, y) => x - y);
        const { stepOf } = logScale(least, most, steps);
        assert.equal(stepOf(least), 0);
        assert.ok(stepOf(least) <= stepOf(middle) && stepOf(middle) <= stepOf(most));
        assert.ok(stepOf(most) <= steps - 1);
        if (most >= least * 2 ** (steps - 1)) assert.equal(stepOf(most), steps - 1);
      }),
    );
  });

  it('has a doubling for a step at least, so that few are not shown as many', () => {
    const shades = (counts: readonly number[], most: number): string =>
      counts.map((value) => SHADES[shadeScale(most).stepOf(value)]).join('');
    assert.equal(shades([1, 2, 4, 8, 16], 16), '·░▒▓█');
    assert.equal(shades([1, 2, 3], 3), '·░▒');
    assert.equal(shades([1, 10, 100, 1000, 10_000], 10_000), '·░▒▓█');
  });

  it('has a legend with every count once, under its own shade', () => {
    assert.deepEqual(shadeRanges(16), [
      [0, 1, 1],
      [1, 2, 2],
      [2, 3, 5],
      [3, 6, 11],
      [4, 12, 16],
    ]);
    assert.deepEqual(shadeRanges(0), []);
    fc.assert(
      fc.property(count, fc.nat(), (most, seed) => {
        const ranges = shadeRanges(most);
        assert.deepEqual([ranges[0]?.[1], ranges.at(-1)?.[2]], [1, most]);
        for (const [at, [step, from, to]] of ranges.entries()) {
          if (at > 0) assert.equal(from, (ranges[at - 1]?.[2] ?? 0) + 1);
          const within = from + (seed % (to - from + 1));
          assert.equal(shadeScale(most).stepOf(within), step);
        }
      }),
    );
  });
});
