import assert from 'node:assert/strict';
import { parseGroupKeys } from '#tcpscope/aggregate/group-keys.js';
import { RetransmitGroups, type RetransmitGroup } from '#tcpscope/aggregate/retransmit-groups.js';
import { RETRANSMIT_KEYS } from '#tcpscope/aggregate/retransmit-keys.js';
import type { RetransItem } from '#tcpscope/model/retransmit.js';
import { findColumn, machineColumns, textColumns, wideColumns } from '#tcpscope/model/select.js';
import { createCsvTableView, createJsonTableView } from '#tcpscope/view/machine-views.js';
import { retransmitGroupColumns } from '#tcpscope/view/retransmit-group-columns.js';
import type { TableOptions } from '#tcpscope/view/table-rows.js';
import { createTableView } from '#tcpscope/view/table.js';
import type { Display, View } from '#tcpscope/view/view.js';
import { context, display, replay, retransmits } from './fixture.js';
import { assertGolden, assertTidy } from './golden.js';

interface Table {
  by: string;
  on: Display;
  sort?: string;
  top?: number;
  limit?: number;
  columns?: readonly string[] | 'all' | 'machine';
}

type MakeView = (options: TableOptions<RetransmitGroup>) => View<RetransItem>;

/** The text above the frames, and the frames. */
function drawn(make: MakeView, { by, on, sort = 'retrans', top, limit, columns }: Table): string[] {
  const keys = parseGroupKeys(by.split(','), RETRANSMIT_KEYS);
  const groups = new RetransmitGroups(keys, limit);
  const all = retransmitGroupColumns(keys, () => groups.intervalSeconds);
  const chosen = (): typeof all => {
    if (columns === 'machine') return machineColumns(all);
    return columns === 'all' ? wideColumns(all) : textColumns(all, columns);
  };
  const view = make({
    rows: () => groups.rows(),
    notes: () => groups.notes(),
    columns: chosen(),
    sorting: { column: findColumn(all, sort) },
    ...(top === undefined ? {} : { top }),
    display: on,
    context,
  });
  const { text, frames } = replay(retransmits, view, [groups]);
  return [text, ...frames];
}

function lastTable(table: Table): string {
  return drawn(createTableView, table).at(-1) ?? '';
}

const KEYS = [
  ...['remote', 'subnet', 'pid', 'comm', 'netns', 'remote-port', 'state', 'kind', 'flow', 'container'],
  ...['pod,namespace,unit', 'cgroup', 'region,role,external', 'service,host'],
];

describe('tables of retrans --by', () => {
  for (const by of KEYS) {
    for (const width of [80, 160, undefined]) {
      it(`${by} at ${width ?? 'no'} columns`, () => {
        const text = lastTable({ by, on: display(width) });
        assertTidy(text, width);
        assertGolden(`retrans-table-${by}-${width ?? 'pipe'}`, text);
      });
    }
  }

  it('has a test of each key', () => {
    const tested = KEYS.flatMap((by) => by.split(','));
    assert.deepEqual(tested.sort(), Object.keys(RETRANSMIT_KEYS).sort());
  });

  it('never exceeds a terminal, however narrow', () => {
    for (const by of ['remote', 'kind', 'comm,remote'])
      for (let width = 47; width < 200; width += 7) assertTidy(lastTable({ by, on: display(width) }), width);
  });

  it('by two keys', () => {
    assertGolden('retrans-table-comm-kind-80', lastTable({ by: 'comm,kind', on: display(80) }));
  });

  it('with all columns', () => {
    const text = lastTable({ by: 'comm', on: display(undefined), columns: 'all' });
    assertTidy(text, undefined);
    assertGolden('retrans-table-all', text);
  });

  it('with chosen columns, also those that are not shown otherwise', () => {
    const columns = ['comm', 'UNDONE', 'failed', 'ratio_percent'];
    assertGolden(
      'retrans-table-columns',
      lastTable({ by: 'comm', on: display(80), columns, sort: 'failed' }),
    );
  });

  it('in colour', () => {
    const text = lastTable({ by: 'remote', on: display(160, { colorLevel: 1 }) });
    assertTidy(text, 160);
    assertGolden('retrans-table-colour', text);
  });

  it('says what finds no group of its own, and what is not shown', () => {
    const text = lastTable({ by: 'remote', on: display(80), limit: 5, top: 4, sort: 'stall_us' });
    assertGolden('retrans-table-other', text);
  });

  it('prints a table an interval on a pipe', () => {
    const table: Table = { by: 'comm', on: display(undefined), columns: ['comm', 'rate_per_s', 'retrans'] };
    assertGolden('retrans-table-intervals', drawn(createTableView, table).slice(3, 7).join(''));
  });

  it('as NDJSON and CSV: a line a group an interval', () => {
    const table: Table = { by: 'comm,remote-port', on: display(undefined), columns: 'machine' };
    assertGolden('retrans-table-json', drawn(createJsonTableView, table).slice(0, 5).join(''));
    assertGolden('retrans-table-csv', drawn(createCsvTableView, table).slice(0, 5).join(''));
  });
});
