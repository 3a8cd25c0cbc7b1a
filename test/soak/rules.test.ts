/** That a soak can fail: each rule finds what it is for, and only that. */
import assert from 'node:assert/strict';
import { seededRandom } from '../unit/random.js';
import {
  complaints,
  drift,
  growths,
  MOST_GROWTH,
  parseSummary,
  slope,
  unequal,
  type Sample,
} from './rules.js';

const MINUTES = 20;
const PER_MINUTE = 12;
/** A heap that fills and is collected. */
const SAWTOOTH = { mb: 24, minutes: 0.7 };
const NOISE_MB = 4;

const FLAT = { rssMb: 90, descriptors: 35, threads: 11, mapsMb: 20, cpuSeconds: 0 };

function samples(change: (minutes: number) => Partial<Sample>): Sample[] {
  return Array.from({ length: MINUTES * PER_MINUTE }, (_, at) => {
    const minutes = (at + 1) / PER_MINUTE;
    return { minutes, ...FLAT, ...change(minutes) };
  });
}

/** Resident memory that goes up and down as that of a program with garbage collection does. */
function restless(seed: number): (minutes: number) => number {
  const random = seededRandom(seed);
  return (minutes) =>
    FLAT.rssMb + ((minutes / SAWTOOTH.minutes) % 1) * SAWTOOTH.mb + (random() - 0.5) * 2 * NOISE_MB;
}

