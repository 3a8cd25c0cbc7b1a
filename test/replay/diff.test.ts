import assert from 'node:assert/strict';
import {
  DEFAULT_ALPHA,
  type DiffResult,
  type DiffRow,
  type Side,
  type Sides,
} from '#tcpscope/aggregate/diff.js';
import { parseGroupKeys } from '#tcpscope/aggregate/group-keys.js';
import { HandshakeDiff, type HandshakeDiffRow } from '#tcpscope/aggregate/handshake-diff.js';
import { HANDSHAKE_KEYS } from '#tcpscope/aggregate/handshake-keys.js';
import { RetransmitDiff, type RetransmitDiffRow } from '#tcpscope/aggregate/retransmit-diff.js';
import { RETRANSMIT_KEYS } from '#tcpscope/aggregate/retransmit-keys.js';
import type { Column } from '#tcpscope/model/column.js';
import type { Handshake } from '#tcpscope/model/handshake.js';
import { isRetransmit, type RetransItem } from '#tcpscope/model/retransmit.js';
import { machineColumns, textColumns } from '#tcpscope/model/select.js';
import { DIFF_METHODS, diffNotes, diffText, type DiffHead } from '#tcpscope/view/diff.js';
import { handshakeDiffColumns } from '#tcpscope/view/handshake-diff-columns.js';
import { createCsvTableView, createJsonTableView } from '#tcpscope/view/machine-views.js';
import { retransmitDiffColumns } from '#tcpscope/view/retransmit-diff-columns.js';
import { context, display, handshakes, retransmits, type Recording } from './fixture.js';
import { assertGolden, assertTidy } from './golden.js';
import { seededRandom } from '../unit/random.js';

/** The recordings are played so often, one after the other: a comparison needs more than 15 s. */
const REPEATS: Sides<number> = { before: 4, after: 6 };

/** Plays a recording again and again. `change` makes an item of a side what it is there, or drops it. */
function repeated<Item>(
  recording: Recording<Item>,
  side: Side,
  shift: (item: Item, byNs: number) => Item,
  change: (item: Item, random: () => number) => Item | undefined,
): { items: Item[]; durationNs: number } {
  const random = seededRandom(side === 'before' ? 1 : 2);
  const length = recording.stoppedNs - recording.startedNs;
  const items = Array.from({ length: REPEATS[side] }, (_, round) =>
    recording.items.flatMap((item) => {
      const changed = change(shift(item, round * length), random);
      return changed === undefined ? [] : [changed];
    }),
  ).flat();
  return { items, durationNs: REPEATS[side] * length };
}

/** Afterwards Redis is three times as slow, the server of wrk refuses more, a port is no longer used and another is new. */
function changedHandshake(attempt: Handshake, side: Side, random: () => number): Handshake | undefined {
  const { remotePort, startNs, endNs, outcome } = attempt;
  const jitter = 0.9 + 0.2 * random();
  const slower = side === 'after' && remotePort === 6379 && attempt.syns === 1 ? 3 : 1;
  const moved = { ...attempt, startNs: Math.round(endNs - (endNs - startNs) * jitter * slower) };
  if (side === 'before') return remotePort === 5432 ? undefined : moved;
  if (remotePort === 65535) return undefined;
  return remotePort === 8080 && outcome === 'ok' && random() < 0.9
    ? { ...moved, outcome: 'refused', errno: 111 }
    : moved;
}

interface Compared<Item, Row extends DiffRow<unknown, string>> {
  result: Omit<DiffResult<unknown, string>, 'rows'> & { rows: Row[] };
  durationsNs: Sides<number>;
  columns: Column<Row>[];
  items: Sides<Item[]>;
}

function comparedHandshakes(by: string): Compared<Handshake, HandshakeDiffRow> {
  const keys = parseGroupKeys(by.split(','), HANDSHAKE_KEYS);
  const { startedNs } = handshakes;
  const diff = new HandshakeDiff(keys, { before: startedNs, after: startedNs });
  const play = (side: Side): ReturnType<typeof repeated<Handshake>> =>
    repeated(
      handshakes,
      side,
      (attempt, byNs) => ({ ...attempt, startNs: attempt.startNs + byNs, endNs: attempt.endNs + byNs }),
      (attempt, random) => changedHandshake(attempt, side, random),
    );
  const [before, after] = [play('before'), play('after')];
  for (const item of before.items) diff.add('before', item);
  for (const item of after.items) diff.add('after', item);
  const durationsNs = { before: before.durationNs, after: after.durationNs };
  return {
    result: diff.finish(durationsNs),
    durationsNs,
    columns: handshakeDiffColumns(keys, durationsNs),
    items: { before: before.items, after: after.items },
  };
}

