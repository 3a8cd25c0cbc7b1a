/** Whose service a socket is part of: container, pod or systemd unit, by the socket's own cgroup. */
import path from 'node:path';
import { parseCgroupPath, type CgroupFacts } from '../attribute/cgroup-path.js';
import type { Workload } from '../model/attribution.js';
import { sanitize } from '../model/units.js';
import { BoundedMap } from './bounded-map.js';
import { resolveCgroup } from './cgroup-argument.js';
import { CgroupPaths } from './cgroups.js';
import { Containers, type FoundNames } from './containers.js';

const MOST_KNOWN = 65_536;
/** As docker shows ids. */
const ID_DIGITS = 12;

export interface HostOptions {
  /** Where the root folder of the host is: `/`, or where a container has it mounted. */
  readonly hostRoot: string;
  /** Path of a cgroup that was made since somebody watches, by its number. */
  readonly newCgroupPath?: (id: number) => string | undefined;
}

interface Known {
  readonly facts: CgroupFacts;
  readonly path: string;
  workload: Workload | undefined;
  /** When its names are to be asked for again. */
  askAgainNs: number;
}

export class Workloads {
  readonly cgroups: CgroupPaths;
  private readonly containers: Containers;
  private readonly byId = new BoundedMap<number, Known>(MOST_KNOWN);
  private readonly byPath = new BoundedMap<string, Known>(MOST_KNOWN);
  private readonly hostRoot: string;

  /** @param options `dockerLimitMs`: how long docker may take to tell a name, 500 if not given */
  constructor(options: HostOptions & { readonly dockerLimitMs?: number }) {
    this.hostRoot = path.resolve(options.hostRoot);
    this.cgroups = new CgroupPaths(this.hostRoot, options.newCgroupPath);
    this.containers = new Containers(this.hostRoot, options.dockerLimitMs);
  }

  /**
   * Whose socket it is; the same frozen object each time, until more is known of it.
   * @param cgroupId inode of the folder of the socket's cgroup in the cgroup v2 hierarchy, 0 if unknown
   * @param pid of the socket's owner, 0 if unknown; asked where the number says nothing, as on hosts with cgroup v1
   * @param nowNs of any clock that does not go back
   * @returns undefined if it is nobody's (the root cgroup) or not known (yet): a scan may have to wait.
   */
  of(cgroupId: number, pid: number, nowNs: number): Workload | undefined {
    const known = this.byId.get(cgroupId);
    if (known !== undefined && nowNs < known.askAgainNs) return known.workload;
    const found = this.cgroups.find(cgroupId, pid, nowNs);
    if (!found) return known?.workload;
    const now = this.at(found.path, nowNs);
    if (found.ofSocket && this.isLasting(now)) this.byId.set(cgroupId, now);
    return now.workload;
  }

  /** Whose process it is; undefined if it cannot be read, or is in the root cgroup. */
  ofProcess(pid: number, nowNs: number): Workload | undefined {
    const found = this.cgroups.ofProcess(pid, nowNs);
    return found === undefined ? undefined : this.at(found, nowNs).workload;
  }

  /** Takes what the kernel side saw: that this path was made in the cgroup v2 hierarchy. */
  learn(id: number, cgroupPath: string): void {
    this.cgroups.learn(id, cgroupPath);
  }

  /**
   * The number of a cgroup that the user names: a path below the cgroup v2 hierarchy, with or without its mount point, or the number.
   * @throws {Failure} exit code 2 if there is none.
   */
  cgroupIdOf(text: string): number {
    return resolveCgroup(text, this.cgroups.mount, this.hostRoot);
  }

  /** True if names of docker's containers can only be had by its socket, which only root may use. */
  get needsDockerSocket(): boolean {
    return this.containers.needsDockerSocket;
  }

  /** Gives up what docker is being asked. */
  close(): void {
    this.containers.close();
  }

  /** True if no owner's process can tell more of this cgroup. */
  private isLasting({ path, facts }: Known): boolean {
    return path !== '/' && (facts.containerId !== undefined || !this.cgroups.hasV1);
  }

  private at(cgroup: string, nowNs: number): Known {
    const known = this.byPath.get(cgroup);
    if (known && nowNs < known.askAgainNs) return known;
    const facts = known?.facts ?? parseCgroupPath(cgroup);
    const names = this.containers.find(facts, nowNs);
    const now = known ?? { facts, path: cgroup, workload: undefined, askAgainNs: 0 };
    now.workload = same(now.workload, makeWorkload(cgroup, facts, names));
    now.askAgainNs = names.askAgainNs;
    if (!known) this.byPath.set(cgroup, now);
    return now;
  }
}

function makeWorkload(cgroup: string, facts: CgroupFacts, names: FoundNames): Workload | undefined {
  if (cgroup === '/') return undefined;
  const { containerId, podUid, unit } = facts;
  const container = names.container ?? facts.containerName;
  const shown =
    names.pod === undefined
      ? container
      : [names.namespace, names.pod, container].filter((part) => part !== undefined).join('/');
  const ofPod = podUid === undefined ? undefined : `pod${podUid}`;
  return Object.freeze({
    name: shown ?? containerId?.slice(0, ID_DIGITS) ?? ofPod ?? unit ?? sanitize(cgroup),
    cgroup: sanitize(cgroup),
    containerId,
    container,
    pod: names.pod,
    namespace: names.namespace,
    unit,
  });
}

/** The one from before if nothing is new, so that it can be compared by identity. */
function same(before: Workload | undefined, now: Workload | undefined): Workload | undefined {
  const isSame =
    before !== undefined &&
    now !== undefined &&
    before.container === now.container &&
    before.pod === now.pod &&
    before.namespace === now.namespace;
  return isSame ? before : now;
}
