/** What the path of a cgroup says of whose it is. Every runtime has its own shapes; test/unit/cgroup-path.test.ts lists them. */
import { sanitize } from '../model/units.js';

export type Runtime =
  'containerd' | 'cri-o' | 'docker' | 'podman' | 'buildkit' | 'lxc' | 'systemd-nspawn' | 'garden';

/** What is not in the path is undefined. */
export interface CgroupFacts {
  /** Undefined for a container of the kubelet's cgroupfs driver, whose path does not say who runs it. */
  readonly runtime: Runtime | undefined;
  /** Of the innermost container: what its runtime numbers it by, mostly 64 hexadecimal digits. */
  readonly containerId: string | undefined;
  /** Of the innermost container, where the path has a name instead of a number (LXC, systemd-nspawn, `ctr`). */
  readonly containerName: string | undefined;
  /** Of the innermost Kubernetes pod, with `-` between its groups of digits; a static pod has 32 digits without. */
  readonly podUid: string | undefined;
  /** True if the container is one of the pod's own, and not one that runs inside one of these. */
  readonly directlyInPod: boolean;
  /** Innermost systemd unit that is neither the container's own nor its engine's, else a slice; escapes decoded. */
  readonly unit: string | undefined;
}

interface Container {
  runtime: Runtime | undefined;
  id?: string;
  name?: string;
}

/** Docker's, containerd's and podman's ids. */
const HEX_ID = /^[0-9a-f]{64}$/;
/** A task on AWS Fargate. */
const FARGATE_ID = /^[0-9a-f]{32}-\d+$/;
/** Cloud Foundry's, which are UUIDs of its own making. */
const GARDEN_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){4,5}$/;
/** BuildKit numbers a step of a build in base 36. */
const BUILD_ID = /^[0-9a-z]{25}$/;
/** `pod8a6c…`, `kubepods-burstable-pod8a6c….slice`; systemd needs `-` for the levels of slices, so it is `_` in them. */
const POD =
  /^(?:(?:[\w-]+-)?kubepods[\w-]*-)?pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?$/;
/** `docker-ID.scope`, `crio-ID`. */
const PREFIXED = /^([a-z-]+)-([0-9a-z]+)(?:\.scope)?$/;
const UNIT = /^.+\.(?:service|scope|socket|mount|swap|slice)$/;

const RUNTIMES: Readonly<Record<string, Runtime>> = {
  containerd: 'containerd',
  'cri-containerd': 'containerd',
  nerdctl: 'containerd',
  default: 'containerd',
  'k8s.io': 'containerd',
  crio: 'cri-o',
  docker: 'docker',
  'cri-dockerd': 'docker',
  moby: 'docker',
  ecs: 'docker',
  libpod: 'podman',
  'libpod-payload': 'podman',
  libpod_parent: 'podman',
  buildkit: 'buildkit',
};

/** A container's monitor is not part of it. */
const MONITOR = /^(?:crio-conmon|libpod-conmon|lxc\.monitor)\b/;

/** Whose processes are containers: the unit around a container says nothing more of it. */
const ENGINE_UNIT =
  /^(?:docker|containerd|crio|cri-o|cri-docker|kubelet|k3s|k3s-agent|k0s\w*|rke2-\w+|podman|lxc|lxd|snap\.(?:docker|lxd|microk8s)\.[\w-]+)\.service$/;

/** systemd puts `_` before the name of a unit that would look like a file of the kernel's, and writes odd bytes `\x2d`. */
function unescapeUnit(text: string): string {
  const plain = text.startsWith('_') ? text.slice(1) : text;
  if (!plain.includes('\\x')) return sanitize(plain);
  const encoded = plain.replaceAll('%', '%25').replaceAll(/\\x([0-9a-fA-F]{2})/g, '%$1');
  try {
    return sanitize(decodeURIComponent(encoded));
  } catch {
    return sanitize(plain); // no UTF-8
  }
}

/** `/default/web`, `/lxc/web`: a name in the place where other runtimes have a number. */
function namedContainer(segment: string, parent: string, depth: number): Container | undefined {
  const name = sanitize(segment);
  if (parent === 'lxc' || parent === 'lxc.payload') return { runtime: 'lxc', name };
  if (depth === 1 && parent === 'default') return { runtime: 'containerd', name };
  if (parent === 'garden' && GARDEN_ID.test(segment)) return { runtime: 'garden', id: segment };
  if (parent === 'buildkit' && BUILD_ID.test(segment)) return { runtime: 'buildkit', id: segment };
  return undefined;
}

function prefixedContainer(segment: string): Container | undefined {
  const [, prefix = '', id = ''] = PREFIXED.exec(segment) ?? [];
  if (HEX_ID.test(id)) return { runtime: RUNTIMES[prefix], id };
  if (prefix === 'docker' && BUILD_ID.test(id)) return { runtime: 'buildkit', id };
  return undefined;
}

/** Units of machined: `machine-NAME.scope`, and `systemd-nspawn@NAME.service`. A virtual machine is not a container. */
function machineContainer(segment: string): Container | undefined {
  const name = /^(?:machine-|systemd-nspawn@)(.+)\.(?:scope|service)$/.exec(segment)?.[1];
  if (name === undefined) return undefined;
  const plain = unescapeUnit(name);
  if (plain.startsWith('qemu-')) return undefined;
  // libvirt: lxc-NUMBER-NAME.
  const ofLibvirt = /^lxc-\d+-(.+)$/.exec(plain)?.[1];
  return { runtime: ofLibvirt === undefined ? 'systemd-nspawn' : 'lxc', name: ofLibvirt ?? plain };
}

