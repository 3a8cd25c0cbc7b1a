/** Names of containers in the files that the kubelet and the runtimes keep. */
import path from 'node:path';
import type { CgroupFacts } from '../attribute/cgroup-path.js';
import { Allowance } from './allowance.js';
import { BoundedMap } from './bounded-map.js';
import { cleanName, member, namesIn, readJson } from './files.js';

/** Links to logs, by container. */
const CONTAINER_LOGS = '/var/log/containers';
/** Folders of logs, by pod. */
const POD_LOGS = '/var/log/pods';

/** State folders of containerd: of itself, and of the one in k3s and RKE2, k0s, MicroK8s. */
const CONTAINERD_STATES = [
  '/run/containerd',
  '/run/k3s/containerd',
  '/run/k0s/containerd',
  '/var/snap/microk8s/common/run/containerd',
];
const CONTAINERD_NAMESPACES = ['k8s.io', 'default', 'moby'];
/** CRI-O's own files, which last as long as the container runs, and until it is removed. */
const CRIO_FOLDERS = [
  '/run/containers/storage/overlay-containers',
  '/var/lib/containers/storage/overlay-containers',
];
const PODMAN_LIST = '/var/lib/containers/storage/overlay-containers/containers.json';
const DOCKER_FOLDERS = ['/var/lib/docker', '/var/snap/docker/common/var-lib-docker'];
const MOST_LOGS = 16_384;

/** What a container is called; what is not known is undefined. */
export interface ContainerNames {
  readonly container: string | undefined;
  readonly pod: string | undefined;
  readonly namespace: string | undefined;
}

interface PodLogs {
  pod: string;
  namespace: string;
  folder: string;
}

/** Names, where there is any. */
function names(container: unknown, pod?: unknown, namespace?: unknown): ContainerNames | undefined {
  const found = { container: cleanName(container), pod: cleanName(pod), namespace: cleanName(namespace) };
  return (found.container ?? found.pod) === undefined ? undefined : found;
}

/** Kubernetes' labels of a container, which docker (by cri-dockerd) and CRI-O keep; the sandbox is called POD there. */
function kubernetesLabels(labels: unknown): ContainerNames | undefined {
  const container = member(labels, 'io.kubernetes.container.name');
  return names(
    container === 'POD' ? undefined : container,
    member(labels, 'io.kubernetes.pod.name'),
    member(labels, 'io.kubernetes.pod.namespace'),
  );
}

/** containerd's annotations for Kubernetes, of which the sandbox has no container's name; and nerdctl's. */
export function namesInContainerdConfig(config: unknown): ContainerNames | undefined {
  const annotations = member(config, 'annotations');
  return (
    names(
      member(annotations, 'io.kubernetes.cri.container-name'),
      member(annotations, 'io.kubernetes.cri.sandbox-name'),
      member(annotations, 'io.kubernetes.cri.sandbox-namespace'),
    ) ?? names(member(annotations, 'nerdctl/name'))
  );
}

