import assert from 'node:assert/strict';
import { formatEndpoint } from '#tcpscope/model/endpoint.js';
import { errnoName } from '#tcpscope/model/errno.js';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatElapsed,
  formatPercent,
  formatRate,
  parseDuration,
  sanitize,
} from '#tcpscope/model/units.js';
import { randomDuration, seededRandom } from './random.js';

/** Checks `format` for pairs of a number and its text. */
function check(format: (value: number) => string, pairs: readonly (readonly [number, string])[]): void {
  for (const [value, text] of pairs) assert.equal(format(value), text, String(value));
}

describe('units', () => {
  it('prints durations with the unit that fits', () => {
    check(formatDuration, [
      [0, '0 ns'],
      [412, '412 ns'],
      [999.4, '999 ns'],
      [999.6, '1.00 µs'],
      [9874, '9.87 µs'],
      [9996, '10.0 µs'],
      [28_510, '28.5 µs'],
      [99_960, '100 µs'],
      [412_345, '412 µs'],
      [999_600, '1.00 ms'],
      [1_204_500, '1.20 ms'],
      [38_200_000, '38.2 ms'],
      [999_600_000, '1.000 s'],
      [1_003_402_110, '1.003 s'],
      [4_004_000_000, '4.004 s'],
      [99_999_400_000, '99.999 s'],
      [99_999_600_000, '1m 40s'],
      [131_072_000_000, '2m 11s'],
      [5_999_600_000_000, '1h 40m'],
      [3_600e9 * 99.5, '99h 30m'],
      [3_600e9 * 100, '4d 04h'],
      [86_400e9 * 123, '123 d'],
    ]);
  });

  it('prints bytes with the unit that fits', () => {
    check(formatBytes, [
      [0, '0 B'],
      [512, '512 B'],
      [1024, '1 KiB'],
      [1536, '1.50 KiB'],
      [65_536, '64 KiB'],
      [5_515_236, '5.26 MiB'],
      [150 << 20, '150 MiB'],
      [2 ** 31, '2 GiB'],
    ]);
  });

  it('never prints a duration wider than 8 characters', () => {
    const random = seededRandom(2);
    for (let round = 0; round < 20_000; round++) {
      const text = formatDuration(randomDuration(random, 53));
      assert.ok(text.length <= 8, text);
    }
  });

  it('rounds durations as toFixed() does, in the middle between two texts too', () => {
    for (let ns = 1000; ns < 110_000; ns++) {
      const us = ns / 1e3;
      assert.equal(formatDuration(ns), `${us.toFixed(us < 9.995 ? 2 : us < 99.95 ? 1 : 0)} µs`);
    }
  });

  it('prints what still grows without milliseconds', () => {
    check(formatElapsed, [
      [412e6, '412 ms'],
      [2.1e9, '2.1 s'],
      [42e9, '42.0 s'],
      [99.96e9, '1m 40s'],
    ]);
  });

  it('prints counts, rates and percentages', () => {
    check(formatCount, [
      [0, '0'],
      [999, '999'],
      [1204, '1,204'],
      [100_000, '100,000'],
      [1_234_567, '1,234,567'],
    ]);
    check(formatRate, [
      [0, '0'],
      [0.01, '<0.1'],
      [0.8, '0.8'],
      [28.66, '28.7'],
      [212.4, '212'],
      [999.7, '1.0k'],
      [35_100, '35.1k'],
      [1_200_000, '1.2M'],
    ]);
    check(formatPercent, [
      [0, '0%'],
      [0.01, '<0.1%'],
      [0.42, '0.4%'],
      [13.33, '13.3%'],
      [99.99, '99.9%'],
      [100, '100%'],
    ]);
  });

  it('reads durations', () => {
    const pairs: [string, number][] = [
      ['500us', 500e3],
      ['500µs', 500e3],
      ['250ms', 250e6],
      ['1.5s', 1.5e9],
      ['30s', 30e9],
      ['5m', 300e9],
      ['1h', 3600e9],
      [' 7ns ', 7],
      ['0', 0],
    ];
    for (const [text, ns] of pairs) assert.equal(parseDuration(text), ns, text);
  });

  it('refuses what is no duration, in one line', () => {
    for (const text of ['', '5', '-1s', '1e3s', '5 minutes', 's', '1.s', 'constructor', '5x', '1\n2s']) {
      assert.throws(() => parseDuration(text), {
        name: 'RangeError',
        message: /^".*" is not a duration: .*$/,
      });
    }
  });

  it('strips what could drive or deceive a terminal', () => {
    assert.equal(sanitize('\u001b[31mred\u0007\u009b2J\u007f\r\n\t'), '[31mred2J');
    assert.equal(sanitize('a\u202eb\u2066c\u200fd\u061c\u2028e\ufeff'), 'abcde');
    assert.equal(sanitize('日本語 µ-é'), '日本語 µ-é');
  });

  it('names endpoints and errors', () => {
    assert.equal(formatEndpoint('10.3.0.12', 6379), '10.3.0.12:6379');
    assert.equal(formatEndpoint('2001:db8::1', 443), '[2001:db8::1]:443');
    assert.equal(errnoName(111), 'ECONNREFUSED');
    assert.equal(errnoName(0), undefined);
    assert.equal(errnoName(4095), 'errno 4095');
  });
});
