/** What a container is called: found in files, or asked of docker, and kept after it has gone. */
import path from 'node:path';
import type { CgroupFacts } from '../attribute/cgroup-path.js';
import { BoundedMap } from './bounded-map.js';
import { ContainerFiles, namesInDockerConfig, type ContainerNames } from './container-files.js';
import { DockerSocket } from './docker-socket.js';

export type { ContainerNames } from './container-files.js';

const MOST_CONTAINERS = 16_384;
/** A name that was not found is looked for again after so long: its file may only just be written. */
const ASK_AGAIN_NS = 3e9;
/** And then ever more seldom, up to this. */
const SELDOM_NS = 60e9;

/** Whatever is known so far. */
export interface FoundNames extends Partial<ContainerNames> {
  /** When it makes sense to ask again; never, if nothing is missing. */
  readonly askAgainNs: number;
}

interface Known {
  names: ContainerNames | undefined;
  sinceNs: number;
  askAgainNs: number;
}

export class Containers {
  private readonly files: ContainerFiles;
  private readonly docker: DockerSocket;
  /** By container id and pod. */
  private readonly known = new BoundedMap<string, Known>(MOST_CONTAINERS);

  /**
   * @param hostRoot where the host's root folder is
   * @param dockerLimitMs how long docker may take to answer
   */
  constructor(hostRoot: string, dockerLimitMs?: number) {
    const root = path.resolve(hostRoot);
    this.files = new ContainerFiles(root);
    this.docker = new DockerSocket(root, dockerLimitMs);
  }

  /** The names of a container or pod, as far as they are known now; what is missing may be known later. */
  find(facts: CgroupFacts, nowNs: number): FoundNames {
    const { containerId, podUid } = facts;
    if ((containerId ?? podUid) === undefined) return { askAgainNs: Infinity };
    const key = `${containerId ?? ''} ${podUid ?? ''}`;
    let known = this.known.get(key);
    if (!known || nowNs >= known.askAgainNs) {
      known = this.look(facts, known, nowNs);
      this.known.set(key, known);
      if (!known.names) this.askDocker(facts, key);
    }
    return { ...known.names, askAgainNs: known.askAgainNs };
  }

  /** True if names of docker's containers can only be had by asking docker, since its files are not where they mostly are. */
  get needsDockerSocket(): boolean {
    return this.docker.isThere && !this.files.hasDocker;
  }

  close(): void {
    this.docker.close();
  }

  private look(facts: CgroupFacts, before: Known | undefined, nowNs: number): Known {
    const { containerId, podUid } = facts;
    const exact = containerId === undefined ? undefined : this.files.exact(containerId, nowNs);
    const sinceNs = before?.sinceNs ?? nowNs;
    if (exact && (podUid === undefined || exact.pod !== undefined))
      return { names: exact, sinceNs, askAgainNs: Infinity };
    // Deduced from the pod's folders, where another container may turn up yet; what was found before may have gone.
    const names = this.files.ofPod(facts, nowNs) ?? exact ?? before?.names;
    const hasContainer = containerId === undefined || names?.container !== undefined;
    const hasPod = podUid === undefined || names?.pod !== undefined;
    if (hasContainer && hasPod) return { names, sinceNs, askAgainNs: Infinity };
    const wait = Math.min(Math.max(ASK_AGAIN_NS, nowNs - sinceNs), SELDOM_NS);
    return { names, sinceNs, askAgainNs: nowNs + wait };
  }

  private askDocker({ containerId, runtime }: CgroupFacts, key: string): void {
    const mayBeDockers = runtime === undefined || runtime === 'docker';
    if (containerId === undefined || !mayBeDockers) return;
    this.docker.ask(containerId, (description) => {
      const names = namesInDockerConfig(description);
      if (names) this.known.set(key, { names, sinceNs: 0, askAgainNs: Infinity });
    });
  }
}
