/** How a command shows what it saw: the same whether its items come from the kernel or from a recording. */
import type { GroupKey } from '../aggregate/grouping.js';
import type { KeyMaker } from '../aggregate/group-keys.js';
import type { Reducer } from '../aggregate/reducer.js';
import type { Column, TextContext } from '../model/column.js';
import type { NameBook } from '../model/name-book.js';
import type { SummaryFacts } from '../model/summary.js';
import type { EndpointNames } from '../view/flow-columns.js';
import type { Display, View } from '../view/view.js';
import type { ViewFlagValues } from './view-flags.js';

export interface Report<Item> {
  view: View<Item>;
  reducers: readonly Reducer<Item>[];
  /** True of what `--count` counts. */
  counts(item: Item): boolean;
  /** For the summary. */
  facts(): SummaryFacts;
}

/** What a report needs to know beside its flags. */
export interface ReportOptions<Flags extends ViewFlagValues> {
  flags: Flags;
  display: Display;
  context: TextContext;
  /** Names to show in place of addresses and numbers. */
  names: NameBook;
  /** What of them REMOTE shows. */
  endpointNames: EndpointNames;
  /** Columns to show though they are hidden by default. */
  revealed: readonly string[];
  /** True if tables are of a whole recording: then the last interval's rate says nothing. */
  whole?: boolean;
}

/** What the man page says of a command beside its flags, and what the documentation is checked against. */
export interface Manual<Item, Group> {
  rows: readonly Column<Item>[];
  groups: readonly Column<Group>[];
  keys: Readonly<Record<string, KeyMaker<Item>>>;
}

/** Keys of columns of the groups that `--by` makes. */
export function keyNames(keys: readonly GroupKey<never>[]): string[] {
  return keys.map(({ name }) => name.replaceAll('-', '_'));
}
