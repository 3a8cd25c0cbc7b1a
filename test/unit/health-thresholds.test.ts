import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseConfig } from '#tcpscope/attribute/config-parser.js';
import { healthTiming, toThresholds } from '#tcpscope/cli/health-flags.js';
import {
  DEFAULT_THRESHOLDS,
  formatFigure,
  formatLimit,
  formatShare,
  judge,
  THRESHOLD_NAMES,
  THRESHOLD_SETTINGS,
  withThreshold,
  worstOf,
  type ThresholdName,
} from '#tcpscope/model/thresholds.js';

const limitOf = (setting: string): number | undefined => {
  const name = setting.split('=')[0] as ThresholdName;
  return toThresholds(DEFAULT_THRESHOLDS, [setting]).limits[name];
};

describe('thresholds', () => {
  it('are by default those of Pingmesh, and none else', () => {
    assert.deepEqual(DEFAULT_THRESHOLDS, {
      limits: { 'syn-loss': 0.001, 'p99-internal': 5e6 },
      minAttempts: 100,
    });
  });

  it('take shares, durations and counts', () => {
    for (const share of ['0.1%', '.1%', '0.001', '1e-3', '1e-1%'])
      assert.equal(limitOf(`syn-loss=${share}`), 0.001);
    assert.equal(limitOf('failures=100%'), 1);
    assert.equal(limitOf('failures=0'), 0);
    assert.equal(limitOf('p99-internal=7.5ms'), 7.5e6);
    assert.equal(limitOf('stall=50ms'), 50e6);
    assert.equal(limitOf('accept-overflows=0'), 0);
  });

  it('may be turned off, and the last setting counts', () => {
    assert.equal(limitOf('p99-internal=off'), undefined);
    const settings = ['p99-external=80ms', 'p99-external=90ms', 'min-attempts=20'];
    const { limits, minAttempts } = toThresholds(DEFAULT_THRESHOLDS, settings);
    assert.equal(limits['p99-external'], 90e6);
    assert.equal(limits['syn-loss'], 0.001);
    assert.equal(minAttempts, 20);
  });

  const wrong: [setting: string, message: RegExp][] = [
    ['syn-loss', /^--threshold syn-loss: write NAME=VALUE/],
    ['syn-los=1%', /unknown threshold "syn-los"; nearest: syn-loss; thresholds: syn-loss, .*min-attempts$/],
    ['syn-loss=5', /^--threshold syn-loss: "5" is no share; write 0\.1% or 0\.001, or off$/],
    ['syn-loss=-1%', /is no share/],
    ['syn-loss=101%', /is no share/],
    ['syn-loss=', /is no share/],
    ['p99-internal=5', /"5" is no duration; write 5ms, or off$/],
    ['accept-overflows=1.5', /is no whole number/],
    ['min-attempts=off', /is no whole number/],
    ['constructor=1', /unknown threshold/],
    ['syn\u001b[31m=1', /unknown threshold "syn\[31m"/],
  ];
  for (const [setting, message] of wrong) {
    it(`do not take ${JSON.stringify(setting)}`, () => {
      assert.throws(() => limitOf(setting), { name: 'RangeError', message });
    });
  }
});

describe('the section thresholds of the configuration', () => {
  it('sets some and leaves the others as they are', () => {
    const { thresholds } = parseConfig(
      'thresholds: {failures: 2%, p99-internal: off, min-attempts: 20}',
      'config',
    );
    assert.deepEqual(thresholds, {
      limits: { 'syn-loss': 0.001, failures: 0.02, 'p99-internal': undefined },
      minAttempts: 20,
    });
    assert.equal(parseConfig('regions: {}', 'config').thresholds, undefined);
  });

  it('takes every setting', () => {
    for (const name of THRESHOLD_SETTINGS) {
      const value = /^p\d|^stall$/.test(name) ? '5ms' : /attempts|overflows/.test(name) ? '10' : '1%';
      assert.doesNotThrow(() => parseConfig(`thresholds: {${name}: ${value}}`, 'config'), name);
    }
  });

  it('says of a mistake where it is and what would be right', () => {
    const wrong: [text: string, message: RegExp][] = [
      ['thresholds: 5ms', /^config:1:13: thresholds is no map; write thresholds: \{p99-internal: 5ms\}/],
      [
        'thresholds: {syn-loss: 5}',
        /^config:1:24: thresholds\.syn-loss: "5" is no share; write 0\.1% or 0\.001, or off$/,
      ],
      ['thresholds: {stall: [1]}', /^config:1:21: thresholds\.stall is no text; write stall: 5ms/],
      ['thresholds: {p99: 5ms}', /^config:1:14: unknown key "p99"; nearest: p99-internal; /],
    ];
    for (const [text, message] of wrong) assert.throws(() => parseConfig(text, 'config'), { message });
  });
});

