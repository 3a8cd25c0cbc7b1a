import type { NetworkSeriesReducer } from '../aggregate/network-series.js';
import type { NetworkItem, NetworkSnapshot, SelfTelemetry } from '../model/network.js';
import type { Source } from '../model/source.js';
import { monotonicNs } from '../session/clock.js';
import { processCost } from '../session/process-cost.js';

/** A snapshot serves all who ask so soon after it, if nothing was drained since: taking one swaps the maps in which the kernel counts. */
const FRESH_NS = 100e6;
const MOST_REST_NS = 1e9;

export interface MeasurementOptions {
  source: Source<NetworkItem>;
  counts: Pick<NetworkSeriesReducer, 'add' | 'tick' | 'overflowed' | 'size' | 'series' | 'acceptOverflows'>;
  version: string;
}

/** What is counted since the start, and how old that is. */
export class Measurement {
  private readonly startMs = Date.now();
  /** CLOCK_MONOTONIC of the last time that the source gave what it had. */
  lastDrainNs = monotonicNs();
  private latest: { snapshot: NetworkSnapshot; takenNs: number } | undefined;

  constructor(private readonly options: MeasurementOptions) {}

  /** So long the source may be left alone, in ns. */
  get restNs(): number {
    return Math.min(this.options.source.restNs ?? MOST_REST_NS, MOST_REST_NS);
  }

  drain(): void {
    const { source, counts } = this.options;
    const nowNs = monotonicNs();
    for (const item of source.drain(nowNs)) counts.add(item);
    this.lastDrainNs = nowNs;
    this.latest = undefined;
  }

  /** To call once an interval: the remote addresses that matter most are chosen anew. */
  endInterval(): void {
    this.options.counts.tick();
  }

  /** All that has happened up to now, or up to a tenth of a second ago. */
  fresh(): NetworkSnapshot {
    if (this.latest && monotonicNs() - this.latest.takenNs < FRESH_NS) return this.latest.snapshot;
    this.drain();
    return this.snapshot();
  }

  /** All that has been drained. */
  snapshot(): NetworkSnapshot {
    const { counts } = this.options;
    const snapshot: NetworkSnapshot = {
      startMs: this.startMs,
      timeMs: Date.now(),
      series: counts.series(),
      overflows: counts.acceptOverflows(),
      self: this.self(),
    };
    this.latest = { snapshot, takenNs: monotonicNs() };
    return snapshot;
  }

  private self(): SelfTelemetry {
    const { source, counts, version } = this.options;
    const { lost, untracked, missed } = source.losses();
    const { cpuNs, rss } = processCost();
    return {
      version,
      lostEvents: lost,
      untrackedAttempts: untracked,
      missedRuns: missed,
      overflowedItems: counts.overflowed,
      series: counts.size,
      cpuNs,
      rssBytes: rss,
      kernelNs: source.kernelCost?.()?.ns ?? 0,
    };
  }
}
