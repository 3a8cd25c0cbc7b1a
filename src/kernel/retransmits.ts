/** Live source of retransmissions: bpf/retrans.bpf.c, and what must be asked beside its events. */
import {
  decodeOwnerFound,
  decodeRetransmit,
  decodeSocketCounts,
  encodeGlobals,
  SOCKET_COUNTS_SIZE,
  type OwnerFound,
  type Retransmit,
  type SocketCounts,
} from '../events/retrans.js';
import {
  decodeMeeting,
  EVENT_TYPES,
  KINDS,
  type Filter,
  type Kind,
  type Transport,
} from '../events/shared.js';
import type { PlaceNetwork } from '../model/attribution.js';
import type { RetransmitAudit } from '../model/audit.js';
import { ownerTest } from '../model/flow-filter.js';
import { NO_PARTS, type FlowParts } from '../model/flow-parts.js';
import type { Flow } from '../model/flow.js';
import type { Hook } from '../model/hook.js';
import type { Meeting } from '../model/meeting.js';
import type { RetransItem, SocketGrowth } from '../model/retransmit.js';
import type { KernelCost } from '../model/self-cost.js';
import type { Losses, Source } from '../model/source.js';
import { NEW_CGROUPS, NewCgroupPaths } from './cgroup-paths.js';
import { programsFor, requiredTracepoints } from './hooks.js';
import { SocketOwners } from './owners.js';
import { PlaceTable } from './place-table.js';
import { bestTransport, forgetKernelTypes, preflight } from './preflight.js';
import { Program, type ProgramOptions } from './program.js';
import { RetransmitAuditor } from './retransmit-audit.js';
import { SocketLedger } from './socket-ledger.js';
import { socketGrowth } from './socket-sums.js';
import { groupingBy, SUM_MAPS, Sums } from './sums.js';

export interface RetransmitSourceOptions {
  filter: Filter;
  /** None: all. */
  kinds: readonly Kind[];
  /** Numbers of enum tcp_state; none: all. */
  states: readonly number[];
  transport: Transport | 'auto';
  /** How often to look at what all sockets have sent, in ns; 0: never. */
  sampleNs: number;
  /** Sum up by these parts of a flow what sockets sent that come and go between two looks. */
  sumsBy?: FlowParts | undefined;
  /** Where addresses are, for sums by place. */
  places?: readonly PlaceNetwork[];
  /** Cells of sums between two looks, 65,536 unless told. */
  maxCells?: number;
  /** Look for owners that are not known; true unless told. */
  findsOwners?: boolean;
  /** Tell of each connection that becomes established, for the clocks of recordings. */
  meetings: boolean;
  /** Have the kernel measure what the programs cost. */
  measuresRuns?: boolean;
  /** Hold the totals against the kernel's counters; only makes sense without a filter. */
  audit: boolean;
  /** Where the root folder of the host is; / unless told. */
  hostRoot?: string;
}

export const RETRANSMIT_HOOKS: readonly Hook[] = [
  { tracepoint: 'inet_sock_set_state', programs: [{ name: 'set_state', arguments: 3 }] },
  {
    tracepoint: 'tcp_retransmit_skb',
    programs: [
      { name: 'retransmit_skb_or_fail', arguments: 3, since: 'Linux 6.17' },
      {
        name: 'retransmit_skb',
        arguments: 2,
        without: 'Segments that could not leave this host are not shown.',
      },
    ],
  },
  { tracepoint: 'tcp_retransmit_synack', programs: [{ name: 'retransmit_synack', arguments: 2 }] },
  NEW_CGROUPS,
];

/** With `sampleNs` beside these. */
export const SAMPLING_HOOKS: readonly Hook[] = [
  {
    tracepoint: 'tcp_cong_state_set',
    programs: [{ name: 'change_ca_state', arguments: 2 }],
    without: 'UNDONE of tables stays 0.',
    since: 'Linux 5.19',
  },
];

