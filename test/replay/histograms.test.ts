import assert from 'node:assert/strict';
import { parseGroupKeys } from '#tcpscope/aggregate/group-keys.js';
import { HANDSHAKE_KEYS } from '#tcpscope/aggregate/handshake-keys.js';
import { HandshakeGroups } from '#tcpscope/aggregate/handshake-groups.js';
import { OK_LATENCY } from '#tcpscope/aggregate/handshake-report.js';
import { KernelHandshakes } from '#tcpscope/aggregate/kernel-handshakes.js';
import { OUTCOMES, type Handshake } from '#tcpscope/model/handshake.js';
import { bucketIndex, HISTOGRAM_BUCKETS } from '#tcpscope/model/histogram.js';
import { createHistogramView } from '#tcpscope/view/histogram.js';
import { createCsvHistogramView, createJsonHistogramView } from '#tcpscope/view/machine-views.js';
import type { Display } from '#tcpscope/view/view.js';
import { context, display, handshakes, replay } from './fixture.js';
import { assertGolden, assertTidy } from './golden.js';

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
    const outcomes = OUTCOMES.map(() => 0);
    const buckets = new Array<number>(HISTOGRAM_BUCKETS).fill(0);
    let [lostSyn, maxNs] = [0, 0];
    for (const { outcome, startNs, endNs, syns } of handshakes.items) {
      if (outcome === 'pending') continue;
      const at = OUTCOMES.indexOf(outcome);
      outcomes[at] = (outcomes[at] ?? 0) + 1;
      if (syns > 1) lostSyn++;
      if (outcome !== 'ok') continue;
      const bucket = bucketIndex(endNs - startNs);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
      maxNs = Math.max(maxNs, endNs - startNs);
    }
    const source = new KernelHandshakes();
    source.replace({ outcomes, lostSyn, buckets, maxNs });
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
    const source = new KernelHandshakes();
    const view = createHistogramView({ source, display: display(80), context });
    assert.equal(view.frame(0, 0), 'ok latency 0\n');
  });
});
