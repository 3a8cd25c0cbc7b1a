/** Readings of the kernel's own counters around a traced time, to hold what was traced against. */
import type { CounterGrowth } from '../model/audit.js';
import { readNetCounters, type CounterFile, type NetCounters } from './net-counters.js';

type Readings = ReadonlyMap<number, NetCounters>;

/**
 * The counters cannot be read at the very moment of attaching, so they are read on both sides of it: what was traced
 * must lie between the growth inside the traced time and the growth around it.
 */
export class CounterWindow {
  private readonly before: Readings;
  private after: Readings;
  private endBefore: Readings;
  private endAfter: Readings;
  /** True if there is a namespace that has to be entered to be read, which takes CAP_SYS_ADMIN. */
  entersNamespaces = false;

  /** To make before attaching. @param hostRoot where the root folder of the host is */
  constructor(
    private readonly files: readonly CounterFile[],
    private readonly hostRoot: string,
  ) {
    this.before = this.after = this.endBefore = this.endAfter = this.read();
  }

  private read(): Readings {
    const { byNamespace, entered } = readNetCounters(this.files, this.hostRoot);
    this.entersNamespaces ||= entered;
    return byNamespace;
  }

  /** To call when the programs are attached. */
  opened(): void {
    this.after = this.read();
  }

  /** Ends the traced time: `detach` is called between two readings. */
  close(detach: () => void): void {
    this.endBefore = this.read();
    detach();
    this.endAfter = this.read();
  }

  /** True if the namespace could be read at the end. */
  sees(netns: number): boolean {
    return this.endAfter.has(netns);
  }

  /**
   * All that a counter counted in a namespace that is younger than the first reading; undefined of any other. The number of a namespace
   * that has ended is given to the next one.
   */
  ofYounger(netns: number, counter: string): number | undefined {
    const value = (readings: Readings): number | undefined => readings.get(netns)?.get(counter);
    const [first, last] = [value(this.before), value(this.endAfter)];
    return last === undefined || (first !== undefined && last >= first) ? undefined : last;
  }

  /** Namespaces that were there at the start and not at the end. */
  get namespacesGone(): number {
    return [...this.before.keys()].filter((netns) => !this.endAfter.has(netns)).length;
  }

  /** Growth of what `of` makes of the counters, over the namespaces that are still there; one that is new began at 0. */
  growth(of: (counter: (name: string) => number) => number): CounterGrowth {
    let atLeast = 0;
    let atMost = 0;
    for (const [netns, last] of this.endAfter) {
      const value = (counters: NetCounters | undefined): number => of((name) => counters?.get(name) ?? 0);
      const at = (readings: Readings): number => value(readings.get(netns));
      // Counters only grow: one that fell is another namespace's, which got the inode number of one that ended.
      const since = (first: number, then: number): number => (then < first ? then : then - first);
      atLeast += since(at(this.after), at(this.endBefore));
      atMost += since(at(this.before), value(last));
    }
    return { atLeast, atMost };
  }
}
