/** The matrix, its colours, the patterns that Pingmesh names, and the picture. */
import assert from 'node:assert/strict';
import { matrixOf, stateOf, USUAL_LIMITS, type Matrix, type Pair } from '#tcpscope/fleet/matrix.js';
import { patternOf } from '#tcpscope/fleet/pattern.js';
import { heatmapText, verdictText, type HeatmapOptions } from '#tcpscope/view/fleet-heatmap.js';
import { STATE_COLORS } from '#tcpscope/view/fleet-paint.js';
import { textWidth } from '#tcpscope/view/width.js';
import { ansi256, difference, EYES, lab } from './color.js';

const LIMITS = USUAL_LIMITS.p99;
const MS: Readonly<Record<string, number>> = { g: 1e6, y: 4.5e6, r: 38e6 };

/** A matrix of letters: g, y, r, and . for no data; _ for a pair that nothing was even attempted of. Rows are sources. */
function drawn(...rows: string[]): Matrix {
  const pairs = rows.flatMap((row, from) =>
    Array.from(row).flatMap((letter, to): Pair[] =>
      letter === '_'
        ? []
        : [{ source: `place-${from}`, destination: `place-${to}`, attempts: 100, value: MS[letter] }],
    ),
  );
  return matrixOf(pairs, { limits: LIMITS, leastAttempts: 1 });
}

const options = (display: Partial<HeatmapOptions['display']> = {}): HeatmapOptions => ({
  metric: 'p99',
  pattern: undefined,
  limits: LIMITS,
  axes: ['source_region', 'region'],
  period: '1h until 2026-01-05 16:00:00Z',
  display: { width: 80, height: undefined, colorLevel: 0, plain: false, ...display },
});

describe('the colour of a cell', () => {
  it('is of Pingmesh’s limits: green below 4 ms, yellow up to 5 ms, red above', () => {
    const states = [undefined, 0, 3.999e6, 4e6, 5e6, 5.001e6].map((ns) => stateOf(ns, LIMITS));
    assert.deepEqual(states, ['white', 'green', 'green', 'yellow', 'yellow', 'red']);
  });
});

describe('the matrix', () => {
  it('has all places on both axes, where they are of one kind', () => {
    const pairs = [
      { source: 'b', destination: 'a', attempts: 5, value: 1e6 },
      { source: 'b', destination: 'c', attempts: 4, value: 9e6 },
      { source: 'a', destination: 'a', attempts: 3, value: undefined },
    ];
    const { sources, destinations, rows } = matrixOf(pairs, { limits: LIMITS, leastAttempts: 5 });
    assert.deepEqual(
      [sources, destinations],
      [
        ['a', 'b', 'c'],
        ['a', 'b', 'c'],
      ],
    );
    assert.deepEqual(
      rows.map((cells) => cells.map(({ state }) => state)),
      [
        ['white', 'white', 'white'],
        ['green', 'white', 'white'],
        ['white', 'white', 'white'],
      ],
      'four attempts are too few of five',
    );
  });

  it('has rows and columns of their own, where they are not', () => {
    const pairs = [
      { source: 'shop', destination: 'eu', attempts: 5, value: 1e6 },
      { source: 'web', destination: 'us', attempts: 4, value: 9e6 },
    ];
    const { sources, destinations } = matrixOf(pairs, { limits: LIMITS, leastAttempts: 1 });
    assert.deepEqual(
      [sources, destinations],
      [
        ['shop', 'web'],
        ['eu', 'us'],
      ],
    );
  });

  it('keeps the places with the most attempts', () => {
    const pairs = ['a', 'b', 'c'].map((place, at) => ({
      source: place,
      destination: place,
      attempts: 10 - at,
      value: 1e6,
    }));
    const { sources } = matrixOf(pairs.reverse(), { limits: LIMITS, leastAttempts: 1, top: 2 });
    assert.deepEqual(sources, ['a', 'b']);
  });
});

