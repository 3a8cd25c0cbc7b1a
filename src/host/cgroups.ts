/** Paths of cgroups: by the number that the kernel gives each, or of a process. */
import path from 'node:path';
import { mostTelling, parseMemberships, worth, type CgroupMembership } from '../attribute/cgroup-path.js';
import { Allowance } from './allowance.js';
import { BoundedMap } from './bounded-map.js';
import { entriesIn, folderFacts, inRoot, readSmall } from './files.js';

const MOST_CGROUPS = 65_536;
/** systemd and runtimes nest some ten deep. */
const MOST_LEVELS = 64;
/** What a scan did not find is not looked for again for so long. */
const PATIENCE_NS = 10e9;
/** Of pids, by which processes are remembered. */
const MOST_PROCESSES = 16_384;
const MOST_PLACES = 4096;
/** No system hands out all its pids in this time, so a number still means the same process. */
const PID_HOLDS_NS = 100e6;
/** Inode number of the root of every cgroup2 hierarchy. */
export const ROOT_INODE = 1;

/** What /proc/PID/cgroup says: the same of all processes of a cgroup. */
interface Place {
  memberships: CgroupMembership[];
  /** Of all hierarchies, the path that says the most. */
  path: string;
}

/** A process by its number, for as long as it is that process's. */
interface KnownProcess extends Place {
  /** In clock ticks since the boot; undefined where it cannot be read. */
  startTicks: string | undefined;
  checkAtNs: number;
}

/** A cgroup as the caller may know it. */
export interface FoundCgroup {
  /** Below the root of its hierarchy. */
  path: string;
  /** False if its owner's process told it: another owner may tell another. */
  ofSocket: boolean;
}

/** Number of a cgroup (the inode of its folder in the cgroup v2 hierarchy) to its path, also after it has gone. */
export class CgroupPaths {
  /** Where the cgroup v2 hierarchy is mounted, as a path here; undefined if it is not. */
  readonly mount: string | undefined;
  /** True if there are v1 hierarchies, which may tell more than v2: runtimes of such hosts may use those alone. */
  readonly hasV1: boolean;
  readonly scans = new Allowance();
  private readonly paths = new BoundedMap<number, string>(MOST_CGROUPS);
  /** By number: until when nobody looks for it. */
  private readonly givenUp = new BoundedMap<number, number>(MOST_CGROUPS);
  /** How much each path says: they are asked for with every event. */
  private readonly worths = new BoundedMap<string, number>(MOST_CGROUPS);
  private readonly processes = new BoundedMap<number, KnownProcess>(MOST_PROCESSES);
  /** Processes that had ended before anybody looked: until when nobody looks again. */
  private readonly goneUntilNs = new BoundedMap<number, number>(MOST_PROCESSES);
  /** By the text of the file: processes come and go, and would each take a kilobyte. */
  private readonly places = new BoundedMap<string, Place>(MOST_PLACES);

  private readonly hostRoot: string;

  /**
   * @param hostRoot where the host's root folder is
   * @param newPath path of a cgroup that was made since somebody watches: it may be gone before a scan
   */
  constructor(
    hostRoot: string,
    private readonly newPath: (id: number) => string | undefined = () => undefined,
  ) {
    this.hostRoot = path.resolve(hostRoot);
    this.mount = findMount(this.hostRoot);
    const ofInit = ['1', 'self'].map((pid) => readSmall(this.hostRoot, `/proc/${pid}/cgroup`)).join('');
    this.hasV1 = parseMemberships(ofInit).some(({ controllers }) => controllers !== '');
    if (this.mount !== undefined) this.paths.set(folderFacts(this.mount)?.inode ?? ROOT_INODE, '/');
  }

  /** What the kernel side saw made in the cgroup v2 hierarchy; numbers of v1 hierarchies may be the same as others' here. */
  learn(id: number, cgroupPath: string): void {
    this.paths.set(id, cgroupPath);
    this.givenUp.delete(id);
  }

  /**
   * @param pid of the socket's owner, 0 if it is not known; asked where the number alone says nothing
   * @returns undefined if nothing is known, be it that a scan has to wait.
   */
  find(id: number, pid: number, nowNs: number): FoundCgroup | undefined {
    const own = id === 0 ? undefined : this.pathOf(id, pid, nowNs);
    const process = this.mayTellMore(own) && pid !== 0 ? this.process(pid, nowNs) : undefined;
    // Of paths that say as much, the socket's own counts.
    const tellsMore = process && this.worthOf(process.path) > this.worthOf(own ?? '/');
    if (tellsMore && isSamePlace(process, own)) return { path: process.path, ofSocket: process.path === own };
    return own === undefined ? undefined : { path: own, ofSocket: true };
  }

  private worthOf(path: string): number {
    let value = this.worths.get(path);
    if (value === undefined) this.worths.set(path, (value = worth(path)));
    return value;
  }

  /** The most telling path of a process; undefined if it cannot be read. */
  ofProcess(pid: number, nowNs: number): string | undefined {
    return this.process(pid, nowNs)?.path;
  }

  /** True if the owner's process may say more than this path. */
  private mayTellMore(own: string | undefined): boolean {
    return own === undefined || own === '/' || this.hasV1;
  }

  private pathOf(id: number, pid: number, nowNs: number): string | undefined {
    const known = this.paths.get(id);
    if (known !== undefined || this.mount === undefined || this.givenUp.get(id)! > nowNs) return known;
    const seen = this.newPath(id);
    if (seen === undefined) this.learnFromProcess(id, pid, nowNs);
    else this.learn(id, seen);
    if (
      !this.paths.has(id) &&
      this.scans.spend(nowNs, () => {
        this.scan();
      }) &&
      !this.paths.has(id)
    )
      this.givenUp.set(id, nowNs + PATIENCE_NS);
    return this.paths.get(id);
  }

