import assert from 'node:assert/strict';
import fc from 'fast-check';
import { handshakeHeatmap, retransmitHeatmap } from '#tcpscope/aggregate/heatmap-kinds.js';
import { HeatmapGroups } from '#tcpscope/aggregate/heatmap.js';
import { HANDSHAKE_KEYS } from '#tcpscope/aggregate/handshake-keys.js';
import { parseGroupKeys } from '#tcpscope/aggregate/group-keys.js';
import { bandCounts, bandsOf, commonBand, limitText } from '#tcpscope/model/bands.js';
import { OUTCOMES, type Handshake, type Outcome } from '#tcpscope/model/handshake.js';
import type { HeatmapSection } from '#tcpscope/model/heatmap-section.js';
import { HISTOGRAM_BUCKETS, LatencyHistogram } from '#tcpscope/model/histogram.js';
import type { RetransItem } from '#tcpscope/model/retransmit.js';
import { createJsonHeatmapView } from '#tcpscope/view/heatmap-machine.js';
import { handshake } from './handshakes.js';
import { growth, retransmit } from './retransmits.js';

function recorded(values: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

/** Durations of every magnitude, and the limits of bands. */
const duration = fc.oneof(
  fc.double({ min: 0, max: 41, noNaN: true }).map((bits) => Math.floor(2 ** bits)),
  fc.constantFrom(0, 1, 999e6, 1e9, 1.003e9, 2e9, 2 ** 40 - 1, 2 ** 40),
);
const durations = fc.array(duration, { minLength: 1, maxLength: 200 });

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

describe('bands', () => {
  it('join without a gap, hold every duration once, and are no more than fit', () => {
    fc.assert(
      fc.property(durations, fc.integer({ min: 14, max: 60 }), (values, most) => {
        const bands = bandsOf(recorded(values), 6, most);
        assert.ok(bands.length <= most && bands.length >= 6, String(bands.length));
        for (const [at, { fromNs, toNs, first, end }] of bands.entries()) {
          assert.ok(fromNs < toNs && first < end);
          if (at > 0) assert.deepEqual([fromNs, first], [bands[at - 1]?.toNs, bands[at - 1]?.end]);
        }
        const counts = bandCounts(recorded(values), bands);
        assert.equal(sum(counts), values.length);
      }),
    );
  });

  it('count what lies between their round limits, but for the width of a bucket', () => {
    fc.assert(
      fc.property(durations, fc.integer({ min: 14, max: 60 }), (values, most) => {
        const histogram = recorded(values);
        const bands = bandsOf(histogram, 6, most);
        const counts = bandCounts(histogram, bands);
        for (const [at, { fromNs, toNs }] of bands.entries()) {
          const surely = values.filter((ns) => ns >= fromNs && ns < toNs * (1 - 1 / 128));
          const perhaps = values.filter((ns) => ns >= fromNs * (1 - 1 / 128) && (ns < toNs || ns >= 2 ** 40));
          const count = counts[at] ?? 0;
          assert.ok(surely.length <= count && count <= perhaps.length, limitText(fromNs));
        }
      }),
    );
  });

  it('never put a lost SYN into the band below one second', () => {
    for (let most = 14; most < 80; most++) {
      const bands = bandsOf(recorded([20e3, 1e9, 7.1e9]), 6, most);
      const lostSyn = bands.findIndex(({ fromNs }) => fromNs === 1e9);
      assert.ok(lostSyn > 0, String(most));
      assert.equal(bandCounts(recorded([1e9]), bands)[lostSyn], 1);
      assert.equal(sum(bandCounts(recorded([0.99e9]), bands).slice(lostSyn)), 0);
    }
  });

  it('are as fine as fits', () => {
    const limits = (most: number): string =>
      bandsOf(recorded([100e6, 950e6]), 1, most)
        .map(({ fromNs }) => limitText(fromNs))
        .join(' ');
    assert.equal(limits(10), '100 ms 120 ms 150 ms 200 ms 250 ms 300 ms 400 ms 500 ms 600 ms 800 ms');
    assert.equal(limits(9), '100 ms 150 ms 200 ms 300 ms 500 ms 700 ms');
    assert.equal(limits(3), '100 ms 200 ms 500 ms');
    assert.equal(limits(2), '100 ms 300 ms');
    assert.equal(limits(1), '100 ms');
  });

  it('reach from nothing to the last bucket', () => {
    const bands = bandsOf(recorded([0, 2 ** 40]), 1, 20);
    assert.equal(bands[0]?.first, 0);
    assert.equal(bands.at(-1)?.end, HISTOGRAM_BUCKETS);
    assert.deepEqual(bandsOf(new LatencyHistogram(), 6, 20), []);
  });

  it('say where more than half of all are, as narrowly as they can', () => {
    const common = (values: readonly number[]): string => {
      const band = commonBand(recorded(values));
      return band ? `${limitText(band.fromNs)} ${limitText(band.toNs)}` : '-';
    };
    assert.equal(common([410e3, 420e3, 9e6]), '400 µs 500 µs');
    assert.equal(common([410e3, 350e3, 9e6]), '300 µs 500 µs');
    assert.equal(common([410e3, 9e6]), '-');
    assert.equal(common([1.3e9]), '1.2 s 1.5 s');
    assert.equal(common([]), '-');
  });
});

/** What happens in a run: attempts and ticks, in any order. */
const event = fc.record({
  outcome: fc.constantFrom(...OUTCOMES),
  remotePort: fc.integer({ min: 1, max: 5 }),
  startNs: fc.integer({ min: 1, max: 4 }),
  ns: duration,
  ticks: fc.nat({ max: 2 }),
});

/** Counts by result in all columns. */
function totals(sections: readonly HeatmapSection[], labels: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  const add = (label: string, count: number): void => {
    if (count > 0) counts[label] = (counts[label] ?? 0) + count;
  };
  for (const { columns } of sections) {
    for (const { histogram, others } of columns) {
      add('ok', histogram.count);
      for (const [at, label] of labels.entries()) if (label !== 'pending') add(label, others[at] ?? 0);
    }
  }
  return counts;
}

describe('the heatmap of handshakes', () => {
  it('has every finished attempt once, in the columns and in JSON', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.boolean(), (events, grouped) => {
        const keys = parseGroupKeys(grouped ? ['remote-port'] : [], HANDSHAKE_KEYS);
        const source = new HeatmapGroups<Handshake>(keys, handshakeHeatmap(), { groups: 3 });
        const display = { width: undefined, height: undefined, colorLevel: 0, plain: false } as const;
        const context = { clockOffsetNs: 0, timeFormat: 'epoch', startedNs: 0 } as const;
        const view = createJsonHeatmapView({ source, keys: ['remote_port'], display, context });
        const expected: Record<string, number> = {};
        let [nowNs, json] = [0, view.begin()];
        source.tick(nowNs);
        for (const { outcome, ns, ticks, startNs, remotePort } of events) {
          source.add(handshake({ outcome, startNs, endNs: startNs + ns, remotePort }));
          if (outcome !== 'pending') expected[outcome] = (expected[outcome] ?? 0) + 1;
          for (let tick = 0; tick < ticks; tick++) source.tick((nowNs += 1e9));
          // Looking twice, or not at every tick, changes nothing.
          if (ns % 3 > 0) json += view.frame(nowNs, 0) ?? '';
          if (ns % 3 > 1) json += view.frame(nowNs, 0) ?? '';
        }
        json += view.end?.(nowNs + 1, 0) ?? '';
        const labels = source.others.map(({ label }) => label);
        assert.deepEqual(totals(source.sections(), labels), expected);
        const written: Record<string, number> = {};
        for (const line of json.split('\n').filter((text) => text !== '')) {
          const { result, count } = JSON.parse(line) as { result: Outcome; count: number };
          if (result !== 'pending') written[result] = (written[result] ?? 0) + count;
        }
        assert.deepEqual(written, expected);
      }),
    );
  });

  it('shows attempts that hang at the end of each interval, until they end', () => {
    const source = new HeatmapGroups<Handshake>([], handshakeHeatmap());
    const gauge = source.others.findIndex(({ gauge }) => gauge === true);
    const hanging = handshake({ outcome: 'pending' });
    source.tick(0);
    source.add(hanging);
    source.add(handshake({ outcome: 'pending', localPort: 1 }));
    source.tick(1e9);
    source.tick(2e9);
    source.add({ ...hanging, outcome: 'abandoned' });
    source.tick(3e9);
    source.add(handshake({ outcome: 'ok', localPort: 1 }));
    source.tick(4e9);
    source.tick(5e9);
    const [section] = source.sections();
    assert.deepEqual(
      section?.columns.map(({ interval, others }) => [interval, others[gauge]]),
      [
        [0, 2],
        [1, 2],
        [2, 1],
        [3, undefined],
      ],
    );
  });

  it('keeps the last intervals, and fewer if they are large', () => {
    const kept = (limits: { intervals?: number; cells?: number }): [number, number, number, string[]] => {
      const source = new HeatmapGroups<Handshake>([], handshakeHeatmap(), limits);
      source.tick(0);
      for (let interval = 1; interval <= 100; interval++) {
        source.add(handshake());
        source.tick(interval * 1e9);
      }
      const { first, startNs = -1, endsNs } = source.timeline();
      assert.equal(endsNs.length, 100 - first);
      return [first, startNs, source.sections()[0]?.columns.length ?? 0, source.notes()];
    };
    assert.deepEqual(kept({}), [0, 0, 100, []]);
    assert.deepEqual(kept({ intervals: 60 }), [40, 40e9, 60, ['only the last 60 intervals are kept']]);
    // A column of one bucket is 33.
    assert.deepEqual(kept({ cells: 330 }), [90, 90e9, 10, ['only the last 10 intervals are kept']]);
    assert.equal(kept({ cells: 1 })[2], 1);
  });

  it('shows the fullest group first, and says what is in none of its own', () => {
    const keys = parseGroupKeys(['remote-port'], HANDSHAKE_KEYS);
    const source = new HeatmapGroups<Handshake>(keys, handshakeHeatmap(), { groups: 2 });
    source.tick(0);
    for (const [remotePort, times] of [
      [80, 2],
      [443, 5],
      [22, 1],
    ] as const)
      for (let time = 0; time < times; time++) source.add(handshake({ remotePort, outcome: 'refused' }));
    assert.deepEqual(
      source.sections().map(({ title, keys: named }) => [title, named]),
      [
        ['443', { remote_port: '443' }],
        ['80', { remote_port: '80' }],
        ['other', { remote_port: 'other' }],
      ],
    );
    assert.deepEqual(source.notes(), ['more than 2 groups: 1 events are in "other"']);
  });
});

describe('the heatmap of retransmissions', () => {
  it('has stalls by length, what had none by kind, and failures', () => {
    const source = new HeatmapGroups<RetransItem>([], retransmitHeatmap());
    source.tick(0);
    source.add(retransmit());
    source.add(retransmit({ kind: 'tlp' }));
    source.add(retransmit({ kind: 'fast', progressNs: 0 }));
    source.add(retransmit({ kind: 'loss', progressNs: 0 }));
    source.add(retransmit({ kind: 'loss', progressNs: 0 }));
    source.add(retransmit({ error: -113 }));
    source.add(growth());
    source.tick(1e9);
    const [section] = source.sections();
    const [column] = section?.columns ?? [];
    assert.equal(section?.columns.length, 1);
    assert.equal(column?.histogram.count, 2);
    assert.equal(column.histogram.min, 500e6);
    const named = source.others.map(({ label }, at) => [label, column.others[at] ?? 0] as const);
    assert.deepEqual(
      named.filter(([, count]) => count > 0),
      [
        ['fast', 1],
        ['loss', 2],
        ['failed', 1],
      ],
    );
  });
});