describe('the pattern', () => {
  it('is green where no pair is slow', () => {
    assert.deepEqual(patternOf(drawn('ggg', 'ggg', 'g.g')), { kind: 'green' });
    assert.deepEqual(patternOf(drawn('g..', '...', '..g')), { kind: 'green' }, 'as far as there are data');
  });

  it('is a white cross where one place is silent', () => {
    const expected = { kind: 'white-cross', places: ['place-1'] };
    assert.deepEqual(patternOf(drawn('g.g', '...', 'g.g')), expected);
    assert.deepEqual(patternOf(drawn('g.g', '___', 'g.g')), expected, 'it has not even series');
    assert.deepEqual(patternOf(drawn('g.rg', '....', 'r.gg', 'g.gg')), expected, 'whatever else is slow');
  });

  it('is a red cross where one place is slow to and from all', () => {
    assert.deepEqual(patternOf(drawn('grgg', 'rgrr', 'grgg', 'grgg')), {
      kind: 'red-cross',
      places: ['place-1'],
    });
    assert.deepEqual(patternOf(drawn('ryr', 'ygy', 'ryg')), undefined, 'yellow is not red');
    assert.deepEqual(patternOf(drawn('gggrr', 'gggrr', 'gggrr', 'rrrgr', 'rrrrr')), {
      kind: 'red-cross',
      places: ['place-3', 'place-4'],
    });
  });

  it('is red with a green diagonal where the network between places is slow', () => {
    assert.deepEqual(patternOf(drawn('grr', 'rgr', 'rrg')), { kind: 'red-between' });
    assert.deepEqual(patternOf(drawn('gr', 'rg')), { kind: 'red-between' });
  });

  it('is none where the picture is not clear', () => {
    for (const picture of [
      ['grg', 'ggg', 'ggg'],
      ['grg', 'rgg', 'ggr'],
      ['rrr', 'rrr', 'rrr'],
      ['grgg', 'rgrg', 'grgg', 'gggr'],
      ['...', '...', '...'],
      ['gy', 'yg'],
    ])
      assert.equal(patternOf(drawn(...picture)), undefined, picture.join(' '));
  });

  it('is none of rows and columns that are not the same places', () => {
    const pairs = [{ source: 'shop', destination: 'eu', attempts: 5, value: 1e6 }];
    assert.equal(patternOf(matrixOf(pairs, { limits: LIMITS, leastAttempts: 1 })), undefined);
  });

  it('is said in one sentence, and else how many pairs are red', () => {
    const said = (...rows: string[]): string => verdictText(drawn(...rows), patternOf(drawn(...rows)), 'p99');
    assert.match(said('gg', 'gg'), /^All green: /);
    assert.match(said('g.g', '...', 'g.g'), /^White cross: no data from or to place-1, /);
    assert.match(
      said('grgg', 'rgrr', 'grgg', 'grgg'),
      /^Red cross: what is slow begins or ends in place-1: /,
    );
    assert.match(said('grr', 'rgr', 'rrg'), /^Red with a green diagonal: /);
    assert.equal(said('gry', 'ggg', 'g.g'), '1 of 8 pairs with data red, 1 yellow.');
  });
});

describe('the colours of a matrix', () => {
  for (const [name, eye] of Object.entries(EYES))
    it(`are apart from each other, and from the text on them: ${name}`, () => {
      const colors = Object.values(STATE_COLORS).map(ansi256);
      for (const [at, color] of colors.entries()) {
        for (const other of colors.slice(at + 1)) assert.ok(difference(color, other, eye) > 20);
        assert.ok(lab(color, eye)[0] > 45, 'light enough to have black text on it');
      }
    });
});

