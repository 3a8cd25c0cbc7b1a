/** What Prometheus gets of a snapshot: families of metrics with their samples. docs/metrics.md explains them. */
import { bucketMiddle, type LatencyHistogram } from '../model/histogram.js';
import { OUTCOMES } from '../model/handshake.js';
import {
  HANDSHAKE_EDGES_S,
  type NetworkLabels,
  type NetworkSeries,
  type NetworkSnapshot,
} from '../model/network.js';
import { KINDS } from '../model/retransmit.js';
import { sanitize } from '../model/units.js';
import type { OutputTelemetry } from './output.js';

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  /** Of a bucket, sum or count of a histogram; else the family's name. */
  readonly metricName?: string;
  /** Labels that are the same object in every scrape. */
  readonly sharedLabels?: Labels;
  readonly labels?: Labels;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  samples(measured: Measured): Sample[];
}

export interface Measured {
  readonly snapshot: NetworkSnapshot;
  /** By the name of the output. */
  readonly outputs: Readonly<Record<string, OutputTelemetry>>;
  /** When this process was started, Unix time in seconds. */
  readonly processStartS: number;
}

const DURATION = 'tcpscope_tcp_handshake_duration_seconds';

export const FAMILIES: readonly Family[] = [
  {
    name: DURATION,
    help: 'Time from the first SYN to the established connection, of outgoing connections that were established.',
    type: 'histogram',
    samples: ({ snapshot }) => snapshot.series.flatMap(histogramSamples),
  },
  ofSeries(
    'tcpscope_tcp_connection_attempts_total',
    'Outgoing connection attempts that have ended, well or not.',
    ({ outcomes }) => outcomes.reduce((sum, count) => sum + count, 0),
  ),
  ofKinds(
    'tcpscope_tcp_connection_failures_total',
    'Outgoing connection attempts that were not established, by what ended them.',
    'error_type',
    OUTCOMES,
    ({ outcomes }) => outcomes,
    (outcome) => outcome !== 'ok' && outcome !== 'pending',
  ),
  ofSeries(
    'tcpscope_tcp_connection_syn_lost_total',
    'Outgoing connection attempts that have ended and had to send their SYN more than once.',
    ({ lostSyn }) => lostSyn,
  ),
  ofSeries(
    'tcpscope_tcp_connections_pending',
    'Outgoing connection attempts that have hung for longer than a second and still do.',
    ({ pending }) => pending,
    'gauge',
  ),
  ofKinds(
    'tcpscope_tcp_retransmits_total',
    'TCP segments that were sent again, by why the kernel did so.',
    'type',
    KINDS,
    ({ retransmits }) => retransmits,
  ),
  ofSeries(
    'tcpscope_tcp_retransmits_spurious_total',
    'TCP segments that were sent again although the other end had them already, as it reported.',
    ({ spurious }) => spurious,
  ),
  ofSeries(
    'tcpscope_tcp_segments_sent_total',
    'TCP segments that were sent, those sent again and bare acknowledgements included.',
    ({ segmentsSent }) => segmentsSent,
  ),
  ofSeries(
    'tcpscope_tcp_stall_seconds_total',
    'Time for which connections had not moved forward when a timer made them send again.',
    ({ stallNs }) => stallNs / 1e9,
  ),
  {
    name: 'tcpscope_tcp_accept_queue_overflows_total',
    help: 'Incoming connections that were dropped because the program did not accept them fast enough.',
    type: 'counter',
    samples: ({ snapshot }) =>
      snapshot.overflows.map(({ sourceNamespace, acceptOverflows }) => ({
        labels: { source_namespace: sanitize(sourceNamespace) },
        value: acceptOverflows,
      })),
  },
  {
    name: 'tcpscope_build_info',
    help: 'Which tcpscope this is; the value is always 1.',
    type: 'gauge',
    samples: ({ snapshot }) => [{ labels: { version: snapshot.self.version }, value: 1 }],
  },
  ofSelf('tcpscope_events_lost_total', 'Events of the kernel for which there was no room.', 'lostEvents'),
  ofSelf(
    'tcpscope_attempts_untracked_total',
    'Connection attempts that were not followed, because too many were under way.',
    'untrackedAttempts',
  ),
  ofSelf(
    'tcpscope_program_runs_missed_total',
    'Times that the kernel did not run a program of tcpscope.',
    'missedRuns',
  ),
  ofSelf(
    'tcpscope_series_overflow_total',
    'Connection attempts and segments that were counted as other, because there were too many series.',
    'overflowedItems',
  ),
  ofSelf('tcpscope_series', 'Combinations of labels that are counted apart.', 'series', 1, 'gauge'),
  ofSelf(
    'tcpscope_kernel_seconds_total',
    'Time that the programs of tcpscope took in the kernel.',
    'kernelNs',
    1e9,
  ),
  ofSelf('process_cpu_seconds_total', 'CPU time of this process, user and system.', 'cpuNs', 1e9),
  ofSelf('process_resident_memory_bytes', 'Memory of this process.', 'rssBytes', 1, 'gauge'),
  {
    name: 'process_start_time_seconds',
    help: 'When this process was started, and all counters were 0, as Unix time.',
    type: 'gauge',
    samples: ({ processStartS }) => [{ value: processStartS }],
  },
  ofOutputs(
    'tcpscope_output_sent_total',
    'Publications that arrived: requests that were answered well, or packets.',
    'sent',
  ),
  ofOutputs(
    'tcpscope_output_failed_total',
    'Publications that failed; a later one makes up for it.',
    'failed',
  ),
  ofOutputs('tcpscope_output_dropped_total', 'Data points that will never arrive.', 'dropped'),
  ofOutputs('tcpscope_output_bytes_total', 'Bytes that were published.', 'bytes'),
];

