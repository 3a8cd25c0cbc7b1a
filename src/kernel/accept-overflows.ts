/** Connections that listeners could not take: the kernel counts them in each network namespace. */
import type { AcceptOverflows } from '../model/network.js';
import { readResidentCounters } from './net-counters.js';

const COUNTER = 'TcpExtListenOverflows';
const INIT = 1;

/** What has been counted since the last look, by namespace. */
export class AcceptOverflowCounters {
  private before: ReadonlyMap<number, number>;

  /**
   * @param netns only of these namespaces; none: of all
   * @param hostRoot where the root folder of the host is
   */
  constructor(
    private readonly netns: readonly number[],
    private readonly hostRoot: string,
  ) {
    this.before = new Map(this.read().map(({ netns, count }) => [netns, count]));
  }

  take(): AcceptOverflows[] {
    const now = this.read();
    const grown = now.map((each) => ({ ...each, count: grownTo(each.count, this.before.get(each.netns)) }));
    this.before = new Map(now.map(({ netns, count }) => [netns, count]));
    return grown.filter(({ count }) => count > 0);
  }

  private read(): AcceptOverflows[] {
    return [...readResidentCounters(['netstat'], this.hostRoot)]
      .filter(([netns]) => this.netns.length === 0 || this.netns.includes(netns))
      .map(([netns, { counters, pid }]) => ({
        ...NOWHERE,
        netns,
        // What all of the host shares belongs to none of its processes.
        pid: pid === INIT ? 0 : pid,
        count: counters.get(COUNTER) ?? 0,
      }));
  }
}

/** The number of a namespace that has ended is given to the next one, which counts from 0. */
function grownTo(count: number, before = 0): number {
  return count < before ? count : count - before;
}

const NOWHERE: AcceptOverflows = {
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
