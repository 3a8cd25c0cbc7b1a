/** Names of network namespaces: the host's, those of `ip netns`, and of the pod, container or unit that lives in one. */
import { statSync } from 'node:fs';
import path from 'node:path';
import type { Workload } from '../model/attribution.js';
import { Allowance } from './allowance.js';
import { BoundedMap } from './bounded-map.js';
import { attempt, cleanName, inRoot, namesIn, namespaceIn } from './files.js';
import type { HostOptions, Workloads } from './workloads.js';

const NAMED = '/run/netns';
/** What runtimes name theirs (`cni-` and a UUID, or only that) says nothing to anybody. */
const MADE_UP = /^(?:cni-)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const HOST = 'host';
/** Numbers of the first namespaces (include/uapi/linux/nsfs.h); that of the network is fixed from Linux 6.18 on, and before it is above these. */
export const INITIAL = { net: 0xefff_fff9, pid: 0xefff_fffc } as const;
const MOST_NAMES = 16_384;
const CHECK_EACH_NS = 1e9;
/** What a look around did not find is not looked for again for so long. */
const PATIENCE_NS = 10e9;
/** The last events of a namespace may come so long after its end; later its number is another's. */
const REMEMBERED_NS = 10e9;

/** Who has the namespace open: a process, or a file that `ip netns` made. */
interface Witness {
  readonly file: string;
  readonly pid?: number;
}

interface Candidate {
  readonly witness: Witness;
  rank: number;
  /** Undefined if nobody gives it a name. */
  name: string | undefined;
}

interface Known extends Candidate {
  /** When the witness was last seen to be in this namespace. */
  seenNs: number;
  checkAtNs: number;
  /** When a better name may have come up: a container's first process may not be in its cgroup yet. */
  lookAgainNs: number;
}

export class NetnsNames {
  readonly looks = new Allowance();
  private readonly known = new BoundedMap<number, Known>(MOST_NAMES);
  private readonly givenUp = new BoundedMap<number, number>(MOST_NAMES);
  private readonly hostRoot: string;
  private readonly workloads: Workloads;
  private readonly hostInode: number | undefined;

  constructor({ hostRoot, workloads }: HostOptions & { readonly workloads: Workloads }) {
    this.hostRoot = path.resolve(hostRoot);
    this.workloads = workloads;
    this.hostInode = this.isHostProc() ? findHost(this.proc()) : undefined;
  }

  /**
   * @param inode number of the namespace, as in the link /proc/PID/ns/net
   * @param nowNs of any clock that does not go back
   * @param workload of a socket in it: tells more than nothing where nobody lives there any more
   * @returns `host`, a name of `ip netns`, `namespace/pod`, a container or a unit; undefined if it is not known (yet).
   */
  of(inode: number, nowNs: number, workload?: Workload): string | undefined {
    if (inode === this.hostInode || inode === INITIAL.net) return HOST;
    return this.nameOfOthers(inode, nowNs) ?? nameOf(workload);
  }

  private nameOfOthers(inode: number, nowNs: number): string | undefined {
    const known = this.known.get(inode);
    if (known !== undefined && nowNs < known.checkAtNs) return known.name;
    if (known && this.isThere(known, inode, nowNs) && nowNs < known.lookAgainNs) return known.name;
    if (!known && this.givenUp.get(inode)! > nowNs) return undefined;
    return this.search(inode, nowNs);
  }

  /** Numbers of namespaces are given to new ones at once, so that a name holds only while its witness is in it. */
  private isThere(known: Known, inode: number, nowNs: number): boolean {
    if (inodeOf(known.witness) !== inode) return false;
    known.seenNs = nowNs;
    known.checkAtNs = nowNs + CHECK_EACH_NS;
    // What the process is called may be known better by now.
    const better = known.witness.pid === undefined ? undefined : this.ofProcess(known.witness.pid, nowNs);
    if (better?.name !== undefined) Object.assign(known, better);
    return true;
  }

  private search(inode: number, nowNs: number): string | undefined {
    const wasDone = this.looks.spend(nowNs, () => {
      this.lookAround(nowNs);
    });
    const known = this.known.get(inode);
    if (known && known.seenNs === nowNs) return known.name;
    // Nobody is in it any more. These are its last events, or it has only sockets and descriptors left.
    if (known && nowNs - known.seenNs < REMEMBERED_NS) {
      if (wasDone) known.checkAtNs = nowNs + CHECK_EACH_NS;
      return known.name;
    }
    this.known.delete(inode);
    if (wasDone) this.givenUp.set(inode, nowNs + PATIENCE_NS);
    return undefined;
  }

