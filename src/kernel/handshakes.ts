/** Live source of outgoing handshakes: bpf/connlat.bpf.c and what must be asked beside its events. */
import { encodeGlobals } from '../events/connlat.js';
import { encode } from '../events/primitives.js';
import {
  decodeHandshake,
  decodeMeeting,
  EVENT_TYPES,
  HANDSHAKE_SIZE,
  SETTINGS,
  type Filter,
  type Handshake,
  type Transport,
} from '../events/shared.js';
import type { PlaceNetwork } from '../model/attribution.js';
import type { HandshakeAudit } from '../model/audit.js';
import { NO_PARTS, type FlowParts } from '../model/flow-parts.js';
import type { HandshakeItem, PendingEnd } from '../model/handshake.js';
import type { Hook } from '../model/hook.js';
import type { Meeting } from '../model/meeting.js';
import type { KernelCost } from '../model/self-cost.js';
import type { Losses, Source } from '../model/source.js';
import { NEW_CGROUPS, NewCgroupPaths } from './cgroup-paths.js';
import { HandshakeAuditor } from './handshake-audit.js';
import { HANDSHAKE_SUM_MAPS, handshakeSum, talliesOf } from './handshake-sums.js';
import { programsFor, requiredTracepoints } from './hooks.js';
import { PlaceTable } from './place-table.js';
import { bestTransport, forgetKernelTypes, preflight } from './preflight.js';
import { Program, type ProgramOptions } from './program.js';
import { groupingBy, Sums } from './sums.js';

export interface HandshakeSourceOptions {
  filter: Filter;
  transport: Transport | 'auto';
  /** Also connects that fail before SYN_SENT; slows every system call of the host a little. */
  syncErrors: boolean;
  /** Sum up in the kernel by these parts of a flow instead of sending events. */
  sumsBy?: FlowParts | undefined;
  /** Where addresses are, for sums by place. */
  places?: readonly PlaceNetwork[];
  /** `adjust` may be called. */
  adjustable?: boolean;
  /** Age from which a hanging attempt is reported as pending, in ns; 0: never. */
  pendingNs: number;
  /** Tell of incoming connections too, for the clocks of recordings. */
  meetings: boolean;
  /** Have the kernel measure what the programs cost. */
  measuresRuns?: boolean;
  /** Hold the totals against the kernel's counters; only makes sense without a filter. */
  audit: boolean;
  /** Where the root folder of the host is; / unless told. */
  hostRoot?: string;
  /** Attempts that can hang at once, 65,536 unless told. */
  maxInFlight?: number;
  /** Cells of sums between two looks, 65,536 unless told. */
  maxCells?: number;
}

export const HANDSHAKE_HOOKS: readonly Hook[] = [
  { tracepoint: 'inet_sock_set_state', programs: [{ name: 'set_state', arguments: 3 }] },
  NEW_CGROUPS,
];

/** Of `syncErrors`: classic tracepoints, which are not in BTF. */
export const CONNECT_PROGRAMS = ['enter_connect', 'exit_connect'] as const;

/** What is loaded for these options. */
export function handshakePrograms(options: HandshakeSourceOptions): ProgramOptions {
  const { filter, sumsBy, syncErrors, meetings, maxInFlight, maxCells } = options;
  const transport = options.transport === 'auto' ? bestTransport() : options.transport;
  return {
    object: 'connlat',
    globals: encodeGlobals({
      filter,
      transport,
      aggregate: sumsBy !== undefined,
      adjustable: options.adjustable ?? false,
      grouping: groupingBy(sumsBy ?? NO_PARTS),
      syncErrors,
      meetings,
    }),
    transport,
    attach: [...programsFor(HANDSHAKE_HOOKS), ...(syncErrors ? CONNECT_PROGRAMS : [])],
    iterators: ['pending', 'find_in_flight'],
    measuresRuns: options.measuresRuns ?? false,
    mapSizes: {
      ...(maxInFlight ? { in_flight: maxInFlight } : {}),
      ...(maxCells ? { cells_even: maxCells, cells_odd: maxCells } : {}),
    },
    unusedMaps: sumsBy || options.adjustable ? [] : HANDSHAKE_SUM_MAPS,
  };
}

/** How often the in-flight map is looked through, relative to the age that makes an attempt pending. */
const SWEEPS_PER_PENDING = 2;
const SWEEP_NS = { least: 50e6, most: 500e6 };

export class HandshakeSource implements Source<HandshakeItem | Meeting> {
  /** Attempts that were under way when tracing began. They are no growth of ActiveOpens. */
  readonly foundInFlight: readonly Handshake[];
  private readonly sweepNs: number;
  private nextSweepNs = 0;
  private stopped = false;
  /** Attempts that hang and have been told, by their start. */
  private hanging = new Map<number, Handshake>();
  /** Where the kernel sums up, or may come to. */
  private readonly sums: Sums | undefined;
  /** False while the kernel sums up instead. */
  private sendsEvents: boolean;
  /** Sums may have come since they were last taken. */
  private hasSums = false;
  private readonly places: PlaceTable | undefined;
  private readonly auditor: HandshakeAuditor | undefined;
  private readonly cgroups: NewCgroupPaths;

  private constructor(
    private readonly program: Program,
    private readonly options: HandshakeSourceOptions,
  ) {
    this.auditor = options.audit ? new HandshakeAuditor(options.hostRoot ?? '/') : undefined;
    this.cgroups = new NewCgroupPaths(program);
    const { sumsBy, adjustable } = options;
    this.sums = sumsBy || adjustable ? new Sums(program, sumsBy ?? NO_PARTS) : undefined;
    this.places = sumsBy?.place === true ? new PlaceTable(program) : undefined;
    this.replacePlaces(options.places ?? []);
    this.sendsEvents = sumsBy === undefined;
    if (adjustable) this.adjust({ sums: !this.sendsEvents, sampleOneIn: 1 });
    program.attach();
    this.foundInFlight = decodeAll(program.iterate('find_in_flight'));
    this.auditor?.attached(this.foundInFlight);
    this.sweepNs = Math.min(Math.max(options.pendingNs / SWEEPS_PER_PENDING, SWEEP_NS.least), SWEEP_NS.most);
  }

