/** `--max-cpu`: what each command leaves out, step by step, to cost less. */
import { IntervalTotals } from '../aggregate/interval-totals.js';
import type { Reducer } from '../aggregate/reducer.js';
import type { HandshakeItem } from '../model/handshake.js';
import type { KernelCost } from '../model/self-cost.js';
import type { Source } from '../model/source.js';
import { formatCount } from '../model/units.js';
import { monotonicNs } from '../session/clock.js';
import { CpuGovernor, type Spent, type Step } from '../session/cpu-governor.js';
import { processCost } from '../session/process-cost.js';
import type { Watch } from '../session/run.js';
import { intervalLine } from '../view/summary.js';
import { parseCpuShare } from './values.js';
import type { ViewFlagValues } from './view-flags.js';

/** One in how many, the last that can be left. */
const SAMPLES = [4, 16, 64, 256, 1024] as const;

/** What is asked for a share of one core. */
export interface MaxCpuFlagValues extends ViewFlagValues {
  'max-cpu'?: string | undefined;
  record?: string | undefined;
}

/** @throws {RangeError} if it is no share, or the other flags want what it leaves out. */
export function maxCpuOf(flags: MaxCpuFlagValues): number | undefined {
  const text = flags['max-cpu'];
  if (text === undefined) return undefined;
  const limit = parseCpuShare(text);
  for (const flag of ['record', 'count', 'heatmap'] as const)
    if (flags[flag] !== undefined && flags[flag] !== false)
      throw new RangeError(`--max-cpu leaves out events, and --${flag} needs each: give one of them`);
  return limit;
}

/** What the kernel sends; see src/kernel/handshakes.ts. */
interface Following {
  sums: boolean;
  sampleOneIn: number;
}

/** What of the source of `connlat` it needs. */
interface AdjustableSource {
  adjust(following: Following): void;
  readonly started: number;
  kernelCost(): KernelCost | undefined;
}

interface FollowingStep extends Step {
  following: Following;
}

const ROWS: FollowingStep = { what: 'showing every attempt', following: { sums: false, sampleOneIn: 1 } };
const SAMPLED: readonly FollowingStep[] = SAMPLES.map((oneIn) => ({
  what: `following 1 in ${formatCount(oneIn)} attempts, counts are estimates`,
  following: { sums: true, sampleOneIn: oneIn },
}));

function stepsOf(hasRows: boolean): [FollowingStep, ...FollowingStep[]] {
  const following = { sums: true, sampleOneIn: 1 };
  return hasRows
    ? [ROWS, { what: 'showing sums in place of rows', following }, ...SAMPLED]
    : [{ what: 'following every attempt', following }, ...SAMPLED];
}

/** Of `connlat`: rows, then sums, then sums of some attempts. */
export class HandshakeWatch implements Watch {
  readonly rowsOneIn = 1;
  private readonly totals = new IntervalTotals();
  private readonly governor: CpuGovernor<FollowingStep>;
  private intervalNs = monotonicNs();
  /** Attempts have been left out. */
  sampled = false;

  constructor(
    limit: number,
    private readonly source: AdjustableSource,
    private readonly hasRows: boolean,
  ) {
    this.governor = new CpuGovernor(limit, stepsOf(hasRows));
    source.adjust(this.governor.step.following);
  }

  /** To be fed with what the session shows. */
  get reducers(): readonly Reducer<HandshakeItem>[] {
    return this.hasRows ? [this.totals] : [];
  }

  look(nowNs: number): string | undefined {
    const line = this.governor.measure(nowNs, () => spent(this.source, this.source.started));
    if (line === undefined) return undefined;
    const { following } = this.governor.step;
    this.source.adjust(following);
    this.sampled ||= following.sampleOneIn > 1;
    return line;
  }

  interval(nowNs: number): string | undefined {
    if (!this.hasRows) return undefined;
    const facts = this.totals.take();
    const tookNs = nowNs - this.intervalNs;
    this.intervalNs = nowNs;
    const { sums, sampleOneIn } = this.governor.step.following;
    return sums ? intervalLine(facts, tookNs, sampleOneIn > 1) : undefined;
  }

  /** Clauses for the summary. */
  notes(): string[] {
    if (!this.sampled) return [];
    return [`counts are estimates (--max-cpu): ${formatCount(this.source.started)} attempts began`];
  }
}

interface RowsStep extends Step {
  rowsOneIn: number;
}

const ROWS_STEPS: readonly [RowsStep, ...RowsStep[]] = [
  { what: 'showing every row', rowsOneIn: 1 },
  ...SAMPLES.map((rowsOneIn) => ({
    what: `showing 1 in ${formatCount(rowsOneIn)} rows, totals exact`,
    rowsOneIn,
  })),
];

/** Of a command whose rows alone can be fewer. */
export class RowsWatch implements Watch {
  private readonly governor: CpuGovernor<RowsStep>;

  constructor(
    limit: number,
    private readonly source: Source<unknown>,
    /** How many have been seen. */
    private readonly events: () => number,
  ) {
    this.governor = new CpuGovernor(limit, ROWS_STEPS);
  }

  get rowsOneIn(): number {
    return this.governor.step.rowsOneIn;
  }

  look(nowNs: number): string | undefined {
    return this.governor.measure(nowNs, () => spent(this.source, this.events()));
  }

  interval(): undefined {
    return undefined;
  }
}

function spent(source: Pick<Source<unknown>, 'kernelCost'>, events: number): Spent {
  return { cpuNs: processCost().cpuNs + (source.kernelCost?.()?.ns ?? 0), events };
}
