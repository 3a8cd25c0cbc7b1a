import type { SourceLabel } from '../model/agent-config.js';
import { KINDS } from '../model/retransmit.js';
import { OUTCOMES } from '../model/handshake.js';
import {
  NO_LABEL,
  OTHER_LABEL,
  type NetworkItem,
  type NetworkLabels,
  type NetworkSeries,
  type OverflowSeries,
} from '../model/network.js';
import { labelsOf, otherLabels, sourceOf } from './network-labels.js';
import { isOfRetransmits, isWithoutRoom, NetworkStats, weightOf } from './network-stats.js';
import { PendingAttempts } from './pending.js';
import type { Reducer } from './reducer.js';
import { StallClock } from './stall-clock.js';
import { TopRemotes } from './top-remotes.js';

export interface SeriesOptions {
  readonly source: SourceLabel;
  /** Of this host; undefined: not known. */
  readonly sourceRegion: string | undefined;
  /** Combinations of labels that are kept. */
  readonly maxSeries: number;
  /** Remote addresses with a label of their own; 0: none have. */
  readonly topRemotes: number;
}

interface Series {
  readonly labels: NetworkLabels;
  readonly stats: NetworkStats;
}

/**
 * Counts since the start by labels, for systems that want counters. Nothing is ever taken back: what there is no room for, and remote
 * addresses that are not among the first, are counted in `other` from the beginning or from then on.
 */
export class NetworkSeriesReducer implements Reducer<NetworkItem> {
  /** Attempts and segments that went into `other` for want of room. */
  overflowed = 0;
  private readonly byLabels = new Map<string, Series>();
  private readonly overflows = new Map<string, number>();
  private readonly clocks = { pending: new PendingAttempts(), stalls: new StallClock() };
  private top: TopRemotes | undefined;

  /** @param startNs CLOCK_MONOTONIC from which on standstills count */
  constructor(
    private options: SeriesOptions,
    startNs = 0,
  ) {
    this.clocks.stalls.begin(startNs);
    this.top = topOf(options);
  }

  /** From now on labels are made so; what was counted stays where it is. */
  relabel(options: SeriesOptions): void {
    this.top = options.topRemotes === this.options.topRemotes ? this.top : topOf(options);
    this.options = options;
  }

  add(item: NetworkItem): void {
    if (item.type === 'accept-overflows') {
      const source = this.boundedSource(sourceOf(item, this.options.source));
      this.overflows.set(source, (this.overflows.get(source) ?? 0) + item.count);
      return;
    }
    if (this.top && !isOfRetransmits(item)) this.top.add(item.remoteAddress, weightOf(item));
    this.statsOf(item).add(item, this.clocks);
  }

  /** To call once an interval of publishing, not more often: it chooses remote addresses anew. */
  tick(): void {
    this.top?.choose();
  }

  /** How many combinations of labels there are. */
  get size(): number {
    return this.byLabels.size;
  }

  series(): NetworkSeries[] {
    return [...this.byLabels.values()].map(({ labels, stats: { handshakes, retransmits } }) => ({
      labels,
      outcomes: OUTCOMES.map((outcome) => handshakes.count(outcome)),
      lostSyn: handshakes.lostSyn,
      pending: handshakes.pending,
      latency: handshakes.latency,
      latencySumNs: handshakes.latency.sum,
      retransmits: KINDS.map((kind) => retransmits.count(kind)),
      segmentsSent: retransmits.sent,
      spurious: retransmits.spurious,
      stallNs: retransmits.stallNs,
    }));
  }

  acceptOverflows(): OverflowSeries[] {
    return [...this.overflows].map(([sourceNamespace, acceptOverflows]) => ({
      sourceNamespace,
      acceptOverflows,
    }));
  }

  private statsOf(item: NetworkItem): NetworkStats {
    if (isWithoutRoom(item)) return this.statsOfOther(item);
    const labels = this.withRemote(labelsOf(item, this.options), item.remoteAddress);
    const id = idOf(labels);
    const known = this.byLabels.get(id);
    if (known) return known.stats;
    if (this.byLabels.size >= this.options.maxSeries) return this.statsOfOther(item);
    return this.make(id, labels);
  }

  private statsOfOther(item: NetworkItem): NetworkStats {
    this.overflowed += weightOf(item);
    const labels = this.withRemote(otherLabels(this.options.sourceRegion), OTHER_LABEL);
    const id = idOf(labels);
    return this.byLabels.get(id)?.stats ?? this.make(id, labels);
  }

  private make(id: string, labels: NetworkLabels): NetworkStats {
    const stats = new NetworkStats();
    this.byLabels.set(id, { labels, stats });
    return stats;
  }

  private withRemote(labels: NetworkLabels, address: string): NetworkLabels {
    if (!this.top) return labels;
    return { ...labels, remote: this.top.has(address) ? address : OTHER_LABEL };
  }

  private boundedSource(source: string): string {
    if (this.overflows.has(source) || this.overflows.size < this.options.maxSeries) return source;
    return OTHER_LABEL;
  }
}

function topOf({ topRemotes }: SeriesOptions): TopRemotes | undefined {
  return topRemotes > 0 ? new TopRemotes(topRemotes) : undefined;
}

function idOf({
  external,
  sourceNamespace,
  sourceRegion,
  region,
  role,
  remote = NO_LABEL,
}: NetworkLabels): string {
  return [external, sourceNamespace, sourceRegion, region, role, remote].join('\0');
}
