/** The source of `health` and `agent`, against the traffic and the kernel's counters. */
import assert from 'node:assert/strict';
import { NetworkSeriesReducer } from '#tcpscope/aggregate/network-series.js';
import { parsePrefix } from '#tcpscope/attribute/address.js';
import { DEFAULT_CONFIG } from '#tcpscope/attribute/config.js';
import { placeNetworks } from '#tcpscope/attribute/place-networks.js';
import { Places } from '#tcpscope/attribute/places.js';
import { toFilter } from '#tcpscope/cli/filter-flags.js';
import { NetworkSource } from '#tcpscope/kernel/network.js';
import { connect, listen, Network, SERVER } from '#tcpscope/lab/network.js';
import { OUTCOMES } from '#tcpscope/model/handshake.js';
import { isMeeting } from '#tcpscope/model/meeting.js';
import type { NetworkItem, NetworkSeries } from '#tcpscope/model/network.js';
import { KINDS } from '#tcpscope/model/retransmit.js';
import { monotonicNs } from '#tcpscope/session/clock.js';

const CONNECTIONS = 8;
const PORT = { plain: 9000, nobody: 9009, full: 9010 } as const;

const places = new Places({
  ...DEFAULT_CONFIG,
  internal: [parsePrefix('10.77.0.0/24'), parsePrefix('127.0.0.0/8')],
  regions: [
    { prefix: parsePrefix(`${SERVER.ipv4}/32`), value: 'west' },
    { prefix: parsePrefix(`${SERVER.ipv6}/128`), value: 'east' },
  ],
});

/** What was seen of these namespaces while `work` ran, by the series' region and side. */
async function measure(network: Network, work: () => Promise<void>): Promise<Map<string, NetworkSeries>> {
  const source = NetworkSource.start({
    filter: toFilter({ netns: [network.client.name, network.server.name] }),
    transport: 'auto',
    byRemote: false,
    byProcess: false,
    sampleNs: 1e9,
    places: placeNetworks(places),
  });
  const series = new NetworkSeriesReducer({
    source: 'auto',
    sourceRegion: undefined,
    maxSeries: 100,
    topRemotes: 0,
  });
  const take = (): void => {
    for (const item of source.drain(monotonicNs())) {
      if (isMeeting(item)) continue;
      series.add(attributed(item));
    }
  };
  try {
    take();
    await work();
    take();
    source.stop();
    take();
    assert.deepEqual({ ...source.losses(), missed: 0 }, { lost: 0, untracked: 0, missed: 0, uncounted: 0 });
  } finally {
    source.close();
  }
  overflowed = series.acceptOverflows().reduce((sum, { acceptOverflows }) => sum + acceptOverflows, 0);
  return new Map(series.series().map((each) => [`${each.labels.region} ${each.labels.external}`, each]));
}

let overflowed = 0;

function attributed(item: NetworkItem): NetworkItem {
  return Object.assign(item, { remotePlace: places.of(item.remoteAddress) });
}

const outcome = (series: NetworkSeries | undefined, name: (typeof OUTCOMES)[number]): number | undefined =>
  series?.outcomes[OUTCOMES.indexOf(name)];

describe('the source of all measurements', () => {
  it('sums up attempts by places, which are one whatever the address', async () => {
    const network = await Network.create();
    try {
      await listen(network.server, '::', PORT.plain);
      const series = await measure(network, async () => {
        await connect(network.client, SERVER.ipv4, PORT.plain, { count: 23 });
        await connect(network.client, SERVER.ipv4, PORT.nobody, { count: 5 });
        await connect(network.client, SERVER.ipv6, PORT.plain, { count: 7 });
        for (const last of [1, 2, 3])
          await connect(network.client, `127.0.0.${last}`, PORT.nobody, { count: last });
      });
      // The server answers the client's IPv6 address, which is in no region and not internal.
      assert.equal(series.get('none yes')?.latency.count, 0);
      assert.deepEqual([...series.keys()].sort(), ['east yes', 'none no', 'none yes', 'west no']);
      assert.deepEqual(
        [outcome(series.get('west no'), 'ok'), outcome(series.get('west no'), 'refused')],
        [23, 5],
      );
      assert.equal(series.get('west no')?.latency.count, 23);
      assert.equal(outcome(series.get('east yes'), 'ok'), 7);
      assert.equal(outcome(series.get('none no'), 'refused'), 6);
      const { 'Tcp.ActiveOpens': opens } = await network.client.snmp();
      assert.equal(opens, 41);
    } finally {
      await network.destroy();
    }
  });

  it('has what was sent, and sent again, as the kernel counts it', async () => {
    const network = await Network.create({ lossPercent: 10, ipv6: false });
    try {
      await listen(network.server, SERVER.ipv4, PORT.plain, { close: true });
      const series = await measure(network, () =>
        connect(network.client, SERVER.ipv4, PORT.plain, { count: CONNECTIONS, send: 200_000 }).then(
          () => undefined,
        ),
      );
      const counters = await network.client.snmp();
      const west = series.get('west no');
      const again = west?.retransmits ?? [];
      const ofClient = again.reduce((sum, count, kind) => sum + (KINDS[kind] === 'synack' ? 0 : count), 0);
      const server = series.get('none no');
      assert.equal(ofClient, counters['Tcp.RetransSegs']);
      assert.ok(ofClient > 10, String(ofClient));
      // OutSegs leaves out what was sent again, and has what no socket sent: in TIME_WAIT a FIN that comes again is answered.
      const sent = counters['Tcp.OutSegs']! + counters['Tcp.RetransSegs']!;
      const bySockets = west?.segmentsSent ?? 0;
      assert.ok(bySockets <= sent && bySockets >= sent - CONNECTIONS, `${bySockets} of ${sent}`);
      assert.ok(server && server.segmentsSent > 0);
    } finally {
      await network.destroy();
    }
  });

  it('has what listeners could not take', async () => {
    const network = await Network.create({ ipv6: false });
    try {
      await listen(network.server, SERVER.ipv4, PORT.full, { backlog: 1, noAccept: true });
      await measure(network, () =>
        connect(network.client, SERVER.ipv4, PORT.full, { count: 6, concurrent: 6, timeoutMs: 2500 }).then(
          () => undefined,
        ),
      );
      const counted = await listenOverflows(network);
      assert.ok(counted > 0);
      assert.equal(overflowed, counted);
    } finally {
      await network.destroy();
    }
  });

  it('knows of new places while it runs', async () => {
    const network = await Network.create({ ipv6: false });
    const source = NetworkSource.start({
      filter: toFilter({ netns: [network.client.name] }),
      transport: 'auto',
      byRemote: false,
      byProcess: false,
      sampleNs: 1e9,
      places: placeNetworks(places),
    });
    try {
      const standing = (): string[] =>
        source.drain(monotonicNs()).flatMap((item) => (item.type === 'sum' ? [item.remoteAddress] : []));
      await connect(network.client, SERVER.ipv4, PORT.nobody);
      assert.deepEqual(standing(), [SERVER.ipv4]);
      const moved = new Places({ ...DEFAULT_CONFIG, internal: [parsePrefix('10.77.0.0/16')] });
      source.replacePlaces(placeNetworks(moved));
      await connect(network.client, SERVER.ipv4, PORT.nobody);
      assert.deepEqual(standing(), ['10.77.0.0']);
    } finally {
      source.close();
      await network.destroy();
    }
  });
});

async function listenOverflows({ server }: Network): Promise<number> {
  const counters = await server.snmp();
  return counters['TcpExt.ListenOverflows'] ?? 0;
}
