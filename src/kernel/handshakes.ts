/** Live source of outgoing handshakes: bpf/connlat.bpf.c and what must be asked beside its events. */
import {
  HANDSHAKE_SIZE,
  OUTCOMES,
  decodeHandshake,
  decodeTotals,
  encodeGlobals,
  type Handshake,
  type Totals,
} from '../events/connlat.js';
import { decodeMeeting, EVENT_TYPES, type Filter, type Transport } from '../events/shared.js';
import type { HandshakeAudit } from '../model/audit.js';
import type { Hook } from '../model/hook.js';
import type { Meeting } from '../model/meeting.js';
import type { Losses, Source } from '../model/source.js';
import { NEW_CGROUPS, NewCgroupPaths } from './cgroup-paths.js';
import { COUNTED_FAILURES, HandshakeAuditor } from './handshake-audit.js';
import { programsFor, requiredTracepoints } from './hooks.js';
import { bestTransport, forgetKernelTypes, preflight } from './preflight.js';
import { Program, type ProgramOptions } from './program.js';

export interface HandshakeSourceOptions {
  filter: Filter;
  transport: Transport | 'auto';
  /** Also connects that fail before SYN_SENT; slows every system call of the host a little. */
  syncErrors: boolean;
  /** Sum up in the kernel (`totals`) instead of sending events. */
  aggregate: boolean;
  /** Age from which a hanging attempt is reported as pending, in ns; 0: never. */
  pendingNs: number;
  /** Tell of incoming connections too, for the clocks of recordings. */
  meetings: boolean;
  /** Hold the totals against the kernel's counters; only makes sense without a filter. */
  audit: boolean;
  /** Where the root folder of the host is; / unless told. */
  hostRoot?: string;
  /** Attempts that can hang at once, 65,536 unless told. */
  maxInFlight?: number;
}

export const HANDSHAKE_HOOKS: readonly Hook[] = [
  { tracepoint: 'inet_sock_set_state', programs: [{ name: 'set_state', arguments: 3 }] },
  NEW_CGROUPS,
];

/** Of `syncErrors`: classic tracepoints, which are not in BTF. */
export const CONNECT_PROGRAMS = ['enter_connect', 'exit_connect'] as const;

/** What is loaded for these options. */
export function handshakePrograms(options: HandshakeSourceOptions): ProgramOptions {
  const { filter, aggregate, syncErrors, meetings, maxInFlight } = options;
  const transport = options.transport === 'auto' ? bestTransport() : options.transport;
  return {
    object: 'connlat',
    globals: encodeGlobals({ filter, transport, aggregate, syncErrors, meetings }),
    transport,
    attach: [...programsFor(HANDSHAKE_HOOKS), ...(syncErrors ? CONNECT_PROGRAMS : [])],
    iterators: ['pending', 'find_in_flight'],
    mapSizes: maxInFlight ? { in_flight: maxInFlight } : {},
  };
}

/** How often the in-flight map is looked through, relative to the age that makes an attempt pending. */
const SWEEPS_PER_PENDING = 2;
const SWEEP_NS = { least: 50e6, most: 500e6 };

export class HandshakeSource implements Source<Handshake | Meeting> {
  /** Attempts that were under way when tracing began. They are no growth of ActiveOpens. */
  readonly foundInFlight: readonly Handshake[];
  private readonly sweepNs: number;
  private nextSweepNs = 0;
  private shown = new Set<number>();
  private readonly auditor: HandshakeAuditor | undefined;
  private readonly cgroups: NewCgroupPaths;

  private constructor(
    private readonly program: Program,
    private readonly options: HandshakeSourceOptions,
  ) {
    this.auditor = options.audit ? new HandshakeAuditor(options.hostRoot ?? '/') : undefined;
    this.cgroups = new NewCgroupPaths(program);
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

  drain(nowNs: number): (Handshake | Meeting)[] {
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
    if (this.options.pendingNs > 0 && nowNs >= this.nextSweepNs) {
      this.nextSweepNs = nowNs + this.sweepNs;
      items.push(...this.newlyPending());
    }
    return items;
  }

  /** Attempts that have become pending since the last look; each is told once. */
  private newlyPending(): Handshake[] {
    const hanging = this.inFlight().filter(({ startNs, endNs }) => endNs - startNs >= this.options.pendingNs);
    const news = hanging.filter(({ startNs }) => !this.shown.has(startNs));
    this.shown = new Set(hanging.map(({ startNs }) => startNs));
    return news.sort((a, b) => a.startNs - b.startNs);
  }

  /** All attempts that are under way. */
  inFlight(): Handshake[] {
    return decodeAll(this.program.iterate('pending', { map: 'in_flight' }));
  }

  /** What was summed up in the kernel since the start. */
  totals(): Totals & { buckets: Float64Array } {
    const sums = this.program
      .perCpu('totals', 0)
      .map((view) => decodeTotals(view, 0))
      .reduce((sum, cpu) => ({
        outcomes: sum.outcomes.map((count, index) => count + cpu.outcomes[index]!),
        lostSyn: sum.lostSyn + cpu.lostSyn,
        maxNs: Math.max(sum.maxNs, cpu.maxNs),
      }));
    return { ...sums, buckets: this.program.perCpuSums('latency_buckets') };
  }

  stop(): void {
    const detach = (): void => {
      this.program.detach();
    };
    if (this.auditor) this.auditor.detach(detach);
    else detach();
  }

  /** What the totals and the kernel's counters say, after `stop` and the last `drain`; undefined without `audit`. */
  auditFacts(): HandshakeAudit | undefined {
    const { lost, untracked, missed } = this.losses();
    return this.auditor?.facts({
      opens: this.program.counter('started') - this.program.counter('unsent'),
      unseen: lost + untracked + missed,
      ...(this.options.aggregate ? { fails: this.failsInTotals() } : {}),
    });
  }

  private failsInTotals(): number {
    const { outcomes } = this.totals();
    return OUTCOMES.reduce(
      (sum, outcome, index) => sum + (COUNTED_FAILURES.has(outcome) ? outcomes[index]! : 0),
      0,
    );
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

  close(): void {
    this.program.close();
  }
}

function seenNs(item: Handshake | Meeting): number {
  return 'endNs' in item ? item.endNs : item.timeNs;
}

function decodeAll(view: DataView): Handshake[] {
  const count = Math.floor(view.byteLength / HANDSHAKE_SIZE);
  return Array.from({ length: count }, (_, index) => decodeHandshake(view, index * HANDSHAKE_SIZE));
}