describe('judgements', () => {
  const standing = (value: number, samples: number | undefined = 100): string | undefined =>
    judge({ name: 'p99-internal', value, samples }, DEFAULT_THRESHOLDS)?.standing;

  it('cross a threshold above it, and not at it', () => {
    assert.equal(standing(5e6), 'near');
    assert.equal(standing(5e6 + 1), 'crossed');
  });

  it('are near from 80 % on', () => {
    assert.equal(standing(4e6 - 1), 'ok');
    assert.equal(standing(4e6), 'near');
  });

  it('are not made of fewer attempts than there have to be', () => {
    assert.equal(standing(9e9, 99), 'few');
    assert.equal(standing(9e9, 100), 'crossed');
    assert.equal(standing(0, 99), 'few');
  });

  it('of what is counted need no attempts', () => {
    const thresholds = withThreshold(DEFAULT_THRESHOLDS, 'accept-overflows', '0');
    const judged = (value: number) =>
      judge({ name: 'accept-overflows', value, samples: undefined }, thresholds)?.standing;
    assert.deepEqual([0, 1].map(judged), ['ok', 'crossed']);
  });

  it('are not made without a threshold or a figure', () => {
    assert.equal(judge({ name: 'p50-external', value: 1, samples: 1000 }, DEFAULT_THRESHOLDS), undefined);
    assert.equal(
      judge({ name: 'p99-internal', value: undefined, samples: 0 }, DEFAULT_THRESHOLDS),
      undefined,
    );
  });

  it('say how far beyond', () => {
    const excess = (value: number, limit: string): number | undefined =>
      judge({ name: 'syn-loss', value, samples: 100 }, withThreshold(DEFAULT_THRESHOLDS, 'syn-loss', limit))
        ?.excess;
    assert.equal(excess(0.02, '1%'), 2);
    assert.equal(excess(0.02, '0'), Infinity);
    assert.equal(excess(0, '0'), 0);
  });

  it('the worst of them is what counts', () => {
    assert.equal(worstOf([]), 'ok');
    assert.equal(worstOf(['few', 'few']), 'few');
    assert.equal(worstOf(['few', 'ok']), 'ok');
    assert.equal(worstOf(['ok', 'crossed', 'near']), 'crossed');
  });
});

describe('texts of figures', () => {
  it('tell a share from its threshold', () => {
    const shares = [0, 0.000_001, 0.000_87, 0.001, 0.0012, 0.0734, 0.234, 1];
    assert.deepEqual(shares.map(formatShare), [
      '0%',
      '<0.001%',
      '0.087%',
      '0.1%',
      '0.12%',
      '7.3%',
      '23.4%',
      '100%',
    ]);
  });

  it('have a limit without digits that it does not need', () => {
    assert.equal(formatLimit('p99-internal', 5e6), '5 ms');
    assert.equal(formatLimit('p99-internal', 7.5e6), '7.5 ms');
    assert.equal(formatLimit('p99-internal', 100e6), '100 ms');
    assert.equal(formatLimit('p99-external', 1e9), '1 s');
    assert.equal(formatLimit('stall', 50e6), '50 ms a second');
    assert.equal(formatLimit('syn-loss', 0.001), '0.1%');
    assert.equal(formatLimit('accept-overflows', 1000), '1,000');
  });

  it('are there for every threshold', () => {
    fc.assert(
      fc.property(fc.constantFrom(...THRESHOLD_NAMES), fc.nat(), (name, value) => {
        assert.match(formatFigure(name, value), /^[\d<]/);
      }),
    );
  });
});

describe('the time of health', () => {
  const flags = { window: '60s', interval: '1s', once: false };

  it('is a window that slides, or all of a run that is measured once', () => {
    assert.deepEqual(healthTiming(flags), {
      ...{ windowNs: 60e9, intervalMs: 1000, durationMs: undefined, count: undefined },
    });
    const once = healthTiming({ ...flags, once: true, duration: '30s' });
    assert.equal(once.windowNs, Infinity);
    assert.equal(once.durationMs, 30_000);
    assert.equal(healthTiming({ ...flags, once: true }).durationMs, 60_000);
  });

  it('has no window shorter than an interval', () => {
    assert.throws(
      () => healthTiming({ ...flags, window: '500ms' }),
      /^RangeError: --window 500ms: at least as long/,
    );
  });
});
