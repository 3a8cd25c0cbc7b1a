/** What a fleet's agents would have published, made up from raw latencies, so that the truth about them is known. */
import { appendFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { HANDSHAKE_EDGES_S } from '#tcpscope/model/network.js';
import { promtool } from './prometheus.js';

export const SCRAPE_S = 15;

/** Of one host and one combination of labels, how much happened between two scrapes. */
export interface HostTraffic {
  labels: Readonly<Record<string, string>>;
  /** Seconds of each ok handshake. */
  latencies: readonly number[];
  failures?: Readonly<Record<string, number>>;
  synLost?: number;
  retransmits?: Readonly<Record<string, number>>;
  sent?: number;
}

type Labels = Readonly<Record<string, string>>;

interface Metric {
  name: string;
  type: 'counter' | 'histogram';
  /** Growth between two scrapes of one series of a host. */
  series: (traffic: HostTraffic) => { suffix: string; labels: Labels; growth: number }[];
}

const counter = (name: string, of: (traffic: HostTraffic) => number): Metric => ({
  name,
  type: 'counter',
  series: (traffic) => [{ suffix: '_total', labels: {}, growth: of(traffic) }],
});

const counters = (
  name: string,
  label: string,
  of: (traffic: HostTraffic) => Readonly<Record<string, number>> | undefined,
): Metric => ({
  name,
  type: 'counter',
  series: (traffic) =>
    Object.entries(of(traffic) ?? {}).map(([value, growth]) => ({
      suffix: '_total',
      labels: { [label]: value },
      growth,
    })),
});

const failed = ({ failures = {} }: HostTraffic): number =>
  Object.values(failures).reduce((sum, count) => sum + count, 0);

const histogram: Metric = {
  name: 'tcpscope_tcp_handshake_duration_seconds',
  type: 'histogram',
  series({ latencies }) {
    const below = (edge: number): number => latencies.filter((latency) => latency <= edge).length;
    const buckets = [...HANDSHAKE_EDGES_S, Infinity].map((edge) => ({
      suffix: '_bucket',
      labels: { le: edge === Infinity ? '+Inf' : String(edge) },
      growth: below(edge),
    }));
    const sum = latencies.reduce((all, latency) => all + latency, 0);
    return [
      ...buckets,
      { suffix: '_count', labels: {}, growth: latencies.length },
      { suffix: '_sum', labels: {}, growth: sum },
    ];
  },
};

const METRICS: readonly Metric[] = [
  histogram,
  counter('tcpscope_tcp_connection_attempts', (traffic) => traffic.latencies.length + failed(traffic)),
  counters('tcpscope_tcp_connection_failures', 'error_type', ({ failures }) => failures),
  counter('tcpscope_tcp_connection_syn_lost', ({ synLost = 0 }) => synLost),
  counters('tcpscope_tcp_retransmits', 'type', ({ retransmits }) => retransmits),
  counter('tcpscope_tcp_segments_sent', ({ sent = 0 }) => sent),
];

function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
    .join(',');
}

/**
 * Writes blocks of a time series database into `folder/data`: steady growth from `startS` to `endS`, both of which are scrapes, so
 * that between them is exactly what happened in so many intervals.
 */
export function writeBlocks(
  folder: string,
  hosts: readonly HostTraffic[],
  startS: number,
  endS: number,
): void {
  const file = path.join(folder, 'metrics.txt');
  writeFileSync(file, '');
  for (const { name, type, series } of METRICS) {
    appendFileSync(file, `# TYPE ${name} ${type}\n`);
    for (const traffic of hosts) {
      let text = '';
      for (const { suffix, labels, growth } of series(traffic)) {
        const head = `${name}${suffix}{${labelText({ ...traffic.labels, ...labels })}}`;
        for (let timeS = startS, at = 0; timeS <= endS; timeS += SCRAPE_S, at++)
          text += `${head} ${growth * at} ${timeS}\n`;
      }
      appendFileSync(file, text);
    }
  }
  appendFileSync(file, '# EOF\n');
  importFile(folder, file);
}

/** Makes blocks in `folder/data` of a text in the format of OpenMetrics whose samples have times. */
export function importBlocks(folder: string, text: string): void {
  const file = path.join(folder, 'metrics.txt');
  writeFileSync(file, text);
  importFile(folder, file);
}

function importFile(folder: string, file: string): void {
  promtool('tsdb', 'create-blocks-from', 'openmetrics', '--quiet', file, path.join(folder, 'data'));
}

/** The value that this share of all are not above. */
export function quantileOf(values: readonly number[], share: number): number {
  const ordered = [...values].sort((a, b) => a - b);
  return ordered[Math.max(0, Math.ceil(share * ordered.length) - 1)]!;
}

/** The bucket that a value is in: its lower and its upper edge. */
export function bucketOf(value: number): [number, number] {
  const at = HANDSHAKE_EDGES_S.findIndex((edge) => value <= edge);
  return [HANDSHAKE_EDGES_S[at - 1] ?? 0, HANDSHAKE_EDGES_S[at] ?? Infinity];
}