  /** Names every namespace that a process lives in or that has been given a name. */
  private lookAround(nowNs: number): void {
    const best = new Map<number, Candidate>();
    const offer = (inode: number, candidate: Candidate): void => {
      const rival = best.get(inode);
      if (!rival || rival.rank < candidate.rank) best.set(inode, candidate);
    };
    const folder = inRoot(this.hostRoot, NAMED) ?? NAMED;
    for (const entry of namesIn(this.hostRoot, NAMED)) {
      const witness = { file: path.join(folder, entry) };
      const inode = inodeOf(witness);
      const rank = MADE_UP.test(entry) ? RANK.madeUp : RANK.named;
      if (inode !== undefined) offer(inode, { rank, name: cleanName(entry), witness });
    }
    for (const pid of namesIn(this.hostRoot, '/proc').filter((entry) => /^\d+$/.test(entry))) {
      const witness = { file: `${this.proc()}/${pid}/ns/net`, pid: Number(pid) };
      const inode = inodeOf(witness);
      if (inode === undefined || inode === this.hostInode) continue;
      if ((best.get(inode)?.rank ?? RANK.none) >= RANK.pod) continue;
      offer(inode, { ...this.ofProcess(witness.pid, nowNs), witness });
    }
    for (const [inode, candidate] of best) this.remember(inode, candidate, nowNs);
  }

  private remember(inode: number, candidate: Candidate, nowNs: number): void {
    const lookAgainNs = candidate.rank < RANK.container ? nowNs + PATIENCE_NS : Infinity;
    const times = { seenNs: nowNs, checkAtNs: nowNs + CHECK_EACH_NS, lookAgainNs };
    this.known.set(inode, { ...candidate, ...times });
    this.givenUp.delete(inode);
  }

  private ofProcess(pid: number, nowNs: number): { rank: number; name: string | undefined } {
    const workload = this.workloads.ofProcess(pid, nowNs);
    return { rank: rankOf(workload), name: nameOf(workload) };
  }

  /** In a container with processes of its own, process 1 is not the host's. */
  private isHostProc(): boolean {
    const pid = namespaceIn(`${this.proc()}/1/ns/pid`);
    return pid === undefined || pid === INITIAL.pid;
  }

  private proc(): string {
    return path.join(this.hostRoot, 'proc');
  }
}

/** What counts more as the name of a namespace: somebody's own words; who lives there, the more is known of it. */
const RANK = { none: 0, madeUp: 1, unit: 2, container: 3, pod: 4, named: 5 } as const;

function rankOf(workload: Workload | undefined): number {
  if (!workload) return RANK.none;
  if (workload.pod !== undefined) return RANK.pod;
  return (workload.container ?? workload.containerId) === undefined ? RANK.unit : RANK.container;
}

/** A pod's containers share its namespace. */
function nameOf(workload: Workload | undefined): string | undefined {
  if (workload?.pod === undefined) return workload?.name;
  return workload.namespace === undefined ? workload.pod : `${workload.namespace}/${workload.pod}`;
}

/** As a rule kernel threads are in the host's namespace: kthreadd has number 2. */
const LIKELY_THERE = ['self', '2'];

/** Namespace of PID 1, whose link some hosts show to nobody: then that of a process that sees the same files of counters. */
function findHost(proc: string): number | undefined {
  const own = namespaceIn(`${proc}/1/ns/net`);
  if (own !== undefined) return own;
  // Every namespace has these files anew, with numbers of their own; they need no right to trace the process.
  const counters = (pid: string): number | undefined =>
    attempt(() => statSync(`${proc}/${pid}/net/snmp`).ino);
  const wanted = counters('1');
  const same = wanted === undefined ? undefined : LIKELY_THERE.find((pid) => counters(pid) === wanted);
  return same === undefined ? undefined : namespaceIn(`${proc}/${same}/ns/net`);
}

function inodeOf({ file, pid }: Witness): number | undefined {
  return pid === undefined ? attempt(() => statSync(file).ino) : namespaceIn(file);
}
