/** What sockets have done since they were last looked at, from counters that only tell of their whole life. */
import type { SocketCounts } from '../events/retrans.js';
import type { SocketGrowth } from '../model/retransmit.js';

/** More open sockets than this are not followed: their growth then counts from each look anew. */
const MOST_SOCKETS = 262_144;

interface Known {
  segsOut: number;
  spurious: number;
  pid: number;
  comm: string;
  remotePort: number;
}

export class SocketLedger {
  /** Sockets that could not be followed because there were too many. */
  overflow = 0;
  private readonly known = new Map<number, Known>();

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
    const spurious = Math.max(before.spurious, reportedTwice(counts));
    const { socket, localAddress, localPort, remoteAddress, remotePort, netns, uid, timeNs } = counts;
    const growth: SocketGrowth = {
      type: 'socket',
      timeNs,
      localAddress,
      localPort,
      remoteAddress,
      remotePort,
      netns,
      uid,
      pid: counts.pid === 0 ? before.pid : counts.pid,
      comm: counts.pid === 0 ? before.comm : counts.comm,
      segsOut: counts.segsOut - before.segsOut,
      spurious: spurious - before.spurious,
      undone: counts.undone ? 1 : 0,
    };
    if (counts.closed) this.known.delete(socket);
    else this.remember(counts, { spurious, pid: growth.pid, comm: growth.comm });
    return growth.segsOut > 0 || growth.spurious > 0 || growth.undone > 0 ? growth : undefined;
  }

  private before({ socket, segsOut, remotePort }: SocketCounts): Known {
    const known = this.known.get(socket);
    // Counters only grow: otherwise the address is another socket's by now.
    if (known?.remotePort === remotePort && known.segsOut <= segsOut) return known;
    return { segsOut: 0, spurious: 0, pid: 0, comm: '', remotePort };
  }

  private remember(
    { socket, segsOut, remotePort }: SocketCounts,
    rest: Pick<Known, 'spurious' | 'pid' | 'comm'>,
  ): void {
    if (this.known.size >= MOST_SOCKETS && !this.known.has(socket)) {
      this.overflow++;
      return;
    }
    this.known.set(socket, { segsOut, remotePort, ...rest });
  }
}

/** Reports of more than was sent again mean something else: tcp_dsack_seen() skips them too. */
function reportedTwice({ dsackDups, totalRetrans }: SocketCounts): number {
  return dsackDups <= totalRetrans ? dsackDups : 0;
}