/** What is loaded for these options. */
export function retransmitPrograms(options: RetransmitSourceOptions): ProgramOptions {
  const { filter, kinds, states, meetings, sumsBy, maxCells } = options;
  const countSockets = options.sampleNs > 0;
  const sumSockets = countSockets && sumsBy !== undefined;
  const transport = options.transport === 'auto' ? bestTransport() : options.transport;
  return {
    object: 'retrans',
    globals: encodeGlobals({
      filter,
      transport,
      countSockets,
      sumSockets,
      grouping: groupingBy(sumsBy ?? NO_PARTS),
      meetings,
      wantedKinds: bits(kinds.map((kind) => KINDS.indexOf(kind))),
      wantedStates: bits(states),
    }),
    transport,
    attach: programsFor([...RETRANSMIT_HOOKS, ...(countSockets ? SAMPLING_HOOKS : [])]),
    iterators: ['find_owners', ...(countSockets ? ['sample_sockets'] : [])],
    unusedMaps: sumSockets ? [] : [...SUM_MAPS, 'told_sockets', 'marks_missing'],
    mapSizes: maxCells ? { cells_even: maxCells, cells_odd: maxCells } : {},
    measuresRuns: options.measuresRuns ?? false,
  };
}

/** Looking at all sockets takes at most this share of the time. */
const SAMPLE_SHARE = 0.1;

export class RetransmitSource implements Source<RetransItem | Meeting> {
  private readonly auditor: RetransmitAuditor | undefined;
  private readonly owners: SocketOwners;
  private readonly findsOwners: boolean;
  private readonly isOwner: (flow: Flow) => boolean;
  private readonly cgroups: NewCgroupPaths;
  private readonly ledger = new SocketLedger();
  /** Where the kernel sums up what short-lived sockets sent. */
  private readonly sums: Sums | undefined;
  private readonly places: PlaceTable | undefined;
  /** Retransmissions whose owner is still looked for, and what came after them. */
  private waiting: Retransmit[] = [];
  /** What sockets have sent, as it was told since the last drain. */
  private readonly counts: SocketCounts[] = [];
  /** Owners that became known after the fact. */
  private readonly found: OwnerFound[] = [];
  private nextSampleNs = 0;
  private nextSumsNs = 0;
  private stopped = false;
  /** Retransmissions not shown, because a filter asks for an owner and theirs is not known. */
  private unowned = 0;

  private constructor(
    private readonly program: Program,
    private readonly options: RetransmitSourceOptions,
  ) {
    const { sumsBy, sampleNs } = options;
    this.sums = sumsBy && sampleNs > 0 ? new Sums(program, sumsBy) : undefined;
    this.places = this.sums && sumsBy?.place === true ? new PlaceTable(program) : undefined;
    this.replacePlaces(options.places ?? []);
    this.owners = new SocketOwners(program);
    this.findsOwners = options.findsOwners ?? true;
    this.isOwner = ownerTest(options.filter);
    this.cgroups = new NewCgroupPaths(program);
    this.auditor = options.audit ? new RetransmitAuditor(options.hostRoot ?? '/') : undefined;
    program.attach();
    this.auditor?.attached();
    if (options.sampleNs > 0) this.ledger.begin(this.sample(0));
  }

  /** Traces from the moment it returns. @throws {Failure} if this host or user cannot. */
  static start(options: RetransmitSourceOptions): RetransmitSource {
    preflight(requiredTracepoints(RETRANSMIT_HOOKS));
    const programs = retransmitPrograms(options);
    forgetKernelTypes();
    const program = Program.load(programs);
    return new RetransmitSource(program, options);
  }

  /** Addresses are elsewhere from now on. */
  replacePlaces(places: readonly PlaceNetwork[]): void {
    this.places?.replace(places);
  }

  drain(nowNs: number): (RetransItem | Meeting)[] {
    const items: (RetransItem | Meeting)[] = [];
    this.read(items);
    if (this.options.sampleNs > 0 && (nowNs >= this.nextSampleNs || this.stopped)) {
      this.counts.push(...this.sample(nowNs));
      // Sockets may have ended before others at the same address were looked at.
      this.read(items);
    }
    if (this.sums && (nowNs >= this.nextSumsNs || this.stopped)) {
      items.push(...this.sums.take(nowNs).map((group) => socketGrowth(group, nowNs)));
      this.nextSumsNs = nowNs + Math.min(this.sums.restNs, this.options.sampleNs);
    }
    items.push(...this.settled(nowNs, items), ...this.grown());
    return items;
  }