/** @param description what docker keeps in config.v2.json, and tells as /containers/ID/json */
export function namesInDockerConfig(description: unknown): ContainerNames | undefined {
  const labels = member(member(description, 'Config'), 'Labels');
  const ofPod = kubernetesLabels(labels);
  if (ofPod?.pod !== undefined) return ofPod;
  const name = member(description, 'Name');
  const plain = typeof name === 'string' ? name.replace(/^\//, '') : '';
  return names(plain || member(labels, 'com.docker.compose.service'));
}

/** Reads files of one host. What it finds may go at any time, so that the caller keeps it. */
export class ContainerFiles {
  private readonly listLogs = new Allowance();
  private readonly listPods = new Allowance();
  private readonly listPodman = new Allowance();
  private readonly logs = new BoundedMap<string, ContainerNames>(MOST_LOGS);
  private readonly pods = new BoundedMap<string, PodLogs>(MOST_LOGS);
  private readonly podman = new BoundedMap<string, ContainerNames>(MOST_LOGS);
  private dockerFolders: readonly string[] | undefined;

  constructor(private readonly hostRoot: string) {}

  /** What says exactly which container this is. */
  exact(id: string, nowNs: number): ContainerNames | undefined {
    return (
      this.ofLogLink(id, nowNs) ??
      this.ofContainerd(id) ??
      this.ofCrio(id) ??
      this.ofDocker(id) ??
      this.ofPodman(id, nowNs)
    );
  }

  /**
   * By the folder of the pod's logs. Which container it is only shows if there is but one; an init container has a folder too,
   * and the sandbox has none.
   */
  ofPod({ podUid, containerId, directlyInPod }: CgroupFacts, nowNs: number): ContainerNames | undefined {
    if (podUid === undefined) return undefined;
    if (!this.pods.has(podUid))
      this.listPods.spend(nowNs, () => {
        this.readPods();
      });
    const logs = this.pods.get(podUid);
    if (!logs) return undefined;
    const containers = namesIn(this.hostRoot, path.join(POD_LOGS, logs.folder));
    const isOnly = containerId !== undefined && directlyInPod && containers.length === 1;
    return names(isOnly ? containers[0] : undefined, logs.pod, logs.namespace);
  }

  /** POD_NAMESPACE_CONTAINER-ID.log: names in Kubernetes have no `_`. */
  private ofLogLink(id: string, nowNs: number): ContainerNames | undefined {
    if (!this.logs.has(id))
      this.listLogs.spend(nowNs, () => {
        for (const name of namesIn(this.hostRoot, CONTAINER_LOGS)) {
          const [, pod, namespace, container, of] =
            /^([^_]+)_([^_]+)_([^_]+)-([0-9a-f]{64})\.log$/.exec(name) ?? [];
          const found = names(container, pod, namespace);
          if (of !== undefined && found) this.logs.set(of, found);
        }
      });
    return this.logs.get(id);
  }

  private readPods(): void {
    for (const folder of namesIn(this.hostRoot, POD_LOGS)) {
      const [, namespace, pod, uid] = /^([^_]+)_([^_]+)_([^_]+)$/.exec(folder) ?? [];
      if (namespace !== undefined && pod !== undefined && uid !== undefined)
        this.pods.set(uid, { folder, pod, namespace });
    }
  }

  private ofContainerd(id: string): ContainerNames | undefined {
    for (const state of CONTAINERD_STATES)
      for (const namespace of CONTAINERD_NAMESPACES) {
        const file = path.join(state, 'io.containerd.runtime.v2.task', namespace, id, 'config.json');
        const found = namesInContainerdConfig(readJson(this.hostRoot, file));
        if (found) return found;
      }
    return undefined;
  }

  private ofCrio(id: string): ContainerNames | undefined {
    for (const folder of CRIO_FOLDERS) {
      const config = readJson(this.hostRoot, path.join(folder, id, 'userdata/config.json'));
      const found = kubernetesLabels(member(config, 'annotations'));
      if (found) return found;
    }
    return undefined;
  }

  /** True if docker keeps its files where they can be found. */
  get hasDocker(): boolean {
    this.dockerFolders ??= this.findDocker();
    return this.dockerFolders.some(
      (folder) => namesIn(this.hostRoot, path.join(folder, 'containers')).length > 0,
    );
  }

  private ofDocker(id: string): ContainerNames | undefined {
    this.dockerFolders ??= this.findDocker();
    for (const folder of this.dockerFolders) {
      const found = namesInDockerConfig(
        readJson(this.hostRoot, path.join(folder, 'containers', id, 'config.v2.json')),
      );
      if (found) return found;
    }
    return undefined;
  }

  /** Its administrator may have put docker's files elsewhere. */
  private findDocker(): string[] {
    const elsewhere = member(readJson(this.hostRoot, '/etc/docker/daemon.json'), 'data-root');
    return [...(typeof elsewhere === 'string' ? [elsewhere] : []), ...DOCKER_FOLDERS];
  }

  private ofPodman(id: string, nowNs: number): ContainerNames | undefined {
    if (!this.podman.has(id))
      this.listPodman.spend(nowNs, () => {
        this.readPodman();
      });
    return this.podman.get(id);
  }

  private readPodman(): void {
    const list = readJson(this.hostRoot, PODMAN_LIST);
    if (!Array.isArray(list)) return;
    for (const entry of list as unknown[]) {
      const [id, aliases] = [member(entry, 'id'), member(entry, 'names')];
      const found = names(Array.isArray(aliases) ? aliases[0] : undefined);
      if (typeof id === 'string' && found) this.podman.set(id, found);
    }
  }
}
