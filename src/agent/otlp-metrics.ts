/** A snapshot as a request of OTLP. The official library encodes it; its instruments, which would be called for each handshake, are not used. */
import { ValueType } from '@opentelemetry/api';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes, type Resource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  type DataPoint,
  type ExponentialHistogram,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import type { LatencyHistogram } from '../model/histogram.js';
import type { NetworkSnapshot } from '../model/network.js';
import { PENDING, SELF_GAUGES, tagsOf, type Attributes, type Counter, type Gauge } from './counters.js';
import { toExponential } from './exponential.js';
import type { ServiceResource } from './resource.js';
import type { Tallies, Tally } from './tallies.js';

const HANDSHAKES = {
  name: 'system.network.tcp.handshake.duration',
  unit: 's',
  description: 'From SYN_SENT to ESTABLISHED of outgoing connections.',
};
const HANDSHAKE_ROLE = { 'network.tcp.handshake.role': 'client' };
/** The buckets that nothing is in. */
const NONE = { offset: 0, bucketCounts: [] };

type Time = [seconds: number, nanoseconds: number];

export interface OtlpRequest {
  readonly bytes: Uint8Array;
  readonly points: number;
}

export class OtlpEncoder {
  readonly #resource: Resource;
  readonly #scope: { name: string; version: string };
  readonly #temporality: AggregationTemporality;

  constructor({ version, instanceId, hostName }: ServiceResource, temporality: 'cumulative' | 'delta') {
    this.#resource = resourceFromAttributes({
      'service.name': 'tcpscope',
      'service.version': version,
      'service.instance.id': instanceId,
      'host.name': hostName,
      'os.type': 'linux',
    });
    this.#scope = { name: 'tcpscope', version };
    this.#temporality =
      temporality === 'delta' ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE;
  }

  /**
   * @param tallies what was counted from `startMs` until the snapshot was taken; what is 0 is left out
   * @param snapshot has the gauges
   */
  encode(tallies: Tallies, snapshot: NetworkSnapshot, startMs: number): OtlpRequest {
    const period = { startTime: timeOf(startMs), endTime: timeOf(snapshot.timeMs) };
    const metrics = [...this.#sums(tallies, period), ...this.#gauges(snapshot, period)];
    const handshakes = handshakesOf(tallies, period);
    if (handshakes.length > 0)
      metrics.push({
        descriptor: { ...HANDSHAKES, valueType: ValueType.DOUBLE },
        aggregationTemporality: this.#temporality,
        dataPointType: DataPointType.EXPONENTIAL_HISTOGRAM,
        dataPoints: handshakes,
      });
    const bytes = ProtobufMetricsSerializer.serializeRequest({
      resource: this.#resource,
      scopeMetrics: [{ scope: this.#scope, metrics }],
    });
    return {
      bytes: bytes ?? new Uint8Array(),
      points: metrics.reduce((points, { dataPoints }) => points + dataPoints.length, 0),
    };
  }

  #sums(tallies: Tallies, period: Period): MetricData[] {
    const byName = new Map<string, { counter: Counter<never>; dataPoints: DataPoint<number>[] }>();
    for (const { counters, counts, tags } of tallies.values()) {
      const attributes = attributesOf(tags);
      for (const [at, value] of counts.entries()) {
        if (value === 0) continue;
        const counter = counters[at]!;
        const name = counter.convention?.name ?? counter.name;
        let metric = byName.get(name);
        if (!metric) byName.set(name, (metric = { counter, dataPoints: [] }));
        const own = counter.convention?.attributes ?? counter.tags;
        metric.dataPoints.push({ ...period, attributes: { ...attributes, ...own }, value });
      }
    }
    return [...byName.values()].map(({ counter, dataPoints }) => ({
      descriptor: descriptionOf(counter),
      aggregationTemporality: this.#temporality,
      dataPointType: DataPointType.SUM,
      isMonotonic: true,
      dataPoints,
    }));
  }

  #gauges({ series, self }: NetworkSnapshot, period: Period): MetricData[] {
    const gauge = <Of>(of: Gauge<Of>, values: [Attributes, Of][]): MetricData => ({
      descriptor: descriptionOf(of),
      // Not said of gauges; the type asks for it.
      aggregationTemporality: this.#temporality,
      dataPointType: DataPointType.GAUGE,
      dataPoints: values.map(([attributes, each]) => ({ ...period, attributes, value: of.value(each) })),
    });
    const pending = series
      .filter((each) => each.pending > 0)
      .map((each): [Attributes, typeof each] => [attributesOf(tagsOf(each.labels)), each]);
    return [
      ...(pending.length > 0 ? [gauge(PENDING, pending)] : []),
      ...SELF_GAUGES.map((each) => gauge(each, [[{}, self]])),
    ];
  }
}

/** How many data points the receiver refused of a request that it took. */
export function rejectedPoints(answer: Uint8Array): { points: number; message: string } {
  const { partialSuccess } = ProtobufMetricsSerializer.deserializeResponse(answer);
  return { points: partialSuccess?.rejectedDataPoints ?? 0, message: partialSuccess?.errorMessage ?? '' };
}

type Period = Pick<DataPoint<number>, 'startTime' | 'endTime'>;

function handshakesOf(tallies: Tallies, period: Period): DataPoint<ExponentialHistogram>[] {
  return [...tallies.values()]
    .filter(({ latency }) => latency.count > 0)
    .map(({ latency, tags }: Tally) => ({
      ...period,
      attributes: { ...attributesOf(tags), ...HANDSHAKE_ROLE },
      value: histogramOf(latency),
    }));
}

function histogramOf(latency: LatencyHistogram): ExponentialHistogram {
  const { scale, zeroCount, offset, counts } = toExponential([...latency.buckets()]);
  const { count, sum, min, max } = latency;
  return {
    count,
    sum: sum / 1e9,
    ...(min !== undefined && { min: min / 1e9 }),
    ...(max !== undefined && { max: max / 1e9 }),
    scale,
    zeroCount,
    positive: { offset, bucketCounts: counts },
    negative: NONE,
  };
}

function descriptionOf({ name, convention, unit, description }: Gauge<never>): MetricData['descriptor'] {
  return {
    name: convention?.name ?? name,
    unit,
    description,
    valueType: unit === 's' ? ValueType.DOUBLE : ValueType.INT,
  };
}

/** OpenTelemetry has no names for the labels. */
function attributesOf(tags: Attributes): Attributes {
  return Object.fromEntries(Object.entries(tags).map(([name, value]) => [`tcpscope.${name}`, value]));
}

function timeOf(ms: number): Time {
  const seconds = Math.floor(ms / 1e3);
  return [seconds, Math.round((ms - seconds * 1e3) * 1e6)];
}
