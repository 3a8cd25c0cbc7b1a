/** What `tcpscope doctor` finds in the host's files. */
import { existsSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { parseCgroupPath, parseMemberships } from '../attribute/cgroup-path.js';
import type {
  CgroupFact,
  ContainerFacts,
  HostFacts,
  MemoryFact,
  ProcFact,
  TimeFacts,
} from '../model/diagnosis/facts.js';
import { CgroupPaths, ROOT_INODE } from './cgroups.js';
import { Containers } from './containers.js';
import { attempt, folderFacts, inRoot, namesIn, namespaceIn, readSmall } from './files.js';
import { INITIAL } from './netns-names.js';

/** Looking at more processes than these takes at most so long. */
const LIMIT_MS = 300;
const LEAST_PROCESSES = 512;
/** Files whose presence tells of an engine that runs or has run. */
const ENGINES: Readonly<Record<string, readonly string[]>> = {
  docker: ['/run/docker.sock', '/var/run/docker.sock'],
  containerd: ['/run/containerd/containerd.sock', '/run/k3s/containerd/containerd.sock'],
  'cri-o': ['/run/crio/crio.sock'],
  podman: ['/run/podman/podman.sock', '/var/lib/containers/storage/overlay-containers'],
  kubelet: ['/var/lib/kubelet/config.yaml', '/var/log/pods'],
};
/** Names of processes, cut to 15 characters as the kernel does. */
const TIME_KEEPERS = ['chronyd', 'ntpd', 'systemd-timesyn', 'ptp4l', 'phc2sys'];
/** systemd-timesyncd has it while it runs, and makes a file in it at the first answer of a server. */
const TIMESYNC = '/run/systemd/timesync';
const CLOCKSOURCE = '/sys/devices/system/clocksource/clocksource0/current_clocksource';
/** v1 says "no limit" with the largest multiple of a page. */
const NO_LIMIT = 2 ** 62;

/** @param hostRoot where the root folder of the host is */
export function surveyHost(hostRoot: string): HostFacts {
  const root = path.resolve(hostRoot);
  const cgroups = new CgroupPaths(root);
  const seen = lookAtProcesses(root, cgroups);
  return {
    cgroups: cgroupFact(cgroups),
    proc: procFact(root, seen),
    containers: seen.containers,
    time: timeFacts(root, seen.keeper),
    memory: memoryFact(cgroups.mount),
  };
}

function cgroupFact({ mount, hasV1 }: CgroupPaths): CgroupFact {
  return { mount, hasV1, isWhole: mount !== undefined && folderFacts(mount)?.inode === ROOT_INODE };
}

interface Processes {
  count: number;
  unreadable: number;
  keeper: string | undefined;
  containers: ContainerFacts;
}

function lookAtProcesses(root: string, cgroups: CgroupPaths): Processes {
  const untilMs = performance.now() + LIMIT_MS;
  const proc = path.join(root, 'proc');
  const pids = namesIn(root, '/proc').filter((name) => /^\d+$/.test(name));
  // Should the time not suffice for all, the old ones are those of the kernel itself.
  pids.reverse();
  const found = new FoundContainers(root);
  let [unreadable, looked] = [0, 0];
  let keeper: string | undefined;
  for (const pid of pids) {
    if (looked >= LEAST_PROCESSES && performance.now() > untilMs) break;
    looked++;
    if (isThere(`${proc}/${pid}`) && namespaceIn(`${proc}/${pid}/ns/net`) === undefined) unreadable++;
    const comm = keeper === undefined ? readSmall(root, `/proc/${pid}/comm`)?.trim() : undefined;
    if (comm !== undefined && TIME_KEEPERS.includes(comm)) keeper = comm;
    found.add(cgroups.ofProcess(Number(pid), 0));
  }
  const containers = found.facts(looked === pids.length);
  return { count: pids.length, unreadable, keeper, containers };
}

const isThere = (file: string): boolean => existsSync(file);

/** Containers and pods that processes are in. */
class FoundContainers {
  private readonly seen = new Set<string>();
  private readonly byRuntime = new Map<string, number>();
  private readonly pods = new Set<string>();
  private readonly paths = new Set<string>();
  private named = 0;
  private readonly names: Containers;

  constructor(private readonly root: string) {
    this.names = new Containers(root);
  }

  /** @param cgroup of a process; undefined if it may not be read */
  add(cgroup: string | undefined): void {
    if (cgroup === undefined || this.paths.has(cgroup)) return;
    this.paths.add(cgroup);
    const facts = parseCgroupPath(cgroup);
    if (facts.podUid !== undefined) this.pods.add(facts.podUid);
    const id = facts.containerId ?? facts.containerName;
    if (id === undefined || this.seen.has(id)) return;
    this.seen.add(id);
    const runtime = facts.runtime ?? 'unknown';
    this.byRuntime.set(runtime, (this.byRuntime.get(runtime) ?? 0) + 1);
    if ((facts.containerName ?? this.names.find(facts, 0).container) !== undefined) this.named++;
  }

  facts(isComplete: boolean): ContainerFacts {
    this.names.close();
    const { byRuntime, named, root } = this;
    const engines = Object.entries(ENGINES)
      .filter(([, files]) => files.some((file) => isThere(inRoot(root, file) ?? '')))
      .map(([engine]) => engine);
    return { byRuntime, pods: this.pods.size, named, engines, isComplete };
  }
}

function procFact(hostRoot: string, { count, unreadable }: Processes): ProcFact {
  const proc = path.join(hostRoot, 'proc');
  const self = attempt(() => readlinkSync(`${proc}/self`));
  // A /proc elsewhere is not that of our own namespace, so only its process 1 tells.
  const namespace = namespaceIn(`${proc}/${hostRoot === '/' ? 'self' : '1'}/ns/pid`);
  return {
    hostRoot,
    isMounted: isThere(`${proc}/stat`),
    selfPid: self !== undefined && /^\d+$/.test(self) ? Number(self) : undefined,
    isHosts: namespace === undefined ? undefined : namespace === INITIAL.pid,
    hidepid: hidepidOf(proc),
    // Everybody may read it otherwise.
    showsOthers: readSmall(hostRoot, '/proc/1/stat') !== undefined,
    processes: count,
    unreadable,
  };
}

/** Of the last of the file systems that are mounted there. */
function hidepidOf(proc: string): string | undefined {
  const mounts = readSmall('/', '/proc/self/mounts') ?? '';
  const options = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, at, type]) => at === proc && type === 'proc')
    .at(-1)?.[3];
  const value = /(?:^|,)hidepid=(\w+)/.exec(options ?? '')?.[1];
  return value === '0' || value === 'off' ? undefined : value;
}