/** Afterwards the client's path loses more, and Redis stalls longer. */
function comparedRetransmits(by: string): Compared<RetransItem, RetransmitDiffRow> {
  const keys = parseGroupKeys(by.split(','), RETRANSMIT_KEYS);
  const { startedNs } = retransmits;
  const diff = new RetransmitDiff(keys, { before: startedNs, after: startedNs });
  const play = (side: Side): ReturnType<typeof repeated<RetransItem>> =>
    repeated(
      retransmits,
      side,
      (item, byNs) => ({
        ...item,
        timeNs: item.timeNs + byNs,
        ...(isRetransmit(item) && item.progressNs > 0 && { progressNs: item.progressNs + byNs }),
      }),
      (item) =>
        side === 'after' && isRetransmit(item) && item.localPort === 443 ? { ...item, segments: 9 } : item,
    );
  const [before, after] = [play('before'), play('after')];
  for (const item of before.items) diff.add('before', item);
  for (const item of after.items) diff.add('after', item);
  const durationsNs = { before: before.durationNs, after: after.durationNs };
  return {
    result: diff.finish(durationsNs),
    durationsNs,
    columns: retransmitDiffColumns(keys, durationsNs),
    items: { before: before.items, after: after.items },
  };
}

function headOf<Item, Row extends DiffRow<unknown, string>>(
  { result, durationsNs, items }: Compared<Item, Row>,
  noun: string,
  method: string,
): DiffHead {
  const recording = (side: Side, name: string): DiffHead['recordings'][Side] => ({
    name,
    durationNs: durationsNs[side],
    count: items[side].length,
    notes: side === 'after' ? ['12 events lost'] : [],
  });
  return {
    recordings: {
      before: recording('before', 'monday.tcpscope'),
      after: recording('after', 'tuesday.tcpscope'),
    },
    noun,
    method,
    comparisons: result.comparisons,
    alpha: result.alpha,
    warnings: ['different hosts: web-1, web-2'],
  };
}

function text<Item, Row extends DiffRow<unknown, string>>(
  compared: Compared<Item, Row>,
  head: DiffHead,
  width: number | undefined,
  colorLevel: 0 | 1 = 0,
): string {
  return diffText(
    head,
    {
      rows: () => compared.result.rows,
      columns: textColumns(compared.columns),
      notes: () => diffNotes(compared.result),
      display: display(width, { colorLevel }),
      context,
    },
    context,
  );
}

function handshakeText(by: string, width: number | undefined, colorLevel: 0 | 1 = 0): string {
  const compared = comparedHandshakes(by);
  return text(compared, headOf(compared, 'attempts', DIFF_METHODS.handshakes), width, colorLevel);
}

function retransmitText(by: string, width: number | undefined): string {
  const compared = comparedRetransmits(by);
  return text(compared, headOf(compared, 'segments sent again', DIFF_METHODS.retransmits), width);
}

function machineText<Item, Row extends DiffRow<unknown, string>>(
  compared: Compared<Item, Row>,
  make: typeof createJsonTableView,
): string {
  const view = make<never, Row>({
    rows: () => compared.result.rows,
    columns: machineColumns(compared.columns),
    display: display(undefined),
    context,
  });
  return view.begin() + (view.frame(retransmits.stoppedNs, context.clockOffsetNs) ?? '');
}

describe('comparison of two recordings', () => {
  for (const width of [80, 160, undefined]) {
    for (const by of ['remote-port', 'remote', 'comm,remote-port']) {
      it(`of handshakes by ${by} at ${width ?? 'no'} columns`, () => {
        const shown = handshakeText(by, width);
        assertTidy(shown, width);
        assertGolden(`diff-${by.replace(',', '-')}-${width ?? 'pipe'}`, shown);
      });
    }
    it(`of retransmissions by remote at ${width ?? 'no'} columns`, () => {
      const shown = retransmitText('remote', width);
      assertTidy(shown, width);
      assertGolden(`diff-retrans-remote-${width ?? 'pipe'}`, shown);
    });
  }

  it('in colour', () => {
    const shown = handshakeText('remote-port', 160, 1);
    assertTidy(shown, 160);
    assertGolden('diff-colour', shown);
  });

  it('never exceeds a terminal of 60 columns or more, keeps key and verdict', () => {
    for (let width = 60; width < 200; width += 9) {
      for (const shown of [handshakeText('remote-port', width), retransmitText('kind', width)]) {
        assertTidy(shown, width);
        assert.match(shown, /VERDICT/);
        assert.match(shown, /CHANGE/);
      }
    }
  });

  it('as NDJSON and CSV', () => {
    const compared = comparedHandshakes('remote-port');
    assertGolden('diff-json', machineText(compared, createJsonTableView));
    assertGolden('diff-csv', machineText(compared, createCsvTableView));
    assertGolden('diff-retrans-json', machineText(comparedRetransmits('remote'), createJsonTableView));
  });

  it('says what the change was, and nothing of what did not change', () => {
    const { result } = comparedHandshakes('remote-port');
    const row = (port: string): HandshakeDiffRow | undefined =>
      result.rows.find(({ keys }) => keys[0] === port);
    assert.equal(row('6379')?.changes[0]?.finding, 'slower');
    assert.ok(row('8080')?.changes.some(({ finding }) => finding === 'more failures'));
    assert.equal(row('65535')?.class, 'gone');
    assert.equal(row('5432')?.class, 'new');
    assert.equal(row('443')?.class, 'same');
    assert.equal(result.alpha, DEFAULT_ALPHA);
  });
});
