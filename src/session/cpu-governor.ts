import { formatPercent } from '../model/units.js';

/** A way to work. Each costs less than the one before. */
export interface Step {
  /** What the user is told: `showing sums instead of rows`. */
  readonly what: string;
}

/** What the tool has cost since it was started, and what it got for it. */
export interface Spent {
  /** Of its own process and of its programs in the kernel, ns. */
  cpuNs: number;
  events: number;
}

/** Costs are compared with the limit once in this time. */
const WINDOW_NS = 2e9;
/** The step before is tried again when it would cost at most this share of the limit. */
const FITS_SHARE = 0.7;
/** Windows in a row in which it has to fit: more after each time that it did not. */
const CALM_WINDOWS = { least: 2, most: 32 };
/** What a step that has not been taken yet is thought to cost more than the one behind it. */
const STEP_FACTOR = 4;

/**
 * Keeps the tool below a share of one core: goes to cheaper steps while it takes more, and back when that would fit again, by what an
 * event cost there and how many come now.
 */
export class CpuGovernor<Kind extends Step> {
  private at = 0;
  private windowNs: number | undefined;
  private spent: Spent = { cpuNs: 0, events: 0 };
  /** What an event cost in each step when it was left, ns. */
  private readonly eventCosts: (number | undefined)[] = [];
  private calm = 0;
  private calmNeeded = CALM_WINDOWS.least;
  /** The last change was to a step that costs more. */
  private tried = false;
  private isAtEnd = false;

  constructor(
    /** Share of one core: 0.05. */
    private readonly limit: number,
    private readonly steps: readonly [Kind, ...Kind[]],
  ) {}

  get step(): Kind {
    return this.steps[this.at]!;
  }

  /**
   * @param read is asked once in a window
   * @returns why, in a line for the user, if `step` has changed or can become no cheaper
   */
  measure(nowNs: number, read: () => Spent): string | undefined {
    const tookNs = nowNs - (this.windowNs ?? -Infinity);
    if (tookNs < WINDOW_NS) return undefined;
    const spent = read();
    const cpuNs = spent.cpuNs - this.spent.cpuNs;
    const events = spent.events - this.spent.events;
    const isFirst = this.windowNs === undefined;
    this.windowNs = nowNs;
    this.spent = spent;
    if (isFirst) return undefined;
    const share = cpuNs / tookNs;
    if (events > 0) this.eventCosts[this.at] = cpuNs / events;
    if (share > this.limit) return this.goDown(share);
    this.isAtEnd = false;
    return this.tryUp(share, events / tookNs);
  }

  private goDown(share: number): string | undefined {
    if (this.tried) this.calmNeeded = Math.min(2 * this.calmNeeded, CALM_WINDOWS.most);
    this.tried = false;
    this.calm = 0;
    if (this.at === this.steps.length - 1) {
      if (this.isAtEnd) return undefined;
      this.isAtEnd = true;
      return this.line(share, 'nothing more can be left out');
    }
    this.at++;
    return this.line(share, this.step.what);
  }

  private tryUp(share: number, eventsPerNs: number): string | undefined {
    if (this.at === 0) return undefined;
    const eventCost = this.eventCosts[this.at - 1];
    const before = eventCost === undefined ? share * STEP_FACTOR : Math.max(share, eventCost * eventsPerNs);
    this.calm = before <= this.limit * FITS_SHARE ? this.calm + 1 : 0;
    if (this.calm < this.calmNeeded) return undefined;
    this.calm = 0;
    this.tried = true;
    this.at--;
    return this.line(share, this.step.what);
  }

  private line(share: number, what: string): string {
    return `cost: ${formatPercent(share * 100)} of a core (--max-cpu ${Number((this.limit * 100).toPrecision(4))}%): ${what}`;
  }
}
