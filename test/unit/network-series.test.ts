import assert from 'node:assert/strict';
import { NetworkSeriesReducer, type SeriesOptions } from '#tcpscope/aggregate/network-series.js';
import { OUTCOMES, type HandshakeSum } from '#tcpscope/model/handshake.js';
import { bucketIndex, bucketMiddle } from '#tcpscope/model/histogram.js';
import { KINDS } from '#tcpscope/model/retransmit.js';
import type { AcceptOverflows, NetworkSeries } from '#tcpscope/model/network.js';
import type { Workload } from '#tcpscope/model/attribution.js';
import { handshake } from './handshakes.js';
import { growth, retransmit } from './retransmits.js';

const OPTIONS: SeriesOptions = { source: 'auto', sourceRegion: 'eu', maxSeries: 100, topRemotes: 0 };

const inside = { region: 'us', role: undefined, external: false };
const workload = (difference: Partial<Workload>): Workload => ({
  ...{ name: 'name', cgroup: '/x', containerId: undefined, container: undefined },
  ...{ pod: undefined, namespace: undefined, unit: undefined },
  ...difference,
});

function sum(ok: number, difference: Partial<HandshakeSum> = {}): HandshakeSum {
  const { localAddress, localPort, remoteAddress, remotePort, netns, cgroupId, uid, pid, comm } = handshake();
  return {
    ...{ localAddress, localPort, remoteAddress, remotePort, netns, cgroupId, uid, pid, comm },
    type: 'sum',
    outcome: 'ok',
    isOther: false,
    counts: {
      outcomes: OUTCOMES.map((outcome) => (outcome === 'ok' ? ok : 0)),
      lostSyn: 1,
      latencies: [{ bucket: bucketIndex(400_000), count: ok, minNs: 400_000, maxNs: 400_000 }],
    },
    ...difference,
  };
}

const overflows = (count: number, difference: Partial<AcceptOverflows> = {}): AcceptOverflows => ({
  ...handshake(),
  type: 'accept-overflows',
  count,
  ...difference,
});

const attempts = ({ outcomes }: NetworkSeries): number => outcomes.reduce((all, count) => all + count, 0);