describe('the picture of a matrix', () => {
  it('has a number and a letter in each cell, and says what they mean', () => {
    const text = heatmapText(drawn('gy', 'r.'), options());
    assert.deepEqual(text.split('\n'), [
      'P99 of handshakes in ms, 1h until 2026-01-05 16:00:00Z; rows: source_region,',
      'columns: region',
      '         place-0  place-1',
      'place-0   1.00 g   4.50 Y',
      'place-1   38.0 R        -',
      '',
      'g green: below 4.00 ms  Y yellow: up to 5.00 ms  R red: above  - white: no data',
      '1 of 3 pairs with data red, 1 yellow.',
      '',
    ]);
  });

  it('has colours that take nothing away', () => {
    const plain = heatmapText(drawn('gy', 'r.'), options());
    for (const colorLevel of [1, 2, 3] as const) {
      const text = heatmapText(drawn('gy', 'r.'), options({ colorLevel }));
      // eslint-disable-next-line no-control-regex
      assert.equal(text.replaceAll(/\u001b\[[\d;]*m/g, ''), plain);
      // eslint-disable-next-line no-control-regex
      const colors = [...text.matchAll(/\u001b\[(48;5;\d+|4[0-7])m/g)].map(([, code]) => code);
      assert.equal(new Set(colors).size, 3, 'green, yellow, red; none for white');
    }
  });

  it('is folded on a terminal with letters in place of names, and never wider', () => {
    const places = Array.from({ length: 30 }, (_, at) => `europe-north-${at}-some-long-name`);
    const pairs = places.flatMap((source) =>
      places.map((destination) => ({ source, destination, attempts: 9, value: 1.003e9 })),
    );
    const matrix = matrixOf(pairs, { limits: LIMITS, leastAttempts: 1 });
    const lines = heatmapText(matrix, options()).split('\n');
    for (const line of lines) assert.ok(textWidth(line) <= 80, line);
    const cells = lines.join('\n').match(/1003 R/g) ?? [];
    assert.equal(cells.length, 900, 'all of them');
    const heads = lines
      .filter((line) => /^ {20,}[A-Z]/.test(line))
      .flatMap((line) => line.trim().split(/ +/));
    assert.equal(new Set(heads).size, 30);
    for (const [at, head] of heads.entries())
      assert.ok(lines.join('\n').includes(`${head} ${[...places].sort()[at]}`));
    const wide = heatmapText(matrix, options({ width: undefined }));
    assert.ok(
      wide.split('\n').some((line) => line.match(/1003 R/g)?.length === 30),
      'on a pipe a row is a line',
    );
  });

  it('is sentences for a screen reader', () => {
    assert.deepEqual(
      heatmapText(drawn('g.', '_r'), options({ plain: true }))
        .split('\n')
        .slice(1, 5),
      [
        'place-0 to place-0: green, 1.00 ms of 100 attempts',
        'place-0 to place-1: white, no data',
        'place-1 to place-0: white, no data',
        'place-1 to place-1: red, 38.0 ms of 100 attempts',
      ],
    );
  });

  it('writes shares as Pingmesh does', () => {
    const pairs = [0, 4e-5, 5e-4, 2e-2].map((value, at) => ({
      source: 'eu',
      destination: `d${at}`,
      attempts: 1e5,
      value,
    }));
    const limits = USUAL_LIMITS['drop-rate'];
    const matrix = matrixOf(pairs, { limits, leastAttempts: 1 });
    const lines = heatmapText(matrix, { ...options(), metric: 'drop-rate', limits }).split('\n');
    assert.match(
      lines.find((line) => line.startsWith('eu')) ?? '',
      /^eu +0 g +4\.0e-5 g +5\.0e-4 Y +2\.0e-2 R$/,
    );
    assert.ok(lines.join('\n').includes('below 1e-4'));
  });

  it('puts nothing on the terminal that steers it', () => {
    const pairs = [{ source: '\u001b[2J', destination: 'a\nb', attempts: 1, value: 1e6 }];
    const matrix = matrixOf(pairs, { limits: LIMITS, leastAttempts: 1 });
    for (const plain of [true, false])
      assert.doesNotMatch(heatmapText(matrix, options({ plain })).replaceAll('\n', ''), /\p{Cc}/u);
  });
});