describe('the rules of a soak', () => {
  describe('memory', () => {
    it('has the slope of a line, whatever a fifth of the points says', () => {
      const points = Array.from({ length: 50 }, (_, at) => ({ minutes: at / 10, value: 7 + 3 * (at / 10) }));
      const wild = points.map((point, at) => (at % 5 === 0 ? { ...point, value: 1000 - 19 * at } : point));
      assert.ok(Math.abs(slope(points) - 3) < 1e-9);
      assert.ok(Math.abs(slope(wild) - 3) < 0.5, String(slope(wild)));
    });

    for (const seed of [1, 2, 3, 4, 5]) {
      it(`garbage collections and noise are no leak, 0.5 MB/min beneath them is (seed ${seed})`, () => {
        const noise = restless(seed);
        assert.deepEqual(
          growths(
            'tool',
            samples((minutes) => ({ rssMb: noise(minutes) })),
          ),
          [],
        );
        for (const leak of [0.5, 1]) {
          const level = restless(seed);
          const [line = '', ...others] = growths(
            'tool',
            samples((minutes) => ({ rssMb: level(minutes) + leak * minutes })),
          );
          assert.match(line, /^tool: resident memory grows by \d\.\d+ MB\/min, at most 0\.25$/);
          assert.ok(Math.abs(Number(/by ([\d.]+)/.exec(line)?.[1]) - leak) < MOST_GROWTH.rssMb, line);
          assert.deepEqual(others, []);
        }
      });
    }

    it('may fill up at first', () => {
      const filling = samples((minutes) => ({ rssMb: 60 + 30 * Math.min(1, minutes / 9) }));
      assert.deepEqual(growths('tool', filling), []);
    });

    it('of maps and of the live heap has bounds of its own', () => {
      const lines = growths(
        'tool',
        samples((minutes) => ({ mapsMb: 20 + 0.1 * minutes, heapMb: 30 + 0.1 * minutes })),
      );
      assert.deepEqual(lines, [
        'tool: kernel memory of maps grows by 0.100 MB/min, at most 0.05',
        'tool: live heap grows by 0.100 MB/min, at most 0.05',
      ]);
    });
  });

  it('of the live heap only the floor counts', () => {
    const passing = (minutes: number): number => (Math.round(minutes * PER_MINUTE) % 5 === 0 ? minutes : 8);
    const lines = (leak: number): string[] =>
      growths(
        'tool',
        samples((minutes) => ({ heapMb: 15 + passing(minutes) + leak * minutes })),
      );
    assert.deepEqual(lines(0), []);
    assert.equal(lines(0.1).length, 1);
  });

  describe('descriptors and threads', () => {
    it('may be more for a moment', () => {
      const busy = samples((minutes) => ({
        descriptors: Math.round(minutes * PER_MINUTE) % 4 === 0 ? 40 : 35,
      }));
      assert.deepEqual(growths('tool', busy), []);
    });

    it('that stay are found, one of them too', () => {
      const left = samples((minutes) => ({
        descriptors: minutes > 16 ? 36 : 35,
        threads: minutes > 16 ? 12 : 11,
      }));
      assert.deepEqual(growths('tool', left), [
        'tool: open descriptors were 35 and became 36',
        'tool: threads were 11 and became 12',
      ]);
    });
  });

  const CONNLAT = `Tracing outgoing TCP handshakes; Ctrl-C ends.
2,120 attempts in 1m 41s (353/s): 2,000 ok, 20 refused, 100 abandoned; 100 lost a SYN
ok latency p50 10.3 µs  p95 12.7 µs  p99 70.4 µs  max 213 µs; 0 events lost; agrees with the kernel (ActiveOpens +2, AttemptFails +0); 2,118 more in network namespaces that could not be read at the end
`;

  describe('the summary', () => {
    it('is read', () => {
      assert.deepEqual(parseSummary(CONNLAT), {
        count: 2120,
        results: { ok: 2000, refused: 20, abandoned: 100 },
        ...{ lost: 0, missed: 0, untracked: 0, unshown: 0 },
        audit:
          'agrees with the kernel (ActiveOpens +2, AttemptFails +0); 2,118 more in network namespaces that could not be read at the end',
      });
      const other = parseSummary(`1 retransmitted segment in 6.0 s: 1 syn
1,234 events lost; 5 attempts untracked (map full); 1 event missed (program busy); 7,007 rows not shown (slow output)
cost: CPU 270 ms (11.2% of a core), RSS 72.6 MiB (peak 72.6 MiB), kernel ~418 µs (~4.18 µs an event)`);
      assert.deepEqual(other, {
        ...{ count: 1, results: { syn: 1 }, lost: 1234, missed: 1, untracked: 5, unshown: 7007 },
        audit: undefined,
      });
    });

    it('has to be there', () => {
      assert.throws(() => parseSummary('Tracing outgoing TCP handshakes; Ctrl-C ends.\n'), /no summary/);
      assert.throws(() => parseSummary('3 attempts in 1.0 s: 3 ok\n'), /lost events/);
    });

    const said = (audit: string, others: object = {}): string[] =>
      complaints(
        'tool',
        { ...parseSummary(CONNLAT), ...others, audit },
        { namespacesEnded: false, hidden: 0 },
      );
    const differs = (reason: string): string =>
      `differs from the kernel: ActiveOpens +5, seen 3 (${reason}); 7 more in network namespaces that could not be read at the end`;

    it('is complained of where something is missing', () => {
      assert.deepEqual(said('agrees with the kernel (ActiveOpens +5)'), []);
      assert.equal(said('agrees with', { lost: 1, untracked: 1 }).length, 2);
    });

    it('may differ from the kernel only for a reason that is true', () => {
      const [skipped, hidden, ended] = [
        differs('3 events were not seen'),
        differs('the kernel counts connections restored or opened where no program may run'),
        differs('network namespaces that ended meanwhile: 2'),
      ];
      const summary = parseSummary(CONNLAT);
      for (const audit of [skipped, hidden, ended]) assert.deepEqual(said(audit), [`tool: ${audit}`]);
      assert.deepEqual(said(skipped, { missed: 3 }), []);
      const right = (audit: string, circumstances: { namespacesEnded: boolean; hidden: number }): string[] =>
        complaints('tool', { ...summary, audit }, circumstances);
      assert.deepEqual(right(hidden, { namespacesEnded: false, hidden: 1 }), []);
      assert.deepEqual(right(ended, { namespacesEnded: true, hidden: 0 }), []);
      assert.equal(right(hidden, { namespacesEnded: true, hidden: 0 }).length, 1);
    });
  });

  describe('counts', () => {
    const traffic = { ok: 1000, refused: 20 };

    it('are those of the traffic, or excused', () => {
      assert.deepEqual(drift('tool', traffic, { ok: 1000, refused: 20, reset: 0 }, 0), []);
      assert.deepEqual(drift('tool', traffic, { ok: 999, refused: 20 }, 1), []);
    });

    it('that are too small, too large or of another result are found', () => {
      assert.deepEqual(drift('tool', traffic, { ok: 999, refused: 20 }, 0), [
        'tool: 999 ok, the traffic came to 1000',
      ]);
      assert.equal(drift('tool', traffic, { ok: 1001, refused: 20 }, 5).length, 1);
      assert.equal(drift('tool', traffic, { ok: 999, refused: 20, timeout: 1 }, 5).length, 2);
    });

    it('that must be one are compared', () => {
      assert.deepEqual(unequal('rows', 3, 'summary', 3), []);
      assert.deepEqual(unequal('rows', 3, 'summary', 4), ['rows 3, summary 4']);
    });
  });
});