  /** Mostly the socket is in its owner's cgroup, whose folder tells whether it has this number. */
  private learnFromProcess(id: number, pid: number, nowNs: number): void {
    if (pid === 0 || this.mount === undefined) return;
    const own = this.process(pid, nowNs)?.memberships.find(({ controllers }) => controllers === '');
    // Seen from another cgroup namespace it leads out of the mount.
    if (own && !own.path.startsWith('/..') && folderFacts(path.join(this.mount, own.path))?.inode === id)
      this.learn(id, own.path);
  }

  /** Looks at every folder of the hierarchy. What has gone keeps its path, since no later cgroup gets its number. */
  private scan(): void {
    const pending = [{ at: '/', level: 0 }];
    for (let seen = 0; pending.length > 0 && seen < MOST_CGROUPS; seen++) {
      const { at, level } = pending.pop()!;
      const folder = this.mount! + at;
      const facts = folderFacts(folder);
      if (!facts) continue;
      this.paths.set(facts.inode, at);
      // Like ordinary folders those of cgroups count their sub-folders as links, beside `.` and their name.
      if (facts.links === 2 || level >= MOST_LEVELS) continue;
      for (const entry of entriesIn(folder))
        if (entry.isDirectory())
          pending.push({ at: at === '/' ? `/${entry.name}` : `${at}/${entry.name}`, level: level + 1 });
    }
  }

  private process(pid: number, nowNs: number): KnownProcess | undefined {
    const known = this.processes.get(pid);
    if (known && nowNs < known.checkAtNs) return known;
    if (!known && this.goneUntilNs.get(pid)! > nowNs) return undefined;
    const text = readSmall(this.hostRoot, `/proc/${pid}/cgroup`);
    if (text === undefined) return this.rememberGone(pid, known, nowNs);
    const place = this.place(text);
    const checkAtNs = nowNs + PID_HOLDS_NS;
    const isWhereItWas = known?.memberships === place.memberships;
    const now: KnownProcess =
      known && (isWhereItWas || this.hasEnded(pid, known, place))
        ? { ...known, checkAtNs }
        : { startTicks: this.startTicks(pid), ...place, checkAtNs };
    this.processes.set(pid, now);
    return now;
  }

  /** One that has ended but has not been waited for is at the root of v1 hierarchies: what it was says more. */
  private hasEnded(pid: number, { startTicks }: KnownProcess, { path }: Place): boolean {
    return path === '/' && startTicks !== undefined && this.startTicks(pid) === startTicks;
  }

  private place(text: string): Place {
    const known = this.places.get(text);
    if (known) return known;
    const memberships = parseMemberships(text);
    const place = { memberships, path: mostTelling(memberships) };
    this.places.set(text, place);
    return place;
  }

  /** A process that has ended is remembered: its last events may still come. */
  private rememberGone(
    pid: number,
    known: KnownProcess | undefined,
    nowNs: number,
  ): KnownProcess | undefined {
    if (known) known.checkAtNs = nowNs + PID_HOLDS_NS;
    else this.goneUntilNs.set(pid, nowNs + PID_HOLDS_NS);
    return known;
  }

  private startTicks(pid: number): string | undefined {
    const text = readSmall(this.hostRoot, `/proc/${pid}/stat`);
    // The 22nd field; the second is a name in brackets, which may have blanks and brackets itself.
    return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  }
}

/** A process tells of its socket only if it is in the socket's cgroup itself, or the socket is in none of its own. */
function isSamePlace(process: KnownProcess, own: string | undefined): boolean {
  if (own === undefined || own === '/') return true;
  return process.memberships.some(({ controllers, path }) => controllers === '' && path === own);
}

/** Seen from a mount namespace other than the host's, mount points already have the root before them. */
function mountPoints(hostRoot: string): string[] {
  const infos = ['/proc/1/mountinfo', '/proc/self/mountinfo'].flatMap((file) =>
    [...(readSmall(hostRoot, file) ?? '').matchAll(/^\S+ \S+ \S+ \S+ (\S+) .*? - cgroup2 /gm)].map(
      ([, at]) => at!,
    ),
  );
  const mounts = [...(readSmall(hostRoot, '/proc/mounts') ?? '').matchAll(/^\S+ (\S+) cgroup2 /gm)];
  return [...infos, ...mounts.map(([, at]) => at!), '/sys/fs/cgroup', '/sys/fs/cgroup/unified'].map(
    unescapeMount,
  );
}

/** Blanks in mount points are written `\040`. */
function unescapeMount(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}

/** The whole hierarchy if it can be had, else the part of it that this cgroup namespace shows. */
function findMount(hostRoot: string): string | undefined {
  const candidates = mountPoints(hostRoot).flatMap((at) => {
    const here = inRoot(hostRoot, at);
    const already = hostRoot !== '/' && at.startsWith(`${hostRoot}/`) ? [at] : [];
    return [...(here === undefined ? [] : [here]), ...already];
  });
  const hierarchies = candidates.filter(isHierarchy);
  return hierarchies.find((at) => folderFacts(at)?.inode === ROOT_INODE) ?? hierarchies[0];
}

/** Only cgroup v2 has this file. */
function isHierarchy(folder: string): boolean {
  return entriesIn(folder).some(({ name }) => name === 'cgroup.controllers');
}
