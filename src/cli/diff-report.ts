/** What `tcpscope diff` compares, by the kind of recordings. */
import type { DiffResult, DiffRow, Side, Sides } from '../aggregate/diff.js';
import { parseGroupKeys } from '../aggregate/group-keys.js';
import { HandshakeDiff } from '../aggregate/handshake-diff.js';
import { handshakeKeys } from '../aggregate/handshake-keys.js';
import { HandshakeTotals } from '../aggregate/handshake-totals.js';
import type { Reducer } from '../aggregate/reducer.js';
import { RetransmitDiff } from '../aggregate/retransmit-diff.js';
import { retransmitKeys } from '../aggregate/retransmit-keys.js';
import { RetransmitTotals } from '../aggregate/retransmit-totals.js';
import type { Column } from '../model/column.js';
import type { NameBook } from '../model/name-book.js';
import type { SummaryFacts } from '../model/summary.js';
import { DIFF_METHODS } from '../view/diff.js';
import { handshakeDiffColumns } from '../view/handshake-diff-columns.js';
import { retransmitDiffColumns } from '../view/retransmit-diff-columns.js';

type Row = DiffRow<unknown, string>;

export interface Comparison<Item> {
  add(side: Side, item: Item): void;
  finish(durationsNs: Sides<number>, alpha: number): DiffResult<unknown, string>;
  columns(durationsNs: Sides<number>): readonly Column<Row>[];
  /** What was counted: `attempts`. */
  noun: string;
  method: string;
  facts(side: Side): SummaryFacts;
}

/** A summary of each side. */
type Totals<Item> = Sides<Reducer<Item> & { facts(): SummaryFacts }>;

interface Parts<Item> {
  diff: {
    add(side: Side, item: Item): void;
    finish(durationsNs: Sides<number>, alpha: number): DiffResult<unknown, string>;
  };
  totals: Totals<Item>;
  columns(durationsNs: Sides<number>): readonly Column<never>[];
  noun: string;
  method: string;
}

function comparison<Item>(parts: Parts<Item>): Comparison<Item> {
  const { diff, totals, noun, method } = parts;
  return {
    add(side, item) {
      diff.add(side, item);
      totals[side].add(item);
    },
    finish: (durationsNs, alpha) => diff.finish(durationsNs, alpha),
    columns: (durationsNs) => parts.columns(durationsNs),
    noun,
    method,
    facts: (side) => totals[side].facts(),
  };
}

/** @param by keys of --by; @param startedNs when each recording began */
export function compareHandshakes(by: readonly string[], names: NameBook, startedNs: Sides<number>) {
  const keys = parseGroupKeys(by, handshakeKeys(names));
  return comparison({
    diff: new HandshakeDiff(keys, startedNs),
    totals: { before: new HandshakeTotals(), after: new HandshakeTotals() },
    columns: (durationsNs) => handshakeDiffColumns(keys, durationsNs),
    noun: 'attempts',
    method: DIFF_METHODS.handshakes,
  });
}

/** @param by keys of --by; @param startedNs when each recording began */
export function compareRetransmits(by: readonly string[], names: NameBook, startedNs: Sides<number>) {
  const keys = parseGroupKeys(by, retransmitKeys(names));
  return comparison({
    diff: new RetransmitDiff(keys, startedNs),
    totals: { before: new RetransmitTotals(), after: new RetransmitTotals() },
    columns: (durationsNs) => retransmitDiffColumns(keys, durationsNs),
    noun: 'segments sent again',
    method: DIFF_METHODS.retransmits,
  });
}