  /** All events that have come. */
  private read(items: (RetransItem | Meeting)[]): void {
    this.program.drain((view, offset) => {
      const type = EVENT_TYPES[view.getUint32(offset, true)];
      if (type === 'retransmit') this.waiting.push(decodeRetransmit(view, offset));
      else if (type === 'meeting') items.push(decodeMeeting(view, offset));
      else if (type === 'owner') this.found.push(decodeOwnerFound(view, offset));
      else this.counts.push(decodeSocketCounts(view, offset));
    });
  }

  /** The retransmissions whose owner is known, or will not be. */
  private settled(nowNs: number, items: (RetransItem | Meeting)[]): Retransmit[] {
    this.owners.answer(this.waiting, this.found.splice(0));
    if (this.waiting.length === 0) return [];
    if (this.findsOwners && !this.owners.complete(this.waiting, nowNs)) return [];
    const settled = this.waiting;
    this.waiting = [];
    if (this.findsOwners && settled.some(({ pid }) => pid === 0)) {
      // Whoever closed a socket while it was looked for has been told of since.
      this.read(items);
      this.owners.answer([...settled, ...this.waiting], this.found.splice(0));
    }
    for (const segment of settled) this.auditor?.add(segment);
    // A perf buffer has a queue a CPU: put them together again.
    if (this.program.transport === 'perf') settled.sort((a, b) => a.timeNs - b.timeNs);
    return settled.filter((segment) => this.isWanted(segment));
  }

  /** The kernel side could not decide where the owner was unknown. */
  private isWanted(segment: Retransmit): boolean {
    const { pids, comms } = this.options.filter;
    const isAsked = pids.length > 0 || comms.length > 0;
    if (isAsked && segment.pid === 0) this.unowned++;
    return this.isOwner(segment);
  }

  /** In the order in which it happened: looks at all sockets, and ends of some. */
  private grown(): SocketGrowth[] {
    const counts = this.counts.splice(0).sort((a, b) => a.timeNs - b.timeNs);
    return counts.flatMap((each) => this.ledger.growth(each) ?? []).filter(this.isOwner);
  }

  private sample(nowNs: number): SocketCounts[] {
    const startMs = performance.now();
    const view = this.program.iterate('sample_sockets');
    const samples = Array.from({ length: Math.floor(view.byteLength / SOCKET_COUNTS_SIZE) }, (_, index) =>
      decodeSocketCounts(view, index * SOCKET_COUNTS_SIZE),
    );
    const tookNs = (performance.now() - startMs) * 1e6;
    this.nextSampleNs = nowNs + Math.max(this.options.sampleNs, tookNs / SAMPLE_SHARE);
    return samples;
  }

  stop(): void {
    this.stopped = true;
    this.owners.hurry();
    const detach = (): void => {
      this.program.detach();
    };
    if (this.auditor) this.auditor.detach(detach);
    else detach();
  }

  /** What the totals and the kernel's counters say, after `stop` and the last `drain`; undefined without `audit`. */
  auditFacts(): RetransmitAudit | undefined {
    const { lost, missed } = this.losses();
    return this.auditor?.facts({ segments: this.program.counter('segments'), unseen: lost + missed });
  }

  /** Path of a cgroup that was made since the start. */
  cgroupPath(id: number): string | undefined {
    return this.cgroups.of(id);
  }

  /** True if the comparison at the end takes entering a namespace. */
  get entersNamespaces(): boolean {
    return this.auditor?.entersNamespaces ?? false;
  }

  losses(): Losses {
    return {
      lost: this.program.counter('lost'),
      untracked: 0,
      missed: this.program.recursionMisses(),
      unowned: this.unowned,
      uncounted: this.ledger.overflow,
    };
  }

  /** Searches of all open files for owners: how many, and the time they took together. */
  get ownerSearches(): { count: number; ns: number } {
    return { count: this.owners.searches, ns: this.owners.searchNs };
  }

  kernelCost(): KernelCost {
    return this.program.measuredCost() ?? this.program.estimatedCost();
  }

  close(): void {
    this.program.close();
  }
}

function bits(numbers: readonly number[]): number {
  return numbers.reduce((mask, number) => mask | (1 << number), 0) >>> 0;
}
