import assert from 'node:assert/strict';
import { parseGroupKeys } from '#tcpscope/aggregate/group-keys.js';
import { HANDSHAKE_KEYS } from '#tcpscope/aggregate/handshake-keys.js';
import { HandshakeGroups } from '#tcpscope/aggregate/handshake-groups.js';
import { OK_LATENCY } from '#tcpscope/aggregate/handshake-report.js';
import { OUTCOMES, type Handshake } from '#tcpscope/model/handshake.js';
import { bucketIndex, type BucketCount } from '#tcpscope/model/histogram.js';
import { createHistogramView } from '#tcpscope/view/histogram.js';
import { createCsvHistogramView, createJsonHistogramView } from '#tcpscope/view/machine-views.js';
import type { Display } from '#tcpscope/view/view.js';
import { context, display, handshakes, replay } from './fixture.js';
import { assertGolden, assertTidy } from './golden.js';

const NO_FLOW = {
  localAddress: '::',
  localPort: 0,
  remoteAddress: '::',
  remotePort: 0,
  netns: 0,
  cgroupId: 0,
  uid: 0,
  pid: 0,
  comm: '',
};

function lastHistogram(on: Display, by: readonly string[] = [], top?: number): string {
  const source = new HandshakeGroups(parseGroupKeys(by, HANDSHAKE_KEYS));
  const options = {
    source,
    measures: [OK_LATENCY],
    display: on,
    context,
    ...(top === undefined ? {} : { top }),
  };
  return replay(handshakes, createHistogramView<Handshake>(options), [source]).frames.at(-1) ?? '';
}

describe('histograms of connlat --hist', () => {
  for (const width of [80, 160, undefined]) {
    it(`at ${width ?? 'no'} columns`, () => {
      const text = lastHistogram(display(width));
      assertTidy(text, width);
      assertGolden(`histogram-${width ?? 'pipe'}`, text);
    });
    it(`one a group at ${width ?? 'no'} columns`, () => {
      const text = lastHistogram(display(width), ['remote'], 4);
      assertTidy(text, width);
      assertGolden(`histogram-remote-${width ?? 'pipe'}`, text);
    });
  }

  it('shows whole histograms only on a low terminal', () => {
    assertGolden('histogram-height', lastHistogram(display(80, { height: 40 }), ['remote']));
  });

  it('is the same when the kernel counted', () => {
    const sum = {
      type: 'sum' as const,
      ...NO_FLOW,
      outcome: 'ok' as const,
      isOther: false,
      counts: { outcomes: OUTCOMES.map(() => 0), lostSyn: 0, latencies: [] as BucketCount[] },
    };
    for (const { outcome, startNs, endNs, syns } of handshakes.items) {
      if (outcome === 'pending') continue;
      const at = OUTCOMES.indexOf(outcome);
      sum.counts.outcomes[at] = (sum.counts.outcomes[at] ?? 0) + 1;
      if (syns > 1) sum.counts.lostSyn++;
      const ns = endNs - startNs;
      if (outcome === 'ok')
        sum.counts.latencies.push({ bucket: bucketIndex(ns), count: 1, minNs: ns, maxNs: ns });
    }
    const source = new HandshakeGroups([]);
    source.add(sum);
    const view = createHistogramView({ source, display: display(80), context });
    const text = view.frame(handshakes.stoppedNs, handshakes.clockOffsetNs);
    assert.equal(text, lastHistogram(display(80)).replace(/.* pending .*\n/, ''));
  });

  it('as NDJSON and CSV: a line a bucket', () => {
    const source = new HandshakeGroups(parseGroupKeys(['comm'], HANDSHAKE_KEYS));
    const options = {
      source,
      keys: ['comm'],
      measures: [OK_LATENCY],
      display: display(undefined),
      context,
    };
    const json = replay(handshakes, createJsonHistogramView<Handshake>(options), [source]);
    assertGolden('histogram-json', json.text + (json.frames.at(-1) ?? ''));
    const view = createCsvHistogramView<Handshake>(options);
    assertGolden(
      'histogram-csv',
      view.begin() + (view.frame(handshakes.stoppedNs, handshakes.clockOffsetNs) ?? ''),
    );
  });

  it('of nothing is one line', () => {
    const source = new HandshakeGroups([]);
    const view = createHistogramView({ source, display: display(80), context });
    assert.equal(view.frame(0, 0), 'ok latency 0\n');
  });
});
