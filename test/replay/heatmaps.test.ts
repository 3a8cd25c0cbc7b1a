import assert from 'node:assert/strict';
import { parseGroupKeys } from '#tcpscope/aggregate/group-keys.js';
import { HANDSHAKE_KEYS } from '#tcpscope/aggregate/handshake-keys.js';
import { handshakeHeatmap, retransmitHeatmap } from '#tcpscope/aggregate/heatmap-kinds.js';
import { HeatmapGroups, type HeatmapLimits } from '#tcpscope/aggregate/heatmap.js';
import { RETRANSMIT_KEYS } from '#tcpscope/aggregate/retransmit-keys.js';
import type { Handshake } from '#tcpscope/model/handshake.js';
import type { RetransItem } from '#tcpscope/model/retransmit.js';
import { createCsvHeatmapView, createJsonHeatmapView } from '#tcpscope/view/heatmap-machine.js';
import { createHeatmapView, type HeatmapOptions } from '#tcpscope/view/heatmap.js';
import type { Display, View } from '#tcpscope/view/view.js';
import { context, display, handshakes, replay, retransmits, type Recording } from './fixture.js';
import { assertGolden, assertTidy } from './golden.js';

interface Heatmap {
  on: Display;
  by?: readonly string[];
  top?: number;
  limits?: Partial<HeatmapLimits>;
}

type MakeView<Item> = (options: HeatmapOptions & { keys: readonly string[] }) => View<Item>;

/** All texts of a run, the one at its end last. */
function texts<Item>(
  recording: Recording<Item>,
  source: HeatmapGroups<Item>,
  make: MakeView<Item>,
  { on, by = [], top }: Heatmap,
): string[] {
  const options = { source, keys: by, display: on, context, ...(top === undefined ? {} : { top }) };
  const view = make(options);
  const { text, frames } = replay(recording, view, [source]);
  const end = view.end?.(recording.stoppedNs, recording.clockOffsetNs);
  return [text, ...frames, ...(end === undefined ? [] : [end])];
}

function ofHandshakes(heatmap: Heatmap, make: MakeView<Handshake> = createHeatmapView): string[] {
  const keys = parseGroupKeys(heatmap.by ?? [], HANDSHAKE_KEYS);
  return texts(handshakes, new HeatmapGroups(keys, handshakeHeatmap(), heatmap.limits), make, heatmap);
}

function ofRetransmits(heatmap: Heatmap, make: MakeView<RetransItem> = createHeatmapView): string[] {
  const keys = parseGroupKeys(heatmap.by ?? [], RETRANSMIT_KEYS);
  return texts(retransmits, new HeatmapGroups(keys, retransmitHeatmap()), make, heatmap);
}

const last = (all: readonly string[]): string => all.at(-1) ?? '';
const plain = display(80, { plain: true });