function timeFacts(root: string, keeper: string | undefined): TimeFacts {
  return {
    clocksource: readSmall('/', CLOCKSOURCE)?.trim(),
    unixMs: Date.now(),
    keeper: keeper === 'systemd-timesyn' ? 'systemd-timesyncd' : keeper,
    isSynchronised: keeper === 'systemd-timesyn' ? isSynchronised(root) : undefined,
  };
}

/** @returns undefined where the files of the host are not seen, though its processes are. */
function isSynchronised(root: string): boolean | undefined {
  const files = namesIn(root, TIMESYNC);
  if (files.length > 0) return files.includes('synchronized');
  return isThere(inRoot(root, TIMESYNC) ?? '') ? false : undefined;
}

/** Of the cgroup that this process is in and those around it, the one with the least left. */
function memoryFact(unified: string | undefined): MemoryFact | undefined {
  const memberships = parseMemberships(readSmall('/', '/proc/self/cgroup') ?? '');
  const limits = memberships.flatMap(({ controllers, path: cgroup }) => {
    if (controllers === '') return unified === undefined ? [] : limitsAbove(unified, cgroup, V2);
    return controllers.split(',').includes('memory') ? limitsAbove(V1_MOUNT, cgroup, V1) : [];
  });
  return limits.sort((a, b) => a.limit - a.used - (b.limit - b.used))[0];
}

const V1_MOUNT = '/sys/fs/cgroup/memory';
const V1 = { limit: 'memory.limit_in_bytes', used: 'memory.usage_in_bytes' } as const;
const V2 = { limit: 'memory.max', used: 'memory.current' } as const;

function limitsAbove(mount: string, cgroup: string, files: typeof V1 | typeof V2): MemoryFact[] {
  const limits: MemoryFact[] = [];
  const segments = cgroup.split('/').filter((segment) => segment !== '' && segment !== '..');
  // Seen from a cgroup namespace, folders of the path may not be there; the mount itself is.
  for (let count = segments.length; count >= 0; count--) {
    const folder = path.join(mount, ...segments.slice(0, count));
    const limit = Number(readSmall('/', path.join(folder, files.limit)) ?? NaN);
    const used = Number(readSmall('/', path.join(folder, files.used)) ?? NaN);
    if (limit < NO_LIMIT && used >= 0) limits.push({ limit, used });
  }
  return limits;
}
