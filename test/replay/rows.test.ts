import assert from 'node:assert/strict';
import { machineColumns, textColumns } from '#tcpscope/model/select.js';
import { handshakeColumns } from '#tcpscope/view/handshake-columns.js';
import { createCsvView, createJsonView } from '#tcpscope/view/machine-views.js';
import { createRowsView } from '#tcpscope/view/rows.js';
import { context, display, handshakes, replay } from './fixture.js';
import { assertGolden, assertTidy } from './golden.js';

const COLUMNS = handshakeColumns('utc');

function rows(width: number | undefined, names?: readonly string[], colorLevel: 0 | 1 = 0): string {
  const columns = textColumns(COLUMNS, names);
  return replay(handshakes, createRowsView({ columns, display: display(width, { colorLevel }), context }), [])
    .text;
}

describe('rows of connlat', () => {
  for (const width of [80, 160, undefined]) {
    it(`at ${width ?? 'no'} columns`, () => {
      const text = rows(width);
      assertTidy(text, undefined);
      assertGolden(`rows-${width ?? 'pipe'}`, text);
    });
  }

  it('in colour', () => {
    assertGolden('rows-colour', rows(160, undefined, 1));
  });

  it('with chosen columns', () => {
    const text = rows(undefined, ['syns', 'LATENCY', 'remote_address', 'error', 'netns', 'uid', 'family']);
    assertTidy(text, undefined);
    assertGolden('rows-columns', text);
  });

  it('in every time format', () => {
    const texts = (['local', 'utc', 'epoch', 'relative'] as const).map((timeFormat) => {
      const columns = textColumns(handshakeColumns(timeFormat), ['time', 'pid']);
      const view = createRowsView({
        columns,
        display: display(undefined),
        context: { ...context, timeFormat },
      });
      return view.begin() + view.items(handshakes.items.slice(0, 3), handshakes.clockOffsetNs);
    });
    // Local time is that of the machine: its shape is all that can be golden.
    texts[0] = texts[0]?.replaceAll(/\d\d:\d\d(?=:)/g, 'hh:mm') ?? '';
    assertGolden('rows-time', texts.join('\n'));
  });

  it('gives another header when the terminal gets another width', () => {
    const size = display(160);
    const view = createRowsView({ columns: textColumns(COLUMNS), display: size, context });
    const wide = view.begin() + view.items(handshakes.items.slice(0, 2), handshakes.clockOffsetNs);
    size.width = 80;
    const narrow = view.items(handshakes.items.slice(2, 4), handshakes.clockOffsetNs);
    const same = view.items(handshakes.items.slice(4, 6), handshakes.clockOffsetNs);
    assertGolden('rows-resize', wide + narrow + same);
  });

  it('as NDJSON', () => {
    const view = createJsonView({ columns: machineColumns(COLUMNS), display: display(undefined), context });
    const { text } = replay(handshakes, view, []);
    const objects = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(objects.length, handshakes.items.length);
    assert.deepEqual(Object.keys(objects[0] ?? {}), [
      ...['time', 'pid', 'comm', 'uid', 'netns', 'netns_name', 'family', 'local_address', 'local_port'],
      ...['remote_address', 'remote_port', 'region', 'role', 'external', 'local_region', 'local_role'],
      ...['remote_name', 'service', 'host', 'result', 'error', 'latency_us', 'wire_us', 'syns', 'container'],
      ...['container_id', 'pod', 'namespace', 'unit', 'cgroup', 'cgroup_id'],
    ]);
    assertGolden('rows-json', text);
  });

  it('as NDJSON with chosen columns, whose text-only ones become their parts', () => {
    const columns = machineColumns(COLUMNS, ['local', 'result', 'local_port']);
    const { text } = replay(
      handshakes,
      createJsonView({ columns, display: display(undefined), context }),
      [],
    );
    assert.equal(text.split('\n')[0], '{"local_address":"10.1.4.7","local_port":51822,"result":"ok"}');
  });

  it('as CSV', () => {
    const view = createCsvView({ columns: machineColumns(COLUMNS), display: display(undefined), context });
    assertGolden('rows-csv', replay(handshakes, view, []).text);
  });
});
