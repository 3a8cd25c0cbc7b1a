/** What an agent would have counted, made of raw values that a test knows. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { OUTCOMES, type Outcome } from '#tcpscope/model/handshake.js';
import { LatencyHistogram } from '#tcpscope/model/histogram.js';
import type { NetworkLabels, NetworkSnapshot, SelfTelemetry } from '#tcpscope/model/network.js';
import { KINDS, type Kind } from '#tcpscope/model/retransmit.js';

export const LABELS: NetworkLabels = {
  external: 'no',
  sourceNamespace: 'shop',
  sourceRegion: 'eu-west',
  region: 'eu-north',
  role: 'database',
};

const SELF: SelfTelemetry = {
  version: '1.2.3',
  lostEvents: 0,
  untrackedAttempts: 0,
  missedRuns: 0,
  overflowedItems: 0,
  series: 1,
  cpuNs: 0,
  rssBytes: 50e6,
  kernelNs: 0,
};

export const START_MS = 1_700_000_000_000;

/** One combination of labels. */
export class Counted {
  readonly outcomes = OUTCOMES.map(() => 0);
  readonly retransmits = KINDS.map(() => 0);
  readonly latency = new LatencyHistogram();
  /** Nanoseconds, as they were. */
  readonly values: number[] = [];
  lostSyn = 0;
  pending = 0;
  segmentsSent = 0;
  spurious = 0;
  stallNs = 0;

  constructor(readonly labels: NetworkLabels) {}

  connected(...values: number[]): this {
    for (const ns of values) {
      this.latency.record(ns);
      this.values.push(ns);
    }
    return this.ended('ok', values.length);
  }

  ended(outcome: Outcome, count: number): this {
    this.outcomes[OUTCOMES.indexOf(outcome)]! += count;
    return this;
  }

  resent(kind: Kind, count: number): this {
    this.retransmits[KINDS.indexOf(kind)]! += count;
    return this;
  }
}

export class CountedNetwork {
  readonly series: Counted[] = [];
  readonly overflows = new Map<string, number>();
  self = SELF;

  of(labels: Partial<NetworkLabels> = {}): Counted {
    const whole = { ...LABELS, ...labels };
    const wanted = JSON.stringify(whole);
    const known = this.series.find((each) => JSON.stringify(each.labels) === wanted);
    if (known) return known;
    const counted = new Counted(whole);
    this.series.push(counted);
    return counted;
  }

  /** @param seconds since the start. Histograms go on counting in it, as those of an agent do. */
  snapshot(seconds: number): NetworkSnapshot {
    return {
      startMs: START_MS,
      timeMs: START_MS + seconds * 1e3,
      series: this.series.map((each) => ({
        labels: each.labels,
        outcomes: [...each.outcomes],
        lostSyn: each.lostSyn,
        pending: each.pending,
        latency: each.latency,
        latencySumNs: each.latency.sum,
        retransmits: [...each.retransmits],
        segmentsSent: each.segmentsSent,
        spurious: each.spurious,
        stallNs: each.stallNs,
      })),
      overflows: [...this.overflows].map(([sourceNamespace, acceptOverflows]) => ({
        sourceNamespace,
        acceptOverflows,
      })),
      self: this.self,
    };
  }
}

/** A clock that a test sets, and chance that it knows. */
export class FakeSurroundings {
  ms = 0;
  chance = 0.5;
  readonly now = (): number => this.ms;
  readonly random = (): number => this.chance;
}

/** Of what is alive. */
export function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
