/** Which metrics of DogStatsD a snapshot is, by preset. */
import type { DogStatsdConfig } from '../model/agent-config.js';
import { LatencyHistogram } from '../model/histogram.js';
import type { NetworkSeries, NetworkSnapshot } from '../model/network.js';
import { KINDS } from '../model/retransmit.js';
import {
  HANDSHAKE_DURATION,
  PENDING,
  SELF_GAUGES,
  tagsOf,
  type Attributes,
  type Counter,
} from './counters.js';
import { talliesOf, type Bucket, type Tallies } from './tallies.js';

/** What one combination of tags has counted since the start. */
export interface Measurement {
  readonly tags: Attributes;
  readonly counters: readonly Pick<Counter<never>, 'name' | 'tags'>[];
  /** In the order of `counters`. */
  readonly counts: readonly number[];
  readonly distributions: readonly Distribution[];
  /** As few buckets as the precision of a sketch asks for. */
  readonly buckets: readonly Bucket[];
}

/** A metric whose values are those of the buckets. */
export interface Distribution {
  readonly name: string;
  readonly unit: 's' | 'ms';
}

export interface GaugeValue {
  readonly name: string;
  readonly tags: Attributes;
  readonly value: number;
}

export interface Metrics {
  /** By what is the same in another snapshot. */
  readonly measurements: ReadonlyMap<string, Measurement>;
  readonly gauges: readonly GaugeValue[];
}

export const METRICS_OF: Readonly<Record<DogStatsdConfig['preset'], (snapshot: NetworkSnapshot) => Metrics>> =
  {
    tcpscope: (snapshot) => ({
      measurements: everything(talliesOf(snapshot)),
      gauges: [...pendingOf(snapshot.series), ...selfOf(snapshot)],
    }),
    'network-monitor': ({ series }) => ({ measurements: networkMonitor(series), gauges: [] }),
  };

const DURATION: readonly Distribution[] = [{ name: HANDSHAKE_DURATION, unit: 's' }];

function everything(tallies: Tallies): Map<string, Measurement> {
  return new Map(
    [...tallies].map(([key, { tags, counters, counts, latency }]) => [
      key,
      { tags, counters, counts, distributions: DURATION, buckets: coarse(latency) },
    ]),
  );
}

function pendingOf(series: readonly NetworkSeries[]): GaugeValue[] {
  return series
    .filter(({ pending }) => pending > 0)
    .map(({ labels, pending }) => ({ name: PENDING.name, tags: tagsOf(labels), value: pending }));
}

function selfOf({ self }: NetworkSnapshot): GaugeValue[] {
  return SELF_GAUGES.map((gauge) => ({ name: gauge.name, tags: {}, value: gauge.value(self) }));
}

/**
 * The median is a distribution as well, since a median of gauges, one a host, would weigh a host with one connection as much as one with a
 * million.
 */
const LATENCIES: readonly Distribution[] = [
  { name: 'network_monitor.tcp_region_connection_latency_ms', unit: 'ms' },
  { name: 'network_monitor.tcp_median_connection_latency_ms', unit: 'ms' },
];
const RETRANSMIT_COUNT = [{ name: 'network_monitor.tcp_region_retransmit_count', tags: {} }];
/** Not those of handshakes, which show as latency. */
const DATA_KINDS = KINDS.map((kind) => kind !== 'syn' && kind !== 'synack');

function networkMonitor(series: readonly NetworkSeries[]): Map<string, Measurement> {
  const groups = new Map<string, { tags: Attributes; segments: number; latency: LatencyHistogram }>();
  for (const { labels, retransmits, latency } of series) {
    const { external, source_namespace, region } = tagsOf(labels) as Record<string, string>;
    const key = [external, source_namespace, region].join('\0');
    const tags = { external: external!, source_namespace: source_namespace!, region: region! };
    let group = groups.get(key);
    if (!group) groups.set(key, (group = { tags, segments: 0, latency: new LatencyHistogram() }));
    group.segments += retransmits.reduce((sum, count, kind) => (DATA_KINDS[kind] ? sum + count : sum), 0);
    group.latency.merge(latency);
  }
  return new Map(
    [...groups].map(([key, { tags, segments, latency }]) => [
      key,
      {
        tags,
        counters: RETRANSMIT_COUNT,
        counts: [segments],
        distributions: LATENCIES,
        buckets: coarse(latency),
      },
    ]),
  );
}

/** Two buckets become one, which is at most 1/64 of its values wide. */
function coarse(latency: LatencyHistogram): Bucket[] {
  const pairs: [index: number, count: number][] = [];
  for (const [index, count] of latency.buckets()) {
    const pair = index >> 1;
    const last = pairs.at(-1);
    if (last?.[0] === pair) last[1] += count;
    else pairs.push([pair, count]);
  }
  return pairs;
}