/** A number of each series. */
function ofSeries(
  name: string,
  help: string,
  valueOf: (series: NetworkSeries) => number,
  type: 'counter' | 'gauge' = 'counter',
): Family {
  const samples = ({ snapshot }: Measured): Sample[] =>
    snapshot.series.map((series) => ({ sharedLabels: labelsOf(series), value: valueOf(series) }));
  return { name, help, type, samples };
}

/** Numbers of each series by one more label, in the order of its values. */
function ofKinds<Kind extends string>(
  name: string,
  help: string,
  label: string,
  kinds: readonly Kind[],
  countsOf: (series: NetworkSeries) => readonly number[],
  isShown: (kind: Kind) => boolean = () => true,
): Family {
  const shown = kinds.flatMap((kind, at) => (isShown(kind) ? [{ labels: { [label]: kind }, at }] : []));
  const samplesOf = (series: NetworkSeries): Sample[] => {
    const counts = countsOf(series);
    return shown.map(({ labels, at }) => ({
      sharedLabels: labelsOf(series),
      labels,
      value: counts[at] ?? 0,
    }));
  };
  return { name, help, type: 'counter', samples: ({ snapshot }) => snapshot.series.flatMap(samplesOf) };
}

type SelfNumber = Exclude<keyof NetworkSnapshot['self'], 'version'>;

function ofSelf(
  name: string,
  help: string,
  key: SelfNumber,
  divisor = 1,
  type: 'counter' | 'gauge' = 'counter',
): Family {
  return { name, help, type, samples: ({ snapshot }) => [{ value: snapshot.self[key] / divisor }] };
}

function ofOutputs(name: string, help: string, key: Exclude<keyof OutputTelemetry, 'lastError'>): Family {
  const samples = ({ outputs }: Measured): Sample[] =>
    Object.entries(outputs).map(([output, telemetry]) => ({ labels: { output }, value: telemetry[key] }));
  return { name, help, type: 'counter', samples };
}

const rendered = new WeakMap<NetworkLabels, Labels>();

/** The same object for the same series, as long as it lives: prom-client keeps the text of such labels. */
function labelsOf({ labels }: NetworkSeries): Labels {
  const known = rendered.get(labels);
  if (known) return known;
  const { external, sourceNamespace, sourceRegion, region, role, remote } = labels;
  const made: Labels = {
    external,
    source_namespace: sanitize(sourceNamespace),
    source_region: sanitize(sourceRegion),
    region: sanitize(region),
    role: sanitize(role),
    ...(remote !== undefined && { remote: sanitize(remote) }),
  };
  rendered.set(labels, made);
  return made;
}

const BUCKET_LABELS: readonly Labels[] = [...HANDSHAKE_EDGES_S.map(String), '+Inf'].map((le) => ({ le }));
const BUCKET = `${DURATION}_bucket`;

function histogramSamples(series: NetworkSeries): Sample[] {
  const sharedLabels = labelsOf(series);
  const samples: Sample[] = cumulative(series.latency).map((value, at) => ({
    metricName: BUCKET,
    sharedLabels,
    labels: BUCKET_LABELS[at]!,
    value,
  }));
  samples.push(
    { metricName: `${DURATION}_sum`, sharedLabels, value: series.latencySumNs / 1e9 },
    { metricName: `${DURATION}_count`, sharedLabels, value: series.latency.count },
  );
  return samples;
}

/** How many durations are at most each of HANDSHAKE_EDGES_S, and how many there are: each taken as the middle of its bucket. */
export function cumulative(histogram: LatencyHistogram): number[] {
  const counts = Array<number>(HANDSHAKE_EDGES_S.length + 1).fill(0);
  let edge = 0;
  for (const [bucket, count] of histogram.buckets()) {
    const seconds = bucketMiddle(bucket) / 1e9;
    while (edge < HANDSHAKE_EDGES_S.length && seconds > HANDSHAKE_EDGES_S[edge]!) edge++;
    counts[edge]! += count;
  }
  let sum = 0;
  return counts.map((count) => (sum += count));
}
