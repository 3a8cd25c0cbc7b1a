import assert from 'node:assert/strict';
import { isRetransmit, type Retransmit } from '#tcpscope/model/retransmit.js';
import { machineColumns, textColumns, wideColumns } from '#tcpscope/model/select.js';
import { createCsvView, createJsonView } from '#tcpscope/view/machine-views.js';
import { retransmitColumns } from '#tcpscope/view/retransmit-columns.js';
import { createRowsView } from '#tcpscope/view/rows.js';
import { viewOf } from '#tcpscope/view/select-items.js';
import type { View } from '#tcpscope/view/view.js';
import { context, display, replay, retransmits } from './fixture.js';
import { assertGolden, assertTidy } from './golden.js';

const COLUMNS = retransmitColumns('utc', 'relative');
const SEGMENTS = retransmits.items.filter(isRetransmit);

function shown(view: View<Retransmit>): string {
  return replay(retransmits, viewOf(isRetransmit, view), []).text;
}

function rows(width: number | undefined, columns = textColumns(COLUMNS), colorLevel: 0 | 1 = 0): string {
  return shown(createRowsView({ columns, display: display(width, { colorLevel }), context }));
}

/** An address that no column has room for moves what follows it, and is the only thing that may. */
function withoutLongAddresses(text: string): string {
  return text
    .split('\n')
    .filter((line) => !/\[[0-9a-f:]{20}/.test(line))
    .join('\n');
}

describe('rows of retrans', () => {
  for (const width of [80, 120, 160, 200, undefined]) {
    it(`at ${width ?? 'no'} columns`, () => {
      const text = rows(width);
      assertTidy(text, undefined);
      assertTidy(withoutLongAddresses(text), width);
      assertGolden(`retrans-rows-${width ?? 'pipe'}`, text);
    });
  }

  it('has the full set of columns in their order where there is room', () => {
    const expected =
      'TIME PID COMM LOCAL REMOTE STATE KIND SEQ LEN SEGS TRY STALL RTO SRTT CWND CONTAINER'.split(' ');
    assert.deepEqual(rows(undefined).split('\n')[0]?.trim().split(/\s+/), expected);
    assert.deepEqual(rows(200).split('\n')[0]?.trim().split(/\s+/), expected);
  });

  it('keeps at 80 columns, with any time, what tells whose it is, why, and how bad', () => {
    for (const time of ['local', 'utc', 'epoch', 'relative'] as const) {
      const columns = textColumns(retransmitColumns(time, 'relative'));
      const view = createRowsView({
        columns,
        display: display(80),
        context: { ...context, timeFormat: time },
      });
      assert.equal(view.begin().replaceAll(/\s+/g, ' ').trim(), 'TIME PID COMM REMOTE KIND TRY STALL', time);
    }
  });

  it('in colour', () => {
    assertGolden('retrans-rows-colour', rows(160, undefined, 1));
  });

  it('with chosen columns', () => {
    const names = ['try', 'STALL', 'Min_RTT', 'remote_address', 'error', 'ca', 'cgroup_id', 'ssthresh'];
    const text = rows(undefined, textColumns(COLUMNS, names));
    assertTidy(text, undefined);
    assertGolden('retrans-rows-columns', text);
  });

  it('with all columns', () => {
    const text = rows(undefined, wideColumns(COLUMNS));
    assertTidy(text, undefined);
    assertGolden('retrans-rows-wide', text);
  });

  it('with sequence numbers as on the wire', () => {
    const columns = textColumns(retransmitColumns('utc', 'absolute'), ['comm', 'kind', 'seq', 'len']);
    assertGolden('retrans-rows-absolute', rows(undefined, columns));
  });

  it('in every time format', () => {
    const texts = (['local', 'utc', 'epoch', 'relative'] as const).map((timeFormat) => {
      const columns = textColumns(retransmitColumns(timeFormat, 'relative'), ['time', 'kind']);
      const at = { columns, display: display(undefined), context: { ...context, timeFormat } };
      const view = createRowsView(at);
      return view.begin() + view.items(SEGMENTS.slice(0, 4), retransmits.clockOffsetNs);
    });
    // Local time is that of the machine: its shape is all that can be golden.
    texts[0] = texts[0]?.replaceAll(/\d\d:\d\d(?=:)/g, 'hh:mm') ?? '';
    assertGolden('retrans-rows-time', texts.join('\n'));
  });

  it('as NDJSON', () => {
    const view = createJsonView<Retransmit>({
      columns: machineColumns(COLUMNS),
      display: display(undefined),
      context,
    });
    const text = shown(view);
    const objects = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(objects.length, SEGMENTS.length);
    assert.deepEqual(Object.keys(objects[0] ?? {}), [
      ...['time', 'pid', 'comm', 'uid', 'netns', 'netns_name', 'family', 'local_address', 'local_port'],
      ...['remote_address', 'remote_port', 'region', 'role', 'external', 'local_region', 'local_role'],
      ...['remote_name', 'service', 'host', 'state', 'kind', 'error', 'seq', 'len', 'segs', 'try'],
      ...['stall_us', 'rto_us', 'srtt_us', 'min_rtt_us', 'cwnd', 'ssthresh', 'lost_out', 'sacked_out'],
      ...['retrans_out', 'bytes_retrans', 'segs_out', 'mss', 'ca_state', 'container', 'container_id', 'pod'],
      ...['namespace', 'unit', 'cgroup', 'cgroup_id'],
    ]);
    assertGolden('retrans-rows-json', text);
  });

  it('as CSV', () => {
    const view = createCsvView({ columns: machineColumns(COLUMNS), display: display(undefined), context });
    assertGolden('retrans-rows-csv', shown(view));
  });
});
