/** Connections that listeners could not take: the kernel counts them in each network namespace. */
import type { AcceptOverflows } from '../model/network.js';
import { countersOf, namespaceOf, readResidentCounters, type NetCounters } from './net-counters.js';

const COUNTER = 'TcpExtListenOverflows';
const INIT = 1;
/** Looking for namespaces is looking at every process. Those that are younger are not too late: their counters began at 0. */
const SEARCH_EACH_NS = 60e9;

/** A namespace, the process by which it is read, and what its counter was. */
interface Known {
  pid: number;
  count: number;
}

/** What has been counted since the last look, by namespace. */
export class AcceptOverflowCounters {
  private known = new Map<number, Known>();
  private nextSearchNs = -Infinity;

  /**
   * @param netns only of these namespaces; none: of all
   * @param hostRoot where the root folder of the host is
   */
  constructor(
    private readonly netns: readonly number[],
    private readonly hostRoot: string,
  ) {
    for (const [inode, { counters, pid }] of this.search()) this.known.set(inode, { pid, count: countOf(counters) });
  }

  /** @param nowNs of any clock that does not go back */
  take(nowNs: number): AcceptOverflows[] {
    const isComplete = [...this.known].map(([netns, known]) => this.read(netns, known)).every(Boolean);
    const taken = this.takeGrowth();
    return taken;
  }