  /** Traces from the moment it returns. @throws {Failure} if this host or user cannot. */
  static start(options: HandshakeSourceOptions): HandshakeSource {
    preflight(requiredTracepoints(HANDSHAKE_HOOKS));
    const programs = handshakePrograms(options);
    forgetKernelTypes();
    const program = Program.load(programs);
    return new HandshakeSource(program, options);
  }

  /**
   * Chooses anew what the kernel sends: events or sums, of each attempt or of one in some, whose sums are multiplied.
   * Only where `adjustable` was asked for.
   */
  adjust({ sums, sampleOneIn }: { sums: boolean; sampleOneIn: number }): void {
    const settings = this.program.map('settings');
    for (const [name, value] of [
      ['sums', sums ? 1 : 0],
      ['sample-one-in', sampleOneIn],
    ] as const)
      settings.update(u32(SETTINGS.indexOf(name)), u32(value));
    this.hasSums ||= !this.sendsEvents;
    this.sendsEvents = !sums;
  }

  /** Addresses are elsewhere from now on. */
  replacePlaces(places: readonly PlaceNetwork[]): void {
    this.places?.replace(places);
  }

  /** Attempts that passed the filter since the start, the ones that are not followed included. */
  get started(): number {
    return this.program.counter('started');
  }

  /** Events tell what happened as soon as they have come. */
  get restNs(): number | undefined {
    return this.sendsEvents ? undefined : this.sums?.restNs;
  }

  drain(nowNs: number): (HandshakeItem | Meeting)[] {
    const items: (HandshakeItem | Meeting)[] = this.events();
    if (this.sums && (this.hasSums || !this.sendsEvents)) {
      items.push(...this.sums.take(nowNs).map(handshakeSum));
      this.hasSums = !this.sendsEvents;
    }
    // Where no event tells of it, what hangs must be seen to end when the sums have it, and to hang at the end.
    const mustSweep = !this.sendsEvents && (this.hanging.size > 0 || this.stopped);
    if (this.options.pendingNs > 0 && (mustSweep || nowNs >= this.nextSweepNs)) {
      this.nextSweepNs = nowNs + this.sweepNs;
      this.sweep(items);
    }
    return items;
  }

  private events(): (HandshakeItem | Meeting)[] {
    const items: (Handshake | Meeting)[] = [];
    this.program.drain((view, offset) => {
      if (EVENT_TYPES[view.getUint32(offset, true)] === 'meeting') {
        items.push(decodeMeeting(view, offset));
        return;
      }
      const attempt = decodeHandshake(view, offset);
      this.auditor?.add(attempt);
      items.push(attempt);
    });
    // A perf buffer has a queue a CPU: put them together again.
    if (this.program.transport === 'perf') items.sort((a, b) => seenNs(a) - seenNs(b));
    return items;
  }

  /** Tells once of each attempt that has become pending; and where no event tells of its end, when it no longer is. */
  private sweep(items: (HandshakeItem | Meeting)[]): void {
    const hanging = this.inFlight().filter(({ startNs, endNs }) => endNs - startNs >= this.options.pendingNs);
    const before = this.hanging;
    this.hanging = new Map(hanging.map((attempt) => [attempt.startNs, attempt]));
    const news = hanging.filter(({ startNs }) => !before.has(startNs));
    items.push(...news.sort((a, b) => a.startNs - b.startNs));
    if (!this.sums) return;
    for (const [startNs, attempt] of before) if (!this.hanging.has(startNs)) items.push(pendingEnd(attempt));
  }

  /** All attempts that are under way. */
  inFlight(): Handshake[] {
    return decodeAll(this.program.iterate('pending', { map: 'in_flight' }));
  }

  stop(): void {
    this.stopped = true;
    const detach = (): void => {
      this.program.detach();
    };
    if (this.auditor) this.auditor.detach(detach);
    else detach();
  }

  /** What the totals and the kernel's counters say, after `stop` and the last `drain`; undefined without `audit`. */
  auditFacts(): HandshakeAudit | undefined {
    const { lost, untracked, missed } = this.losses();
    if (this.sums) for (const [netns, tally] of talliesOf(this.program)) this.auditor?.addTally(netns, tally);
    return this.auditor?.facts({
      opens: this.program.counter('started') - this.program.counter('unsent'),
      unseen: lost + untracked + missed,
    });
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
      untracked: this.program.counter('untracked'),
      missed: this.program.recursionMisses(),
    };
  }

  kernelCost(): KernelCost {
    return this.program.measuredCost() ?? this.program.estimatedCost();
  }

  close(): void {
    this.program.close();
  }
}

function seenNs(item: Handshake | Meeting): number {
  return 'endNs' in item ? item.endNs : item.timeNs;
}

function u32(value: number): Uint8Array {
  return encode(4, (view) => {
    view.setUint32(0, value, true);
  });
}

function pendingEnd(attempt: Handshake): PendingEnd {
  return { ...attempt, type: 'pending-end' };
}

function decodeAll(view: DataView): Handshake[] {
  const count = Math.floor(view.byteLength / HANDSHAKE_SIZE);
  return Array.from({ length: count }, (_, index) => decodeHandshake(view, index * HANDSHAKE_SIZE));
}
