import type { SourceLabel } from '../model/agent-config.js';
import type { Workload } from '../model/attribution.js';
import type { Flow } from '../model/flow.js';
import { NO_LABEL, OTHER_LABEL, type NetworkLabels } from '../model/network.js';

/** What labels are made of beside a flow. */
export interface LabelOptions {
  readonly source: SourceLabel;
  /** Of this host; undefined: not known. */
  readonly sourceRegion: string | undefined;
}

/** Whose the local side is, in one word. */
export function sourceOf({ workload, netnsName }: Flow, source: SourceLabel): string {
  return partOf(workload, source) ?? withoutWorkload(netnsName) ?? NO_LABEL;
}

function partOf(workload: Workload | undefined, source: SourceLabel): string | undefined {
  if (!workload) return undefined;
  const { namespace, unit } = workload;
  switch (source) {
    case 'namespace':
      return namespace;
    case 'container':
      return containerOf(workload);
    case 'unit':
      return unit;
    case 'auto':
      return namespace ?? containerOf(workload) ?? unit;
  }
}

/** Not the path of a cgroup that is neither container nor unit: there may be any number of these. */
function containerOf({ container, containerId, name }: Workload): string | undefined {
  return container === undefined && containerId === undefined ? undefined : name;
}

/** Where the socket says nothing its network namespace may: in Kubernetes that is a pod's, `namespace/pod`. */
function withoutWorkload(netnsName: string | undefined): string | undefined {
  return netnsName?.split('/')[0];
}

/** Without `remote`, which only a choice of remote addresses has. */
export function labelsOf(flow: Flow, { source, sourceRegion }: LabelOptions): NetworkLabels {
  const { remotePlace } = flow;
  return {
    external: remotePlace?.external === false ? 'no' : 'yes',
    sourceNamespace: sourceOf(flow, source),
    sourceRegion: sourceRegion ?? NO_LABEL,
    region: remotePlace?.region ?? NO_LABEL,
    role: remotePlace?.role ?? NO_LABEL,
  };
}

/** Of what there is no room for. */
export function otherLabels(sourceRegion: string | undefined): NetworkLabels {
  return {
    external: OTHER_LABEL,
    sourceNamespace: OTHER_LABEL,
    sourceRegion: sourceRegion ?? NO_LABEL,
    region: OTHER_LABEL,
    role: OTHER_LABEL,
  };
}
