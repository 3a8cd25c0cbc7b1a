/** Connections that listeners could not take: the kernel counts them in each network namespace. */
import type { AcceptOverflows } from '../model/network.js';
import { countersOf, namespaceOf, readResidentCounters, type NetCounters } from './net-counters.js';

const COUNTER = 'TcpExtListenOverflows';
/** To look for namespaces is to look at every process. One that is younger is not missed: its counter began at 0. */
const SEARCH_EACH_NS = 60e9;

interface Reading {
  /** A process that lives in the namespace. */
  readonly pid: number;
  readonly count: number;
}

/** What has been counted since the last look, by namespace. */
export class AcceptOverflowCounters {
  private before: ReadonlyMap<number, Reading>;
  private nextSearchNs = 0;

  /**
   * @param netns only of these namespaces; none: of all
   * @param hostRoot where the root folder of the host is
   */
  constructor(
    private readonly netns: readonly number[],
    private readonly hostRoot: string,
  ) {
    this.before = this.search();
  }

  /** @param nowNs of any clock that does not go back */
  take(nowNs: number): AcceptOverflows[] {
    const now = this.read(nowNs);
    const grown = [...now].map(([netns, { count }]) => ({
      ...OF_NOBODY,
      netns,
      count: growth(this.before.get(netns)?.count ?? 0, count),
    }));
    this.before = now;
    return grown.filter(({ count }) => count > 0);
  }

  private read(nowNs: number): Map<number, Reading> {
    const again = nowNs < this.nextSearchNs ? this.readAgain() : undefined;
    if (again) return again;
    this.nextSearchNs = nowNs + SEARCH_EACH_NS;
    return this.search();
  }

  /** By the same processes; undefined if one of them has gone. */
  private readAgain(): Map<number, Reading> | undefined {
    const readings = new Map<number, Reading>();
    for (const [netns, { pid }] of this.before) {
      const counters = countersOf(pid, ['netstat'], this.hostRoot);
      if (!counters || namespaceOf(pid, this.hostRoot) !== netns) return undefined;
      readings.set(netns, { pid, count: countOf(counters) });
    }
    return readings;
  }

  private search(): Map<number, Reading> {
    const all = [...readResidentCounters(['netstat'], this.hostRoot)];
    return new Map(
      all
        .filter(([netns]) => this.netns.length === 0 || this.netns.includes(netns))
        .map(([netns, { counters, pid }]) => [netns, { pid, count: countOf(counters) }]),
    );
  }
}

const countOf = (counters: NetCounters): number => counters.get(COUNTER) ?? 0;

/** The number of a namespace that has ended is given to the next one, which counts from 0. */
const growth = (before: number, now: number): number => (now < before ? now : now - before);

/** What all of a namespace share belongs to none of its processes. */
const OF_NOBODY: AcceptOverflows = {
  type: 'accept-overflows',
  count: 0,
  localAddress: '::',
  localPort: 0,
  remoteAddress: '::',
  remotePort: 0,
  netns: 0,
  cgroupId: 0,
  uid: 0,
  pid: 0,
  comm: '',
};
