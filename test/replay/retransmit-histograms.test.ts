import assert from 'node:assert/strict';
import { parseGroupKeys } from '#tcpscope/aggregate/group-keys.js';
import { RetransmitGroups } from '#tcpscope/aggregate/retransmit-groups.js';
import { RETRANSMIT_KEYS } from '#tcpscope/aggregate/retransmit-keys.js';
import { RETRANSMIT_MEASURES } from '#tcpscope/aggregate/retransmit-report.js';
import { isRetransmit, type RetransItem } from '#tcpscope/model/retransmit.js';
import { createHistogramView } from '#tcpscope/view/histogram.js';
import { createCsvHistogramView, createJsonHistogramView } from '#tcpscope/view/machine-views.js';
import type { Display } from '#tcpscope/view/view.js';
import { context, display, replay, retransmits } from './fixture.js';
import { assertGolden, assertTidy } from './golden.js';

function groupsBy(by: readonly string[]): RetransmitGroups {
  return new RetransmitGroups(parseGroupKeys(by, RETRANSMIT_KEYS));
}

function lastHistogram(on: Display, by: readonly string[] = [], top?: number): string {
  const source = groupsBy(by);
  const options = { source, display: on, context, ...(top === undefined ? {} : { top }) };
  return replay(retransmits, createHistogramView<RetransItem>(options), [source]).frames.at(-1) ?? '';
}

describe('histograms of retrans --hist', () => {
  for (const width of [80, 160, undefined]) {
    it(`of stalls and tries at ${width ?? 'no'} columns`, () => {
      const text = lastHistogram(display(width));
      assertTidy(text, width);
      assertGolden(`retrans-histogram-${width ?? 'pipe'}`, text);
    });
    it(`a pair a group at ${width ?? 'no'} columns`, () => {
      const text = lastHistogram(display(width), ['comm'], 4);
      assertTidy(text, width);
      assertGolden(`retrans-histogram-comm-${width ?? 'pipe'}`, text);
    });
  }

  it('fits a terminal of 24 lines', () => {
    const text = lastHistogram(display(80, { height: 24 }), ['comm']);
    assertGolden('retrans-histogram-height', text);
  });

  it('never exceeds a terminal, however low, with as many rows as there can be', () => {
    const [first] = retransmits.items.filter(isRetransmit);
    assert.ok(first);
    for (const by of [[], ['pid']]) {
      const source = groupsBy(by);
      for (let bit = 0; bit < 36; bit++) {
        const stalled = { ...first, timeNs: 2 ** 40, progressNs: 2 ** 40 - 2 ** bit, pid: 1 + (bit % 4) };
        source.add({ ...stalled, tries: bit + 1 });
        source.add({ ...stalled, error: -1 });
      }
      for (let height = 20; height < 100; height++) {
        const view = createHistogramView({ source, display: display(80, { height }), context });
        // The last part is the cursor's line.
        const lines = (view.frame(0, 0) ?? '').split('\n').length;
        assert.ok(lines <= height, `${lines} lines on ${height}`);
      }
    }
  });

  it('in colour', () => {
    assertGolden('retrans-histogram-colour', lastHistogram(display(80, { colorLevel: 1 })));
  });

  it('as NDJSON and CSV: a line a bucket', () => {
    const source = groupsBy(['kind']);
    const options = {
      source,
      keys: ['kind'],
      measures: RETRANSMIT_MEASURES,
      display: display(undefined),
      context,
    };
    const { frames } = replay(retransmits, createJsonHistogramView<RetransItem>(options), [source]);
    assertGolden('retrans-histogram-json', frames.at(-1) ?? '');
    const csv = createCsvHistogramView<RetransItem>(options);
    const frame = csv.frame(retransmits.stoppedNs, retransmits.clockOffsetNs) ?? '';
    assertGolden('retrans-histogram-csv', csv.begin() + frame);
  });
});
