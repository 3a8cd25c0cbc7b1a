/** Snapshots as the agent has them, made by hand. */
import { OUTCOMES, type Outcome } from '#tcpscope/model/handshake.js';
import { LatencyHistogram } from '#tcpscope/model/histogram.js';
import type { NetworkLabels, NetworkSeries, NetworkSnapshot } from '#tcpscope/model/network.js';
import { KINDS } from '#tcpscope/model/retransmit.js';

export const LABELS: NetworkLabels = {
  external: 'no',
  sourceNamespace: 'shop',
  sourceRegion: 'here',
  region: 'there',
  role: 'database',
};

export interface Made {
  labels?: Partial<NetworkLabels>;
  latenciesNs?: readonly number[];
  outcomes?: Partial<Record<Outcome, number>>;
  rest?: Partial<NetworkSeries>;
}

export function makeSeries({ labels, latenciesNs = [], outcomes = {}, rest }: Made = {}): NetworkSeries {
  const latency = new LatencyHistogram();
  for (const ns of latenciesNs) latency.record(ns);
  return {
    labels: { ...LABELS, ...labels },
    outcomes: OUTCOMES.map((outcome) => outcomes[outcome] ?? 0),
    lostSyn: 0,
    pending: 0,
    latency,
    latencySumNs: latency.sum,
    retransmits: KINDS.map(() => 0),
    segmentsSent: 0,
    spurious: 0,
    stallNs: 0,
    ...rest,
  };
}

export function makeSnapshot(
  series: readonly NetworkSeries[] = [],
  overflows: NetworkSnapshot['overflows'] = [],
): NetworkSnapshot {
  return {
    startMs: 1_000,
    timeMs: 2_000,
    series,
    overflows,
    self: {
      version: '1.2.3',
      lostEvents: 2,
      untrackedAttempts: 3,
      missedRuns: 5,
      overflowedItems: 7,
      series: series.length,
      cpuNs: 11e9,
      rssBytes: 13,
      kernelNs: 17e9,
    },
  };
}
