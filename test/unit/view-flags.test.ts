import assert from 'node:assert/strict';
import { Parser } from '@oclif/core';
import { HandshakeGroups } from '#tcpscope/aggregate/handshake-groups.js';
import { OK_LATENCY } from '#tcpscope/aggregate/handshake-report.js';
import { handshakeHeatmap } from '#tcpscope/aggregate/heatmap-kinds.js';
import { HeatmapGroups } from '#tcpscope/aggregate/heatmap.js';
import { chooseView, viewFlags, type ViewFlagValues } from '#tcpscope/cli/view-flags.js';
import type { Handshake } from '#tcpscope/model/handshake.js';
import { handshakeColumns } from '#tcpscope/view/handshake-columns.js';
import { handshakeGroupColumns } from '#tcpscope/view/handshake-group-columns.js';
import type { View } from '#tcpscope/view/view.js';
import { handshake } from './handshakes.js';

/** The view that these flags ask for, and what it says of one refused attempt. */
async function viewFor(argv: readonly string[]): Promise<{ view: View<Handshake>; text: string }> {
  const { flags } = await Parser.parse([...argv], { flags: viewFlags, strict: true });
  const groups = new HandshakeGroups([]);
  const heatmap = new HeatmapGroups<Handshake>([], handshakeHeatmap());
  const values: ViewFlagValues = flags;
  const view = chooseView(
    values,
    {
      columns: handshakeColumns('utc'),
      table: {
        columns: handshakeGroupColumns([], () => 1),
        rows: () => groups.rows(),
        defaultSort: 'rate_per_s',
      },
      histogram: { source: groups, measures: [OK_LATENCY], keys: [] },
      heatmap,
    },
    { width: 80, height: 24, colorLevel: 0, plain: values.plain },
    { clockOffsetNs: 0, timeFormat: 'utc', startedNs: 0 },
  );
  const attempt = handshake({ outcome: 'refused' });
  for (const reducer of [groups, heatmap]) {
    reducer.tick(0);
    reducer.add(attempt);
    reducer.tick(1e9);
  }
  return { view, text: view.begin() + view.items([attempt], 0) + (view.frame(1e9, 0) ?? '') };
}

describe('the flags of views', () => {
  it('choose a heatmap for people, in words, or for machines', async () => {
    assert.match((await viewFor(['--heatmap'])).text, /refused┆ +· +1\n/);
    assert.equal((await viewFor(['--heatmap', '--plain'])).text, '00:00:01Z: 1 refused\n');
    assert.equal(
      (await viewFor(['--heatmap', '--json'])).text,
      '{"time":"1970-01-01T00:00:01.000Z","from_us":null,"to_us":null,"result":"refused","count":1}\n',
    );
    assert.equal(
      (await viewFor(['--heatmap', '--csv'])).text,
      'time,from_us,to_us,result,count\n1970-01-01T00:00:01.000Z,,,refused,1\n',
    );
  });

  it('make histograms plain', async () => {
    assert.equal((await viewFor(['--hist', '--plain'])).text, '00:00:01.000Z\nok latency 0\nrefused: 1\n\n');
  });

  for (const [argv, why] of [
    [['--heatmap', '--hist'], /--hist.*--heatmap|--heatmap.*--hist/],
    [['--plain', '--json'], /--json.*--plain|--plain.*--json/],
    [['--plain', '--csv'], /--csv.*--plain|--plain.*--csv/],
    [['--heatmap', '--sort', 'ok', '--by', 'comm'], /--sort needs a table/],
    [['--heatmap', '--top', '3'], /--top needs groups/],
    [['--heatmap', '--wide'], /--wide is for rows and tables/],
    [['--heatmap', '--columns', 'ok'], /--columns has no meaning for a heatmap/],
    [['--hist', '--columns', 'ok'], /--columns has no meaning for a histogram/],
  ] as const) {
    it(`refuse ${argv.join(' ')}`, async () => {
      await assert.rejects(viewFor(argv), why);
    });
  }
});
