/** What health shows of a minute, on terminals of several sizes, on a pipe, in plain text and as JSON. */
import assert from 'node:assert/strict';
import { withThreshold, DEFAULT_THRESHOLDS } from '#tcpscope/model/thresholds.js';
import { createJsonHealthView } from '#tcpscope/view/health-machine.js';
import { createHealthView, type HealthViewOptions } from '#tcpscope/view/health.js';
import type { Display } from '#tcpscope/view/view.js';
import { newHealth, overflows, resent, segments, sum } from '../unit/health-items.js';
import { assertGolden, assertTidy } from './golden.js';

const S = 1e9;
const SHOP = { unit: 'shop', region: 'eu-west-1' };
const PIPE: Display = { width: undefined, height: undefined, colorLevel: 0, plain: false };
const terminal = (width: number, height: number): Display => ({ ...PIPE, width, height, keys: true });
const THRESHOLDS = withThreshold(withThreshold(DEFAULT_THRESHOLDS, 'failures', '2%'), 'retransmits', '1%');

/** A minute: one unit becomes slow in its last quarter, one refuses, one loses SYNs and is named by an attacker. */
function minute(hasRegions = true) {
  const health = newHealth({ thresholds: THRESHOLDS, hasRegions });
  health.tick(0);
  for (let second = 1; second <= 60; second++) {
    const slow = second > 45 ? 24 : 1.4;
    health.add(
      sum(
        SHOP,
        [
          [0.4, 170],
          [1.2, 8],
          [slow, 12],
        ],
        second % 5 === 0 ? { refused: 2 } : {},
      ),
    );
    health.add(
      sum({ unit: 'batch', region: 'us-east-1' }, [
        [0.08, 19],
        [4.1, 1],
      ]),
    );
    health.add(
      sum({ unit: 'nginx.service', external: true }, [
        [12, 1],
        [38, 2],
      ]),
    );
    health.add(segments(SHOP, { segsOut: 4000, spurious: second % 30 === 0 ? 1 : 0 }));
    if (second % 9 === 0)
      health.add(resent(SHOP, { kind: 'fast', segments: 3, timeNs: second * S, progressNs: 0 }));
    if (second % 20 === 0)
      health.add(resent(SHOP, { kind: 'rto', timeNs: second * S, progressNs: (second - 0.25) * S }));
    health.tick(second * S);
  }
  health.add(sum({ unit: 'flaky\u001b[31m\n', region: 'eu-west-1' }, [[0.5, 100]], { timeout: 30 }, 9));
  health.add(sum({ unit: 'rare' }, [[900, 3]]));
  health.add(overflows('shop', 7));
  return health;
}

function options(
  display: Display,
  health = minute(),
  more: Partial<HealthViewOptions> = {},
): HealthViewOptions {
  return {
    display,
    context: { clockOffsetNs: 0, timeFormat: 'utc', startedNs: 0 },
    report: (nowNs) => health.report(nowNs),
    intervalSeconds: () => health.intervalSeconds,
    pending: () => 2,
    once: false,
    ...more,
  };
}

const frameOf = (all: HealthViewOptions): string => createHealthView(all).frame(60 * S, 0) ?? '';

describe('the screen of health', () => {
  for (const [width, height] of [
    [60, 14],
    [80, 24],
    [100, 30],
    [160, 40],
    [200, 50],
  ] as const) {
    it(`fits ${width} columns and ${height} lines`, () => {
      const text = frameOf(options(terminal(width, height)));
      // What is wider than 60 columns is cut by the screen.
      if (width >= 80) assertTidy(text, width);
      assert.ok(height < 24 || text.trimEnd().split('\n').length < height);
      assertGolden(`health-${width}`, text);
    });
  }

  it('shows the time above each frame on a pipe, and all rows', () => {
    const text = frameOf(options(PIPE));
    assertTidy(text, undefined);
    assertGolden('health-pipe', text);
  });

  it('has words in place of marks in plain text', () => {
    const text = frameOf(options({ ...PIPE, plain: true }));
    assert.doesNotMatch(text, /[\u2500-\u28ff·]/);
    assertGolden('health-plain', text);
  });

  it('without regions says where they come from', () => {
    assertGolden('health-no-regions', frameOf(options(terminal(80, 24), minute(false))));
  });

  it('of a quiet host says so', () => {
    assertGolden(
      'health-quiet',
      frameOf(options(terminal(80, 24), newHealth({ hasRegions: false }), { pending: () => 0 })),
    );
  });

  it('explains itself when ? is pressed', () => {
    const view = createHealthView(options(terminal(80, 40)));
    assert.equal(view.key?.('?', 0), true);
    const help = view.frame(60 * S, 0) ?? '';
    assertTidy(help, 80);
    assertGolden('health-help', help);
    assert.equal(view.key('x', S), true);
    assert.match(view.frame(60 * S, 0) ?? '', /thresholds crossed/);
  });

  it('shows as many rows as digits say, and sorts both tables', () => {
    const view = createHealthView(options(terminal(100, 40)));
    const rows = (): string[] =>
      (view.frame(60 * S, 0) ?? '')
        .split('\n')
        .filter((line) => /^[✓!✗·] \S+ +[\d,]+ /.test(line) && !/\(/.test(line))
        .map((line) => line.split(/ +/)[1] ?? '');
    assert.deepEqual(rows(), [
      'flaky[31m',
      'shop',
      'batch',
      'nginx.service',
      'rare',
      'eu-west-1',
      'us-east-1',
      'none',
    ]);
    assert.equal(view.key?.('2', S), true);
    assert.deepEqual(rows(), ['flaky[31m', 'shop', 'eu-west-1', 'us-east-1']);
    view.key('0', 3 * S);
    // The name, then attempts.
    view.key('s', 5 * S);
    view.key('s', 5 * S);
    assert.deepEqual(rows(), [
      'shop',
      'batch',
      'nginx.service',
      'flaky[31m',
      'rare',
      'eu-west-1',
      'us-east-1',
      'none',
    ]);
    assert.match(view.frame(60 * S, 0) ?? '', /^UNIT +ATTEMPTS▼ /m);
    assert.equal(view.key('y', 6 * S), false);
  });

  it('is coloured by what it says, where there is colour', () => {
    const text = frameOf(options({ ...terminal(80, 24), colorLevel: 2 }));
    // eslint-disable-next-line no-control-regex -- that is the point
    assert.match(text, /^\u001b\[1m\u001b\[38;5;166m✗ |^\u001b\[38;5;166m\u001b\[1m✗ /);
  });
});

describe('a single report of health', () => {
  it('comes at the end, without a time', () => {
    const view = createHealthView(options(PIPE, minute(), { once: true }));
    assert.equal(view.frame(60 * S, 0), undefined);
    assert.ok(!('key' in view));
    assert.match(view.end?.(60 * S, 0) ?? '', /^✗ \d+ thresholds crossed/);
  });
});

describe('the object of health', () => {
  const objectOf = (top?: number): Record<string, unknown> => {
    const view = createJsonHealthView({ ...options(PIPE), lost: () => 0, top });
    return JSON.parse(view.frame(60 * S, 1_785_571_331 * S) ?? '') as Record<string, unknown>;
  };

  it('has verdict, crossings, host, groups and regions', () => {
    assertGolden('health-json', `${JSON.stringify(objectOf(), undefined, 1)}\n`);
  });

  it('has as many groups as --top says', () => {
    const { groups, regions } = objectOf(2);
    assert.equal((groups as unknown[]).length, 2);
    assert.equal((regions as unknown[]).length, 2);
  });
});
