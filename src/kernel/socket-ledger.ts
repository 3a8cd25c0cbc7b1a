/** What sockets have done since they were last looked at, from counters that only tell of their whole life. */
import type { SocketCounts } from '../events/retrans.js';
import type { SocketGrowth } from '../model/retransmit.js';

/** More open sockets than this are not followed, and what they send is not counted. */
const MOST_SOCKETS = 262_144;

interface Known {
  /** When it was looked at. */
  timeNs: number;
  segsOut: number;
  spurious: number;
  pid: number;
  comm: string;
  remotePort: number;
}

export class SocketLedger {
  /** How often a socket was not counted because there were too many. */
  overflow = 0;
  private readonly known = new Map<number, Known>();

  constructor(private readonly limit = MOST_SOCKETS) {}

  /** To call at the start: what these have sent is no growth. */
  begin(samples: readonly SocketCounts[]): void {
    for (const sample of samples) {
      const { pid, comm } = sample;
      this.remember(sample, { spurious: reportedTwice(sample), pid, comm });
    }
  }

  /** @returns undefined if the socket has done nothing. */
  growth(counts: SocketCounts): SocketGrowth | undefined {
    const before = this.before(counts);
    if (!before) {
      this.overflow++;
      return undefined;
    }
    // A look at all sockets may be later than an event that is read after it.
    if (counts.timeNs < before.timeNs) return counts.undone ? growthOf(counts, before, before) : undefined;
    const spurious = Math.max(before.spurious, reportedTwice(counts));
    const growth = growthOf(counts, before, { segsOut: counts.segsOut, spurious });
    if (counts.closed) this.known.delete(counts.socket);
    else this.remember(counts, { spurious, pid: growth.pid, comm: growth.comm });
    return growth.segsOut > 0 || growth.spurious > 0 || growth.undone > 0 ? growth : undefined;
  }

  /** @returns undefined if there is no room to follow it. */
  private before({ socket, segsOut, remotePort, timeNs }: SocketCounts): Known | undefined {
    const known = this.known.get(socket);
    // Counters only grow: otherwise the address is another socket's by now.
    if (known && (timeNs < known.timeNs || (known.remotePort === remotePort && known.segsOut <= segsOut)))
      return known;
    if (!known && this.known.size >= this.limit) return undefined;
    return { timeNs: 0, segsOut: 0, spurious: 0, pid: 0, comm: '', remotePort };
  }

  private remember(
    { socket, timeNs, segsOut, remotePort }: SocketCounts,
    rest: Pick<Known, 'spurious' | 'pid' | 'comm'>,
  ): void {
    if (this.known.size < this.limit || this.known.has(socket))
      this.known.set(socket, { timeNs, segsOut, remotePort, ...rest });
    else this.overflow++;
  }
}

function growthOf(
  counts: SocketCounts,
  before: Known,
  { segsOut, spurious }: Pick<Known, 'segsOut' | 'spurious'>,
): SocketGrowth {
  const { localAddress, localPort, remoteAddress, remotePort, netns, cgroupId, uid, timeNs } = counts;
  return {
    type: 'socket',
    timeNs,
    localAddress,
    localPort,
    remoteAddress,
    remotePort,
    netns,
    cgroupId,
    uid,
    pid: counts.pid === 0 ? before.pid : counts.pid,
    comm: counts.pid === 0 ? before.comm : counts.comm,
    segsOut: segsOut - before.segsOut,
    spurious: spurious - before.spurious,
    undone: counts.undone ? 1 : 0,
  };
}

/** Reports of more than was sent again mean something else: tcp_dsack_seen() skips them too. */
function reportedTwice({ dsackDups, totalRetrans }: SocketCounts): number {
  return dsackDups <= totalRetrans ? dsackDups : 0;
}
