/** What `health` and `agent` measure of this host's TCP: the same numbers, for people and for other systems. */
import type { Flow } from './flow.js';
import type { HandshakeItem } from './handshake.js';
import type { LatencyHistogram } from './histogram.js';
import type { RetransItem } from './retransmit.js';

/** Connections that a listener could not take, because the program did not accept() fast enough (ListenOverflows). */
export interface AcceptOverflows extends Flow {
  type: 'accept-overflows';
  /** Since the last look at the namespace's counters. */
  count: number;
}

/** What the source of `health` and `agent` gives. As a flow it may have only what makes a group; the rest is 0 or empty. */
export type NetworkItem = HandshakeItem | RetransItem | AcceptOverflows;

/** By what measurements are kept apart. Of what is not known or not configured: `none`; what there is no room for: `other`. */
export interface NetworkLabels {
  /** Whether the remote address is external. */
  readonly external: 'yes' | 'no' | 'other';
  /** Kubernetes namespace of the local side; where there is none its container, systemd unit, or `host`. */
  readonly sourceNamespace: string;
  /** Region of this host. */
  readonly sourceRegion: string;
  /** Region of the remote address. */
  readonly region: string;
  /** Role of the remote address. */
  readonly role: string;
  /** Remote address, if the N that matter most are asked for; else absent. */
  readonly remote?: string;
}

/** The value of a label where nothing is known. */
export const NO_LABEL = 'none';
/** The value of a label of what went into the group that takes what there is no room for. */
export const OTHER_LABEL = 'other';

/** What was counted with the same labels since the start. Nothing in it ever falls, but `pending`. */
export interface NetworkSeries {
  readonly labels: NetworkLabels;
  /** Finished attempts, in the order of OUTCOMES; `pending` stays 0. */
  readonly outcomes: readonly number[];
  /** Attempts that had to send their SYN again. */
  readonly lostSyn: number;
  /** Attempts that hang now. */
  readonly pending: number;
  /** SYN_SENT to ESTABLISHED of those that are ok. It goes on counting: what is kept has to be a copy. */
  readonly latency: LatencyHistogram;
  /** Sum of these, of each the middle of its bucket: at most 0.4 % off. */
  readonly latencySumNs: number;
  /** Segments sent again, in the order of KINDS. */
  readonly retransmits: readonly number[];
  /** Segments sent, those sent again and bare ACKs included. */
  readonly segmentsSent: number;
  /** Of those sent again, segments that the other end reported to have got twice. */
  readonly spurious: number;
  /** How long flows had not moved when a timer sent again; each moment once. */
  readonly stallNs: number;
}

/** Connections that listeners could not take, by the network namespace's `sourceNamespace`. */
export interface OverflowSeries {
  readonly sourceNamespace: string;
  readonly acceptOverflows: number;
}

/** What the tool knows of itself; counts since the start. */
export interface SelfTelemetry {
  readonly version: string;
  /** Events for which a buffer of the kernel had no room. */
  readonly lostEvents: number;
  /** Attempts that the full in-flight map could not take. */
  readonly untrackedAttempts: number;
  /** Times that the kernel did not run a program. */
  readonly missedRuns: number;
  /** Attempts and segments that went into `other`, in the kernel or here, because there were too many groups. */
  readonly overflowedItems: number;
  /** Combinations of labels that are kept. */
  readonly series: number;
  readonly cpuNs: number;
  readonly rssBytes: number;
  /** What the programs cost in the kernel. */
  readonly kernelNs: number;
}

/** All that was measured up to a moment. */
export interface NetworkSnapshot {
  /** When counting began and when this was taken, Unix time. */
  readonly startMs: number;
  readonly timeMs: number;
  readonly series: readonly NetworkSeries[];
  readonly overflows: readonly OverflowSeries[];
  readonly self: SelfTelemetry;
}

/**
 * Upper bounds of the buckets of histograms for other systems, in seconds: six in each power of ten from 50 µs to 0.7 s, and on both
 * sides of each time at which a SYN is sent again, so that a lost SYN cannot hide among slow handshakes.
 */
export const HANDSHAKE_EDGES_S: readonly number[] = [
  ...[0.000_05, 0.000_07],
  ...[0.000_1, 0.000_15, 0.000_2, 0.000_3, 0.000_5, 0.000_7],
  ...[0.001, 0.001_5, 0.002, 0.003, 0.005, 0.007],
  ...[0.01, 0.015, 0.02, 0.03, 0.05, 0.07],
  ...[0.1, 0.15, 0.2, 0.3, 0.5, 0.7],
  ...[0.9, 1.0, 1.1, 1.9, 2.1, 2.9, 3.1, 7.1],
];