describe('heatmaps of connlat --heatmap', () => {
  for (const width of [80, 160]) {
    it(`at ${width} columns`, () => {
      const text = last(ofHandshakes({ on: display(width) }));
      assertTidy(text, width);
      assertGolden(`heatmap-${width}`, text);
    });
    it(`one a group at ${width} columns`, () => {
      const text = last(ofHandshakes({ on: display(width, { height: 50 }), by: ['remote'] }));
      assertTidy(text, width);
      assertGolden(`heatmap-remote-${width}`, text);
    });
    it(`in 256 colours at ${width} columns, the same without them`, () => {
      const text = last(ofHandshakes({ on: display(width, { colorLevel: 2 }) }));
      assertGolden(`heatmap-colour-${width}`, text);
      // eslint-disable-next-line no-control-regex -- of colours
      const bare = text.replace(/\u001b\[[\d;]*m/g, '');
      assert.equal(bare, last(ofHandshakes({ on: display(width) })));
    });
  }

  it('never exceeds a terminal, however small, but for the least that it has', () => {
    for (const by of [[], ['remote'], ['comm', 'result']]) {
      for (let height = 18; height < 70; height += 7) {
        for (const width of [50, 80, 133]) {
          const text = last(ofHandshakes({ on: display(width, { height }), by }));
          assertTidy(text, width);
          // The last part is the cursor's line.
          const lines = text.split('\n').length;
          assert.ok(lines <= height, `${lines} lines on ${height}: ${text}`);
        }
      }
    }
  });

  it('on a low terminal has all failures in one line', () => {
    assertGolden('heatmap-height', last(ofHandshakes({ on: display(80, { height: 16 }) })));
  });

  it('on a pipe prints a page of 60 intervals when it is full, and the rest at the end', () => {
    const source = new HeatmapGroups<Handshake>([], handshakeHeatmap());
    const view = createHeatmapView<Handshake>({ source, display: display(undefined), context });
    const pages: number[] = [];
    const shown = (text: string | undefined): number => Number(/ok latency (\d+)/.exec(text ?? '')?.[1] ?? 0);
    source.tick(0);
    for (let interval = 0; interval < 130; interval++) {
      source.add({ ...handshakes.items[0]!, outcome: 'ok' });
      source.tick((interval + 1) * 1e9);
      const frame = view.frame((interval + 1) * 1e9, 0);
      if (frame !== undefined) {
        pages.push(interval);
        assert.equal(shown(frame), 60);
        assert.match(frame, /^00:0[12]:00\.000Z\n.* in 60\.0 s/);
      }
    }
    assert.deepEqual(pages, [59, 119]);
    source.add({ ...handshakes.items[0]!, outcome: 'ok' });
    assert.equal(shown(view.end?.(130.5e9, 0)), 11);
    assert.equal(view.end?.(131e9, 0), undefined, 'nothing twice');
  });

  it('on a pipe prints before anything is forgotten, where there is no room for a page', () => {
    const source = new HeatmapGroups<Handshake>([], handshakeHeatmap(), { intervals: 10 });
    const view = createHeatmapView<Handshake>({ source, display: display(undefined), context });
    let shown = 0;
    const print = (text: string | undefined): void => {
      shown += Number(/ok latency (\d+)/.exec(text ?? '')?.[1] ?? 0);
    };
    source.tick(0);
    for (let interval = 0; interval < 130; interval++) {
      source.add({ ...handshakes.items[0]!, outcome: 'ok' });
      source.tick((interval + 1) * 1e9);
      print(view.frame((interval + 1) * 1e9, 0));
    }
    print(view.end?.(130e9, 0));
    // Only the very first has gone by the time that anything is known to be.
    assert.equal(shown, 129);
  });

  it('on a pipe', () => {
    const text = ofHandshakes({ on: display(undefined), by: ['remote'], top: 3 }).join('');
    assertTidy(text, undefined);
    assertGolden('heatmap-pipe', text);
  });

  for (const by of [[], ['comm']]) {
    it(`in plain text is a sentence an interval${by.length > 0 ? ' and group' : ''}`, () => {
      const text = ofHandshakes({ on: plain, by }).join('');
      assertTidy(text, undefined);
      assert.doesNotMatch(text, /[\u2500-\u28ff·]/);
      assertGolden(`heatmap-plain${by.map((key) => `-${key}`).join('')}`, text);
    });
  }

  it('as NDJSON and CSV: a line a bucket or failure, each interval once, with every attempt', () => {
    const by = ['comm'];
    const json = ofHandshakes({ on: display(undefined), by }, createJsonHeatmapView).join('');
    assertGolden('heatmap-json', json);
    assertGolden('heatmap-csv', ofHandshakes({ on: display(undefined), by }, createCsvHeatmapView).join(''));
    const counts = new Map<string, number>();
    for (const line of json.trimEnd().split('\n')) {
      const { result, count } = JSON.parse(line) as { result: string; count: number };
      counts.set(result, (counts.get(result) ?? 0) + count);
    }
    for (const outcome of ['ok', 'refused', 'timeout', 'abandoned']) {
      const attempts = handshakes.items.filter((item) => item.outcome === outcome);
      assert.equal(counts.get(outcome), attempts.length, outcome);
    }
  });

  it('says how many intervals it does not show and does not keep', () => {
    const limits = { intervals: 14 };
    assertGolden('heatmap-dropped', last(ofHandshakes({ on: display(34), limits })));
  });

  it('of nothing is one line', () => {
    const source = new HeatmapGroups<Handshake>([], handshakeHeatmap());
    const view = createHeatmapView({ source, display: display(80), context });
    assert.equal(view.frame(0, 0), 'ok latency 0\n');
    assert.equal(view.end?.(0, 0), 'ok latency 0\n');
  });

  it('of failures alone has no bands', () => {
    const source = new HeatmapGroups<Handshake>([], handshakeHeatmap());
    const view = createHeatmapView({ source, display: display(80), context });
    source.tick(0);
    source.add({ ...handshakes.items[0]!, outcome: 'refused' });
    source.tick(1e9);
    assert.equal(
      view.frame(1e9, 0),
      'ok latency 0 in 1.0 s\n' +
        'refused┆        ·      1\n' +
        '       └────────┬  total\n' +
        '        00:00:01Z\n' +
        'a cell: · 1\n',
    );
  });
});

describe('heatmaps of retrans --heatmap', () => {
  for (const width of [80, 160, undefined]) {
    it(`of stalls at ${width ?? 'no'} columns`, () => {
      const text = last(ofRetransmits({ on: display(width) }));
      assertTidy(text, width);
      assertGolden(`retrans-heatmap-${width ?? 'pipe'}`, text);
    });
  }

  it('in 256 colours', () => {
    assertGolden('retrans-heatmap-colour', last(ofRetransmits({ on: display(80, { colorLevel: 2 }) })));
  });

  it('in plain text', () => {
    assertGolden('retrans-heatmap-plain', ofRetransmits({ on: plain }).join(''));
  });

  it('as NDJSON and CSV', () => {
    const on = display(undefined);
    assertGolden('retrans-heatmap-json', ofRetransmits({ on, by: ['kind'] }, createJsonHeatmapView).join(''));
    assertGolden('retrans-heatmap-csv', ofRetransmits({ on, by: ['kind'] }, createCsvHeatmapView).join(''));
  });
});
