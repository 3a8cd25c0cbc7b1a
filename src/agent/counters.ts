/** What outputs that name things as OpenTelemetry does send of a snapshot, and by what names. */
import { OUTCOMES, type Outcome } from '../model/handshake.js';
import type { NetworkLabels, NetworkSeries, OverflowSeries, SelfTelemetry } from '../model/network.js';
import { KINDS, type Kind } from '../model/retransmit.js';

export type Attributes = Readonly<Record<string, string>>;

/** A number that only grows. */
export interface Counter<Of> {
  readonly name: string;
  readonly tags: Attributes;
  /** Where OpenTelemetry has a name for it. */
  readonly convention?: { readonly name: string; readonly attributes: Attributes };
  /** UCUM. */
  readonly unit: string;
  readonly description: string;
  value(of: Of): number;
}

export type Gauge<Of> = Omit<Counter<Of>, 'tags'>;

/**
 * `error.type` of OpenTelemetry's proposal (semantic-conventions#3682), whose list is open: two have no equal there. The kernel's
 * EHOSTUNREACH and ENETUNREACH are one outcome here.
 */
export const ERROR_TYPES: Readonly<Record<Exclude<Outcome, 'ok' | 'pending'>, string>> = {
  refused: 'refused',
  timeout: 'timed_out',
  unreachable: 'host_unreachable',
  reset: 'reset',
  abandoned: 'abandoned',
  'no-port': 'no_port',
};

/** `network.tcp.retransmit.type` of the same proposal, whose list has no word for three of them. */
export const RETRANSMIT_TYPES: Readonly<Record<Kind, string>> = {
  syn: 'syn',
  synack: 'syn_ack',
  fast: 'fast',
  rto: 'timeout',
  loss: 'loss',
  tlp: 'tail_loss_probe',
};

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

const failures = Object.entries(ERROR_TYPES).map(([outcome, type]): Counter<NetworkSeries> => {
  const at = OUTCOMES.indexOf(outcome as Outcome);
  return {
    name: 'tcpscope.tcp.connection.failures',
    tags: { error_type: outcome },
    convention: { name: 'system.network.tcp.connection.failures', attributes: { 'error.type': type } },
    unit: '{connection}',
    description: 'Outgoing connections that were not established, by why.',
    value: ({ outcomes }) => outcomes[at] ?? 0,
  };
});

const retransmits = KINDS.map((kind, at): Counter<NetworkSeries> => ({
  name: 'tcpscope.tcp.retransmits',
  tags: { type: kind },
  convention: {
    name: 'system.network.tcp.retransmits',
    attributes: { 'network.tcp.retransmit.type': RETRANSMIT_TYPES[kind] },
  },
  unit: '{segment}',
  description: 'Segments sent again, by why.',
  value: ({ retransmits }) => retransmits[at] ?? 0,
}));

/** Of each combination of labels. */
export const SERIES_COUNTERS: readonly Counter<NetworkSeries>[] = [
  {
    name: 'tcpscope.tcp.connection.attempts',
    tags: {},
    unit: '{connection}',
    description: 'Outgoing connections that ended in success or failure.',
    value: ({ outcomes }) => sum(outcomes),
  },
  ...failures,
  {
    name: 'tcpscope.tcp.connection.syn_lost',
    tags: {},
    unit: '{connection}',
    description: 'Of these, those that had to send their SYN again.',
    value: ({ lostSyn }) => lostSyn,
  },
  ...retransmits,
  {
    name: 'tcpscope.tcp.spurious_retransmits',
    tags: {},
    unit: '{segment}',
    description: 'Of the segments sent again, those that the other end reported to have got twice.',
    value: ({ spurious }) => spurious,
  },
  {
    name: 'tcpscope.tcp.segments.sent',
    tags: {},
    unit: '{segment}',
    description: 'Segments sent, those sent again and bare ACKs included.',
    value: ({ segmentsSent }) => segmentsSent,
  },
  {
    name: 'tcpscope.tcp.stall.time',
    tags: {},
    unit: 's',
    description: 'How long connections had not moved when a timer sent again.',
    value: ({ stallNs }) => stallNs / 1e9,
  },
];

export const PENDING: Gauge<NetworkSeries> = {
  name: 'tcpscope.tcp.connections.pending',
  unit: '{connection}',
  description: 'Outgoing connections that hang now.',
  value: ({ pending }) => pending,
};

/** Of each name of the local side. */
export const OVERFLOW_COUNTERS: readonly Counter<OverflowSeries>[] = [
  {
    name: 'tcpscope.tcp.accept_queue.overflows',
    tags: {},
    unit: '{connection}',
    description: 'Connections for which the queue of a listener had no room.',
    value: ({ acceptOverflows }) => acceptOverflows,
  },
];

const own = (
  name: string,
  unit: string,
  description: string,
  value: (self: SelfTelemetry) => number,
): Counter<SelfTelemetry> => ({ name, tags: {}, unit, description, value });

export const SELF_COUNTERS: readonly Counter<SelfTelemetry>[] = [
  own('tcpscope.events.lost', '{event}', 'Events for which a buffer had no room.', (self) => self.lostEvents),
  own(
    'tcpscope.attempts.untracked',
    '{connection}',
    'Connections for which the map of those under way had no room.',
    (self) => self.untrackedAttempts,
  ),
  own(
    'tcpscope.program_runs.missed',
    '{run}',
    'Times that the kernel did not run a program.',
    (self) => self.missedRuns,
  ),
  own(
    'tcpscope.series.overflows',
    '{item}',
    'Connections and segments that went into the series other.',
    (self) => self.overflowedItems,
  ),
  own(
    'tcpscope.kernel.time',
    's',
    'Time that the programs took in the kernel.',
    (self) => self.kernelNs / 1e9,
  ),
  {
    ...own(
      'tcpscope.process.cpu.time',
      's',
      'Time that the process took of CPUs.',
      (self) => self.cpuNs / 1e9,
    ),
    convention: { name: 'process.cpu.time', attributes: {} },
  },
];

export const SELF_GAUGES: readonly Gauge<SelfTelemetry>[] = [
  {
    name: 'tcpscope.series.count',
    unit: '{series}',
    description: 'Combinations of labels that are kept.',
    value: (self) => self.series,
  },
  {
    name: 'tcpscope.process.memory.usage',
    convention: { name: 'process.memory.usage', attributes: {} },
    unit: 'By',
    description: 'Physical memory of the process.',
    value: (self) => self.rssBytes,
  },
];

export const HANDSHAKE_DURATION = 'tcpscope.tcp.handshake.duration';

/** Labels by the names that they have everywhere. */
export function tagsOf(labels: NetworkLabels): Attributes {
  const { external, sourceNamespace, sourceRegion, region, role, remote } = labels;
  return {
    external,
    source_namespace: sourceNamespace,
    source_region: sourceRegion,
    region,
    role,
    ...(remote !== undefined && { remote }),
  };
}
