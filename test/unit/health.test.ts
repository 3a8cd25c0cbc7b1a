/** What health makes of sums: windows, figures, groups, judgements. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { SlidingWindow, WindowClock } from '#tcpscope/aggregate/health-window.js';
import { LatencyHistogram } from '#tcpscope/model/histogram.js';
import { DEFAULT_THRESHOLDS, withThreshold } from '#tcpscope/model/thresholds.js';
import { verdictOf } from '#tcpscope/view/health-words.js';
import { newHealth, overflows, resent, segments, sum } from './health-items.js';

const S = 1e9;

class Total {
  numbers: number[] = [];
  add(number: number): void {
    this.numbers.push(number);
  }
  merge(other: Total): void {
    this.numbers.push(...other.numbers);
  }
}

describe('a sliding window', () => {
  it('has all of the last time of its length, and nothing that is older by more than a twelfth of it', () => {
    const ticks = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(ticks, (gaps) => {
        const clock = new WindowClock(60 * S);
        const window = new SlidingWindow<number, Total>(clock, () => new Total());
        let nowNs = 7 * S;
        clock.tick(nowNs);
        const times = [nowNs];
        window.add(nowNs);
        for (const gap of gaps) {
          nowNs += gap * S;
          clock.tick(nowNs);
          window.add(nowNs);
          times.push(nowNs);
          const held = window.sum().numbers;
          const isYoung = (ageNs: number) => (time: number) => nowNs - time < ageNs;
          assert.deepEqual(
            times.filter(isYoung(60 * S)).filter((time) => !held.includes(time)),
            [],
          );
          assert.ok(held.every(isYoung(65 * S + 1)));
          assert.equal(new Set(held).size, held.length, 'each once');
          const coveredNs = clock.coveredNs(nowNs);
          assert.ok(held.every((time) => time >= nowNs - coveredNs));
          assert.ok(coveredNs <= 65 * S);
        }
      }),
    );
  });

  it('of an endless length keeps all, and says how long that is', () => {
    const clock = new WindowClock(Infinity);
    const window = new SlidingWindow<number, Total>(clock, () => new Total());
    for (let at = 0; at < 1000; at++) {
      clock.tick(at * S);
      window.add(at);
    }
    assert.equal(window.sum().numbers.length, 1000);
    assert.equal(clock.coveredNs(999 * S), 999 * S);
  });

  it('becomes empty, and has what comes afterwards', () => {
    const clock = new WindowClock(12 * S);
    const window = new SlidingWindow<number, Total>(clock, () => new Total());
    clock.tick(0);
    window.add(1);
    assert.equal(window.isEmpty, false);
    clock.tick(12 * S);
    assert.equal(window.isEmpty, false);
    clock.tick(13 * S);
    assert.equal(window.isEmpty, true);
    window.add(2);
    assert.deepEqual(window.sum().numbers, [2]);
  });

  it('takes what another one holds, and lets it go at the same time', () => {
    const clock = new WindowClock(12 * S);
    const [one, other] = [0, 1].map(() => new SlidingWindow<number, Total>(clock, () => new Total()));
    assert.ok(one && other);
    clock.tick(0);
    other.add(1);
    clock.tick(5 * S);
    other.add(2);
    one.add(3);
    one.merge(other);
    assert.deepEqual(one.sum().numbers.sort(), [1, 2, 3]);
    clock.tick(13 * S);
    assert.deepEqual(one.sum().numbers.sort(), [2, 3]);
  });
});

describe('health', () => {
  it('has the counts of both sides together and their latencies apart, of host, group and region', () => {
    const health = newHealth();
    health.tick(0);
    health.add(sum({ unit: 'shop', region: 'eu' }, [[1, 97]], { refused: 5, timeout: 3 }, 4));
    health.add(sum({ unit: 'shop', external: true }, [[40, 11]], { refused: 2 }));
    health.add(sum({ unit: 'batch', region: 'eu' }, [[2, 13]]));
    health.add(segments({ unit: 'shop', region: 'eu' }, { segsOut: 1000, spurious: 2 }));
    health.add(resent({ unit: 'shop', region: 'eu' }, { kind: 'fast', segments: 7 }));
    health.add(resent({ unit: 'shop', region: 'eu' }, { kind: 'syn', segments: 3 }));
    health.add(overflows('shop', 17));
    health.tick(10 * S);
    const report = health.report(10 * S);
    const { sums } = report.host;
    assert.equal(report.seconds, 10);
    assert.equal(sums.attempts, 97 + 8 + 13 + 13);
    assert.equal(sums.ok, 121);
    assert.equal(sums.failed, 10);
    assert.deepEqual(sums.failures(), [
      ['refused', 7],
      ['timeout', 3],
    ]);
    assert.equal(sums.lostSyn, 4);
    assert.equal(sums.latency('internal').count, 110);
    assert.equal(sums.latency('external').count, 11);
    assert.equal(sums.sent, 1000);
    assert.equal(sums.resent, 7, 'SYNs are no data');
    assert.deepEqual(sums.kinds(), [
      ['syn', 3],
      ['fast', 7],
    ]);
    assert.equal(sums.spurious, 2);
    assert.equal(sums.acceptOverflows, 17);
    assert.deepEqual(
      report.groups?.rows.map(({ key, sums }) => [key, sums.attempts, sums.acceptOverflows]),
      [
        ['shop', 118, 17],
        ['batch', 13, 0],
      ],
    );
    assert.deepEqual(
      report.regions?.rows.map(({ key, sums }) => [key, sums.attempts]),
      [
        ['eu', 118],
        ['none', 13],
      ],
    );
  });

  it('has quantiles of merged buckets, not of quantiles', () => {
    const health = newHealth();
    const all = new LatencyHistogram();
    health.tick(0);
    for (let at = 1; at <= 50; at++) {
      const item = sum({ unit: `unit-${at % 7}` }, [[at, at]]);
      health.add(item);
      all.addBuckets(item.counts.latencies);
      health.tick(at * S);
    }
    const { sums } = health.report(50 * S).host;
    for (const q of [0.5, 0.95, 0.99]) assert.equal(sums.latency('internal').quantile(q), all.quantile(q));
  });

  it('forgets what is older than the window, groups too', () => {
    const health = newHealth({ windowNs: 12 * S });
    health.tick(0);
    health.add(sum({ unit: 'gone' }, [[9, 500]], {}, 500));
    health.tick(1 * S);
    assert.deepEqual(
      health
        .report(1 * S)
        .crossings.map(({ key }) => key)
        .sort(),
      ['gone', 'host', 'none'].flatMap((key) => [key, key]),
    );
    health.tick(13 * S);
    health.add(sum({ unit: 'new' }, [[1, 500]]));
    const { host, groups, crossings } = health.report(13 * S);
    assert.equal(host.sums.attempts, 500);
    assert.deepEqual(
      groups?.rows.map(({ key }) => key),
      ['new'],
    );
    assert.deepEqual(crossings, []);
  });

  it('has the worst first, then what is near, then the busiest', () => {
    const health = newHealth();
    health.tick(0);
    health.add(sum({ unit: 'busy' }, [[1, 9000]]));
    health.add(sum({ unit: 'quiet' }, [[1, 200]]));
    health.add(sum({ unit: 'few' }, [[900, 99]]));
    health.add(sum({ unit: 'near' }, [[4.5, 150]]));
    health.add(sum({ unit: 'over' }, [[6, 150]]));
    health.add(sum({ unit: 'worse' }, [[50, 120]]));
    const { groups, crossings } = health.report(1 * S);
    assert.deepEqual(
      groups?.rows.map(({ key, standing }) => `${key} ${standing}`),
      ['worse crossed', 'over crossed', 'near near', 'busy ok', 'quiet ok', 'few few'],
    );
    assert.deepEqual(
      crossings.map(({ scope, key }) => `${scope} ${key}`),
      ['host host', 'region none', 'unit worse', 'unit over'],
    );
  });

  it('keeps what the kernel had no room for apart, of no side', () => {
    const health = newHealth();
    health.tick(0);
    health.add({ ...sum({ unit: 'any' }, [[1, 7]]), isOther: true });
    const { host, groups } = health.report(1 * S);
    assert.equal(host.sums.attempts, 7);
    assert.equal(host.sums.latency('internal').count, 0);
    assert.deepEqual(
      groups?.rows.map(({ key }) => key),
      ['other'],
    );
  });

  it('bounds its groups: the smallest become other, and nothing is lost', () => {
    const health = newHealth({ groupLimit: 10 });
    health.tick(0);
    for (let at = 1; at <= 25; at++) health.add(sum({ unit: `unit-${at}` }, [[1, at]]));
    const { groups, host } = health.report(1 * S);
    assert.ok(groups);
    assert.ok(groups.rows.length <= 11);
    assert.equal(
      groups.rows.reduce((total, { sums }) => total + sums.attempts, 0),
      host.sums.attempts,
    );
    assert.ok(groups.rows.some(({ key }) => key === 'unit-25'));
    assert.match(groups.notes.join(), /more than 10 groups: the \d+ smallest are in "other"/);
  });

  it('has curves by side', () => {
    const health = newHealth();
    health.tick(0);
    health.add(sum({}, [[1, 5]]));
    health.add(sum({ external: true }, [[30, 1]]));
    health.tick(1 * S);
    health.tick(2 * S);
    const { host } = health.report(2 * S);
    assert.deepEqual(host.recent(3, 'internal'), [undefined, 1e6, undefined]);
    assert.deepEqual(host.recent(3, 'external'), [undefined, 30e6, undefined]);
    assert.deepEqual(host.recent(2), [30e6, undefined]);
  });
});

describe('the verdict', () => {
  const verdict = (
    items: Parameters<ReturnType<typeof newHealth>['add']>[0][],
    thresholds = DEFAULT_THRESHOLDS,
  ) => {
    const health = newHealth({ thresholds, hasRegions: false });
    health.tick(0);
    for (const item of items) health.add(item);
    return verdictOf(health.report(10 * S));
  };

  it('is healthy with the figures that say so', () => {
    assert.deepEqual(verdict([sum({ unit: 'shop' }, [[2.3, 990]], { refused: 10 })]), {
      standing: 'ok',
      text: 'healthy: 1,000 attempts, 1% failed, no SYN lost, P99 inside 2.30 ms',
    });
  });

  it('names what is crossed, the worst first, and counts the rest', () => {
    const items = [
      sum({ unit: 'a\u001b[31m' }, [[50, 100]]),
      sum({ unit: 'b' }, [[6, 900]]),
      ...['c', 'd', 'e'].map((unit) => sum({ unit }, [[5.5, 120]])),
    ];
    assert.deepEqual(verdict(items), {
      standing: 'crossed',
      text:
        '6 thresholds crossed: P99 inside 50.0 ms (> 5 ms) in a[31m, P99 inside 49.9 ms (> 5 ms) on this host, ' +
        'P99 inside 6.00 ms (> 5 ms) in b, and 3 more',
    });
  });

  it('says what is near', () => {
    assert.deepEqual(verdict([sum({ unit: 'b' }, [[4.5, 900]])]), {
      standing: 'near',
      text: 'healthy, but near a threshold: P99 inside 4.50 ms of 5 ms on this host, P99 inside 4.50 ms of 5 ms in b',
    });
  });

  it('says that there is too little to tell', () => {
    assert.match(
      verdict([sum({}, [[900, 12]])]).text,
      /^too few to tell: 12 of the 100 attempts that thresholds need/,
    );
    assert.match(verdict([]).text, /^nothing to judge/);
  });

  it('judges nothing without thresholds', () => {
    const none = withThreshold(withThreshold(DEFAULT_THRESHOLDS, 'syn-loss', 'off'), 'p99-internal', 'off');
    assert.match(verdict([sum({}, [[900, 500]])], none).text, /^no threshold is set: 500 attempts/);
  });

  it('judges each figure', () => {
    const items = [
      sum({ unit: 'u' }, [[1, 900]], { refused: 100 }, 20),
      sum({ unit: 'u', external: true }, [[80, 1000]]),
      segments({ unit: 'u' }, { segsOut: 1000 }),
      resent({ unit: 'u' }, { kind: 'rto', segments: 50, timeNs: 2 * S, progressNs: 1.5 * S }),
      overflows('u', 3),
    ];
    const crossed = (setting: string, limit: string): boolean => {
      const none = { limits: {}, minAttempts: 100 };
      return verdict(items, withThreshold(none, setting, limit)).standing === 'crossed';
    };
    for (const [name, below, at] of [
      ['syn-loss', '0.9%', '1%'],
      ['failures', '4.9%', '5%'],
      ['p50-internal', '999us', '1ms'],
      ['p95-internal', '999us', '1ms'],
      ['p99-internal', '999us', '1ms'],
      ['p50-external', '79ms', '80ms'],
      ['p95-external', '79ms', '80ms'],
      ['p99-external', '79ms', '80ms'],
      ['retransmits', '4.9%', '5%'],
      ['stall', '49ms', '50ms'],
      ['accept-overflows', '2', '3'],
    ] as const) {
      assert.equal(crossed(name, below), true, `${name} above ${below}`);
      assert.equal(crossed(name, at), false, `${name} at ${at}`);
    }
  });
});
