import assert from 'node:assert/strict';
import { stripVTControlCharacters } from 'node:util';
import { parseGroupKeys } from '#tcpscope/aggregate/group-keys.js';
import { HANDSHAKE_KEYS } from '#tcpscope/aggregate/handshake-keys.js';
import { HandshakeGroups } from '#tcpscope/aggregate/handshake-groups.js';
import { RetransmitGroups } from '#tcpscope/aggregate/retransmit-groups.js';
import type { Handshake } from '#tcpscope/model/handshake.js';
import type { RetransItem } from '#tcpscope/model/retransmit.js';
import { textColumns } from '#tcpscope/model/select.js';
import { handshakeColumns } from '#tcpscope/view/handshake-columns.js';
import { handshakeGroupColumns } from '#tcpscope/view/handshake-group-columns.js';
import { createHistogramView } from '#tcpscope/view/histogram.js';
import { createRowsView } from '#tcpscope/view/rows.js';
import { createTableView } from '#tcpscope/view/table.js';
import { context, display, handshakes, replay, retransmits } from './fixture.js';
import { assertGolden, assertTidy } from './golden.js';

/** On a terminal whose height must not matter, since nothing is redrawn. */
const plain = display(120, { height: 10, plain: true });

/** Text that a screen reader can say: no boxes, blocks, shades, Braille, colours or moves of the cursor. */
function assertPlain(text: string, width?: number): void {
  assertTidy(text, width);
  assert.equal(text, stripVTControlCharacters(text));
  assert.doesNotMatch(text, /[\u2500-\u28ff·]/);
}

describe('--plain', () => {
  it('has rows as they are', () => {
    const view = createRowsView({ columns: textColumns(handshakeColumns('utc')), display: plain, context });
    const { text } = replay(handshakes, view, []);
    const usual = createRowsView({
      columns: textColumns(handshakeColumns('utc')),
      display: display(120),
      context,
    });
    assertPlain(text);
    assert.equal(text, replay(handshakes, usual, []).text);
  });

  it('has tables without bars, one below the other, whole', () => {
    const groups = new HandshakeGroups(parseGroupKeys(['remote'], HANDSHAKE_KEYS));
    const view = createTableView<Handshake, ReturnType<typeof groups.rows>[number]>({
      rows: () => groups.rows(),
      columns: textColumns(handshakeGroupColumns(groups.keys, () => groups.intervalSeconds)),
      display: plain,
      context,
    });
    const text = replay(handshakes, view, [groups]).frames.at(-1) ?? '';
    assertPlain(text, 120);
    assert.doesNotMatch(text, /LAST|more/);
    assertGolden('plain-table', text);
  });

  it('has histograms in words, with every value', () => {
    const groups = new HandshakeGroups(parseGroupKeys(['comm'], HANDSHAKE_KEYS));
    const view = createHistogramView<Handshake>({ source: groups, display: plain, context });
    const text = replay(handshakes, view, [groups]).frames.at(-1) ?? '';
    assertPlain(text);
    assertGolden('plain-histogram', text);
    const counts = [...text.matchAll(/^from .*: (\d+) \(/gm)].map(([, count]) => Number(count));
    const ok = handshakes.items.filter(({ outcome }) => outcome === 'ok').length;
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      ok,
    );
  });

  it('has histograms of small numbers in words', () => {
    const groups = new RetransmitGroups([]);
    const view = createHistogramView<RetransItem>({ source: groups, display: plain, context });
    const text = replay(retransmits, view, [groups]).frames.at(-1) ?? '';
    assertPlain(text);
    assertGolden('plain-retrans-histogram', text);
  });
});