describe('series of the network', () => {
  it('add up sums, single attempts, retransmissions and sockets of the same labels', () => {
    const series = new NetworkSeriesReducer(OPTIONS);
    const shop = { workload: workload({ namespace: 'shop', unit: 'x.scope' }), remotePlace: inside };
    series.add(sum(10, shop));
    series.add(sum(5, shop));
    series.add({ ...handshake({ outcome: 'refused' }), ...shop });
    series.add({ ...retransmit({ segments: 3, kind: 'rto' }), ...shop });
    series.add({ ...growth({ segsOut: 40, spurious: 2 }), ...shop });
    const [one, ...more] = series.series();
    assert.deepEqual(more, []);
    assert.deepEqual(one?.labels, {
      external: 'no',
      sourceNamespace: 'shop',
      sourceRegion: 'eu',
      region: 'us',
      role: 'none',
    });
    assert.equal(one.outcomes[OUTCOMES.indexOf('ok')], 15);
    assert.equal(one.outcomes[OUTCOMES.indexOf('refused')], 1);
    assert.equal(one.lostSyn, 2);
    assert.equal(one.latency.count, 15);
    assert.equal(one.latencySumNs, 15 * bucketMiddle(bucketIndex(400_000)));
    assert.equal(one.retransmits[KINDS.indexOf('rto')], 3);
    assert.deepEqual([one.segmentsSent, one.spurious, one.stallNs], [40, 2, 500_000_000]);
  });

  it('call the source what is known of it', () => {
    const sourceOf = (
      options: Partial<SeriesOptions>,
      difference: Partial<HandshakeSum>,
    ): string | undefined => {
      const series = new NetworkSeriesReducer({ ...OPTIONS, ...options });
      series.add(sum(1, difference));
      return series.series()[0]?.labels.sourceNamespace;
    };
    const pod = workload({
      name: 'shop/web/app',
      namespace: 'shop',
      pod: 'web',
      containerId: 'abc',
      unit: 'a.scope',
    });
    const docker = workload({
      name: 'redis',
      container: 'redis',
      containerId: 'abc',
      unit: 'docker-abc.scope',
    });
    const unit = workload({ name: 'nginx.service', unit: 'nginx.service' });
    const names = (source: SeriesOptions['source']) =>
      [pod, docker, unit].map((each) => sourceOf({ source }, { workload: each, netnsName: 'host' }));
    assert.deepEqual(names('auto'), ['shop', 'redis', 'nginx.service']);
    assert.deepEqual(names('namespace'), ['shop', 'host', 'host']);
    assert.deepEqual(names('container'), ['shop/web/app', 'redis', 'host']);
    assert.deepEqual(names('unit'), ['a.scope', 'docker-abc.scope', 'nginx.service']);
    assert.equal(sourceOf({}, { workload: workload({ name: '/job/17' }), netnsName: 'host' }), 'host');
    assert.equal(sourceOf({}, { netnsName: 'shop/web' }), 'shop');
    assert.equal(sourceOf({}, {}), 'none');
  });

  it('have no standstill from before the start', () => {
    const series = new NetworkSeriesReducer(OPTIONS, 10_400_000_000);
    series.add(retransmit());
    assert.equal(series.series()[0]?.stallNs, 100_000_000);
  });

  it('are bounded: what there is no room for is in other, and counted', () => {
    const series = new NetworkSeriesReducer({ ...OPTIONS, maxSeries: 3 });
    for (let at = 0; at < 10; at++) series.add(sum(7, { netnsName: `n${at}` }));
    series.add(sum(5, { isOther: true }));
    const all = series.series();
    assert.equal(all.length, 4);
    const other = all.find(({ labels }) => labels.sourceNamespace === 'other');
    assert.equal(other && attempts(other), 7 * 7 + 5);
    assert.equal(other?.labels.external, 'other');
    assert.equal(series.overflowed, 7 * 7 + 5);
    assert.equal(
      all.reduce((total, each) => total + attempts(each), 0),
      75,
    );
  });

  it('count what hangs as long as it hangs', () => {
    const series = new NetworkSeriesReducer(OPTIONS);
    series.add(handshake({ outcome: 'pending' }));
    assert.equal(series.series()[0]?.pending, 1);
    assert.equal(attempts(series.series()[0]!), 0);
    series.add({ ...handshake(), type: 'pending-end' });
    assert.equal(series.series()[0]?.pending, 0);
  });

  it('have the overflows of listeners apart, by their source', () => {
    const series = new NetworkSeriesReducer({ ...OPTIONS, maxSeries: 2 });
    for (const netnsName of ['a', 'b', 'c', 'a']) series.add(overflows(2, { netnsName }));
    assert.deepEqual(series.acceptOverflows(), [
      { sourceNamespace: 'a', acceptOverflows: 4 },
      { sourceNamespace: 'b', acceptOverflows: 2 },
      { sourceNamespace: 'other', acceptOverflows: 2 },
    ]);
    assert.deepEqual(series.series(), []);
  });

  it('have the remote addresses with the most attempts, and never take back what was counted', () => {
    const series = new NetworkSeriesReducer({ ...OPTIONS, topRemotes: 2 });
    const byRemote = (): Record<string, number> =>
      Object.fromEntries(series.series().map((each) => [each.labels.remote ?? '?', attempts(each)]));
    const add = (address: string, count: number): void => {
      series.add(sum(count, { remoteAddress: address }));
    };
    add('10.0.0.1', 100);
    add('10.0.0.2', 50);
    add('10.0.0.3', 1);
    assert.deepEqual(byRemote(), { other: 151 });
    series.tick();
    add('10.0.0.1', 10);
    add('10.0.0.2', 10);
    add('10.0.0.3', 400);
    assert.deepEqual(byRemote(), { other: 551, '10.0.0.1': 10, '10.0.0.2': 10 });
    series.tick();
    add('10.0.0.3', 5);
    add('10.0.0.2', 1);
    assert.deepEqual(byRemote(), { other: 552, '10.0.0.1': 10, '10.0.0.2': 10, '10.0.0.3': 5 });
  });
});
