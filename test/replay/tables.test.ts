import assert from 'node:assert/strict';
import { parseGroupKeys } from '#tcpscope/aggregate/group-keys.js';
import { HANDSHAKE_KEYS } from '#tcpscope/aggregate/handshake-keys.js';
import { HandshakeGroups, type HandshakeGroup } from '#tcpscope/aggregate/handshake-groups.js';
import type { Handshake } from '#tcpscope/model/handshake.js';
import { findColumn, machineColumns, textColumns } from '#tcpscope/model/select.js';
import { handshakeGroupColumns } from '#tcpscope/view/handshake-group-columns.js';
import { createCsvTableView, createJsonTableView } from '#tcpscope/view/machine-views.js';
import type { TableOptions } from '#tcpscope/view/table-rows.js';
import { createTableView } from '#tcpscope/view/table.js';
import type { Display, View } from '#tcpscope/view/view.js';
import { context, display, handshakes, replay } from './fixture.js';
import { assertGolden, assertTidy } from './golden.js';

interface Table {
  by: string;
  on: Display;
  sort?: string;
  top?: number;
  limit?: number;
  columns?: readonly string[];
  machine?: boolean;
}

type MakeView = (options: TableOptions<HandshakeGroup>) => View<Handshake>;

function frames(make: MakeView, { by, on, sort, top, limit, columns: names, machine }: Table): string[] {
  const keys = parseGroupKeys(by.split(','), HANDSHAKE_KEYS);
  const groups = new HandshakeGroups(keys, limit);
  const all = handshakeGroupColumns(keys, () => groups.intervalSeconds);
  const view = make({
    rows: () => groups.rows(),
    notes: () => groups.notes(),
    columns: machine ? machineColumns(all, names) : textColumns(all, names),
    ...(sort === undefined ? {} : { sorting: { column: findColumn(all, sort) } }),
    ...(top === undefined ? {} : { top }),
    display: on,
    context,
  });
  const { text, frames } = replay(handshakes, view, [groups]);
  return machine ? [text, ...frames] : frames;
}

function lastTable(table: Table): string {
  return frames(createTableView, table).at(-1) ?? '';
}

describe('tables of connlat --by', () => {
  for (const width of [60, 80, 120, 160, 200, undefined]) {
    for (const by of ['remote', 'result', 'comm,remote-port']) {
      it(`${by} at ${width ?? 'no'} columns`, () => {
        const text = lastTable({ by, on: display(width), sort: 'attempts' });
        assertTidy(text, width);
        assertGolden(`table-${by.replace(',', '-')}-${width ?? 'pipe'}`, text);
      });
    }
  }

  for (const by of ['subnet', 'subnet:16:32', 'pid', 'netns', 'remote-port']) {
    it(`${by} at 120 columns`, () => {
      const text = lastTable({ by, on: display(120) });
      assertTidy(text, 120);
      assertGolden(`table-${by.replaceAll(':', '-')}-120`, text);
    });
  }

  it('never exceeds a terminal, however narrow', () => {
    for (let width = 20; width < 200; width += 7)
      assertTidy(lastTable({ by: 'remote,comm', on: display(width) }), width);
  });

  it('says how many groups are not shown', () => {
    assertGolden('table-top', lastTable({ by: 'remote', on: display(120), sort: 'p99', top: 5 }));
  });

  it('fills the terminal and no more', () => {
    const text = lastTable({ by: 'remote', on: display(80, { height: 10 }), sort: 'fail' });
    assertGolden('table-height', text);
  });

  it('counts the lines of long names when it fills the terminal', () => {
    for (let height = 5; height < 22; height++) {
      const text = lastTable({ by: 'remote', on: display(80, { height }), sort: 'p99' });
      assert.ok(text.split('\n').length <= height, `${height}:\n${text}`);
    }
  });

  it('says which events found no group of their own', () => {
    assertGolden('table-other', lastTable({ by: 'remote', on: display(80), limit: 4 }));
  });

  it('in colour', () => {
    const text = lastTable({ by: 'remote', on: display(160, { colorLevel: 1 }) });
    assertTidy(text, 160);
    assertGolden('table-colour', text);
  });

  it('prints a table an interval on a pipe', () => {
    const text = frames(createTableView, {
      by: 'result',
      on: display(undefined),
      columns: ['result', 'rate_per_s', 'ok'],
    });
    assertGolden('table-intervals', text.slice(3, 6).join(''));
  });

  it('as NDJSON and CSV: a line a group an interval', () => {
    const table: Table = { by: 'remote,pid', on: display(undefined), machine: true };
    assertGolden('table-json', frames(createJsonTableView, table).slice(0, 5).join(''));
    assertGolden('table-csv', frames(createCsvTableView, table).slice(0, 5).join(''));
  });
});