function containerOf(segment: string, parent: string, depth: number): Container | undefined {
  if (HEX_ID.test(segment) || FARGATE_ID.test(segment)) return { runtime: RUNTIMES[parent], id: segment };
  const payload = /^lxc\.payload\.(.+)$/.exec(segment)?.[1];
  if (payload !== undefined) return { runtime: 'lxc', name: sanitize(payload) };
  return namedContainer(segment, parent, depth) ?? prefixedContainer(segment) ?? machineContainer(segment);
}

/** runc's argument for the systemd driver (`SLICE:PREFIX:ID`), taken for a path where that driver is not in use. */
function splitColons(segment: string): string[] {
  const [slice, prefix, id, ...more] = segment.split(':');
  const isContainer = id !== undefined && more.length === 0 && (HEX_ID.test(id) || BUILD_ID.test(id));
  return isContainer ? [slice!, `${prefix!}-${id}.scope`] : [segment];
}

/** ECS has the task between: `/ecs/TASK/ID`. */
function runtimeParent(segments: readonly string[], at: number): string {
  return segments[at - 2] === 'ecs' ? 'ecs' : (segments[at - 1] ?? '');
}

class Reader {
  container: Container | undefined;
  podUid: string | undefined;
  directlyInPod = false;
  private containerSincePod = false;
  private unitAround: string | undefined;
  private unitInside: string | undefined;
  private slice: string | undefined;

  read(segment: string, parent: string, depth: number): void {
    const podUid = POD.exec(segment)?.[1];
    if (podUid !== undefined) {
      this.podUid = podUid.replaceAll('_', '-');
      this.container = this.unitAround = this.unitInside = this.slice = undefined;
      this.containerSincePod = false;
      return;
    }
    const container = MONITOR.test(segment) ? undefined : containerOf(segment, parent, depth);
    if (container) this.enter(container);
    else if (UNIT.test(segment)) this.enterUnit(segment);
  }

  /** A unit around the container matters less than one inside of it, and a slice less than either. */
  get unit(): string | undefined {
    const around = this.container && ENGINE_UNIT.test(this.unitAround ?? '') ? undefined : this.unitAround;
    const slice = this.container || this.podUid !== undefined ? undefined : this.slice;
    return this.unitInside ?? around ?? slice;
  }

  private enter(container: Container): void {
    this.unitAround = this.unitInside ?? this.unitAround;
    this.unitInside = undefined;
    this.directlyInPod = this.podUid !== undefined && !this.containerSincePod;
    this.containerSincePod = true;
    this.container = container;
  }

  private enterUnit(segment: string): void {
    const unit = unescapeUnit(segment);
    if (unit.endsWith('.slice')) {
      this.slice = unit;
      return;
    }
    // Where a service manager of a user or a container keeps itself.
    const isManager = unit === 'init.scope' && (this.container ?? this.unitAround) !== undefined;
    if (isManager) return;
    if (this.container) this.unitInside = unit;
    else this.unitAround = unit;
  }
}

/**
 * @param path of a cgroup below the root of its hierarchy, of cgroup v1 or v2, as /proc/PID/cgroup has it; seen from inside of a
 * cgroup namespace it may begin with `/..`.
 */
export function parseCgroupPath(path: string): CgroupFacts {
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '..');
  const flat = segments.flatMap(splitColons);
  const reader = new Reader();
  for (const [at, segment] of flat.entries()) reader.read(segment, runtimeParent(flat, at), at);
  const { container, podUid, directlyInPod, unit } = reader;
  return {
    runtime: container?.runtime,
    containerId: container?.id,
    containerName: container?.name,
    podUid,
    directlyInPod: container !== undefined && directlyInPod,
    unit,
  };
}

/** One line of /proc/PID/cgroup. */
export interface CgroupMembership {
  /** Controllers of a v1 hierarchy (`memory`, `cpu,cpuacct`, `name=systemd`); empty for the v2 hierarchy. */
  readonly controllers: string;
  readonly path: string;
}

/** @param text of /proc/PID/cgroup */
export function parseMemberships(text: string): CgroupMembership[] {
  return text.split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) return [];
    // A process that has ended but has not been waited for may outlive its cgroup.
    return [{ controllers, path: path.replace(/ \(deleted\)$/, '') }];
  });
}

/** The lines that runtimes care most for; others may be left at the root. */
const PREFERENCE = ['name=systemd', 'memory', 'pids', ''];

/** How much a path says: a container in a pod, a container, a pod, a unit, some path, nothing. */
export function worth(path: string): number {
  const facts = parseCgroupPath(path);
  const isContainer = facts.containerId !== undefined || facts.containerName !== undefined;
  if (isContainer || facts.podUid !== undefined)
    return (isContainer ? 4 : 0) + (facts.podUid === undefined ? 0 : 3);
  if (facts.unit === undefined) return path === '/' ? 0 : 0.5;
  return facts.unit.endsWith('.slice') ? 1 : 2;
}

/** The path, of all hierarchies that a process is in, that says the most; `/` if none says anything. */
export function mostTelling(memberships: readonly CgroupMembership[]): string {
  const place = ({ controllers }: CgroupMembership): number => {
    const at = PREFERENCE.indexOf(controllers);
    return at < 0 ? PREFERENCE.length : at;
  };
  const rated = memberships.map((each) => ({ path: each.path, worth: worth(each.path), place: place(each) }));
  rated.sort((a, b) => b.worth - a.worth || a.place - b.place);
  return rated[0] && rated[0].worth > 0 ? rated[0].path : '/';
}
