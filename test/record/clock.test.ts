import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { ClockTrack, SystemClock, clockOffsetNs, isoTime } from '#tcpscope/record/clock.js';
import { thisHost } from '#tcpscope/record/this-host.js';
import { START } from './support.js';

describe('clock of a recording', () => {
  it('reads both clocks at one moment', () => {
    const clock = new SystemClock();
    for (let round = 0; round < 50; round++) {
      const [before, beforeNs] = [Date.now(), process.hrtime.bigint()];
      const { monotonicNs, unixNs } = clock.read();
      const [after, afterNs] = [Date.now(), process.hrtime.bigint()];
      assert.ok(monotonicNs >= Number(beforeNs) && monotonicNs <= Number(afterNs));
      // Date.now() leaves out the part of a millisecond that has passed.
      assert.ok(
        Number(unixNs / 1000n) >= (before - 1) * 1000 && Number(unixNs / 1000n) <= (after + 2) * 1000,
      );
    }
  });

  it('offsets are exact multiples of 1,024 ns', () => {
    const unixNs = 1_782_900_000_123_456_789n;
    const offset = clockOffsetNs({ monotonicNs: 12_345_678_901, unixNs });
    assert.equal(BigInt(offset) % 1024n, 0n);
    const off = unixNs - 12_345_678_901n - BigInt(offset);
    assert.ok(off >= 0n && off < 1024n);
    assert.equal(isoTime({ monotonicNs: 0, unixNs }), '2026-07-01T10:00:00.123Z');
  });

  it('follows steps, and takes no noise for one', () => {
    const track = new ClockTrack(START);
    const reading = (seconds: number, aheadNs: bigint) => ({
      monotonicNs: START.monotonicNs + seconds * 1e9,
      unixNs: START.unixNs + BigInt(seconds) * 1_000_000_000n + aheadNs,
    });
    track.add(reading(1, 2_000_000n));
    track.add(reading(10, 5_120_000_000n));
    track.add(reading(20, -1_024_000_000n));
    const first = clockOffsetNs(START);
    assert.deepEqual(track.steps(), [5.12e9, -6.144e9]);
    const at = (seconds: number): number => track.offsetAt(START.monotonicNs + seconds * 1e9) - first;
    assert.deepEqual([-100, 0, 9.9, 10, 19, 20, 1000].map(at), [0, 0, 0, 5.12e9, 5.12e9, -1.024e9, -1.024e9]);
    const shown = (seconds: number): number =>
      track.offsetAtUnix(Number(START.unixNs) + seconds * 1e9) - first;
    // From 19 to 25 is shown twice: the later moment is meant.
    assert.deepEqual([0, 9, 16, 18, 23, 500].map(shown), [0, 0, 5.12e9, 5.12e9, -1.024e9, -1.024e9]);
  });

  it('the host that records', () => {
    const uname = (flag: string): string => execFileSync('uname', [flag], { encoding: 'utf8' }).trim();
    const { bootId, ...host } = thisHost();
    assert.deepEqual(host, { name: uname('-n'), kernel: uname('-r'), machine: uname('-m') });
    assert.match(bootId ?? '', /^[0-9a-f-]{36}$/);
  });
});
