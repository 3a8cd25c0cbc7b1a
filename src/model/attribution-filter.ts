import { allParts, REMOTE_ADDRESS, WORKLOAD, type FlowParts } from './flow-parts.js';
import type { Flow } from './flow.js';

/** What is decided in user space, since only there it is known; an empty list wants all. */
export interface AttributionFilter {
  /** Paths of cgroups, each with all below it. */
  cgroups: readonly string[];
  /** Names as CONTAINER shows them, a container's own name, or the first digits of its id (at least 6). */
  containers: readonly string[];
  pods: readonly string[];
  /** Kubernetes namespaces. */
  namespaces: readonly string[];
  units: readonly string[];
  /** Regions of the remote address. */
  regions: readonly string[];
  /** True: only external remote addresses; false: only internal ones. */
  external: boolean | undefined;
}

export function isEmptyFilter({ external, ...lists }: AttributionFilter): boolean {
  return external === undefined && Object.values(lists).every(({ length }) => length === 0);
}

/** What of a flow the filter looks at. */
export function partsOfFilter({ regions, external, ...ofWorkload }: AttributionFilter): FlowParts {
  const asks = (lists: readonly (readonly string[])[]): boolean => lists.some(({ length }) => length > 0);
  return allParts([
    asks(Object.values(ofWorkload)) ? WORKLOAD : {},
    asks([regions]) || external !== undefined ? REMOTE_ADDRESS : {},
  ]);
}

const LEAST_ID_DIGITS = 6;

function isContainer(wanted: string, { workload }: Flow): boolean {
  if (!workload) return false;
  if (wanted === workload.name || wanted === workload.container) return true;
  return wanted.length >= LEAST_ID_DIGITS && (workload.containerId?.startsWith(wanted) ?? false);
}

function isBelow(path: string, { workload }: Flow): boolean {
  const folder = `/${path.replace(/^\/+|\/+$/g, '')}`;
  return workload !== undefined && (folder === '/' || `${workload.cgroup}/`.startsWith(`${folder}/`));
}

/** A unit by its full name, or without `.service`. */
function isUnit(wanted: string, { workload }: Flow): boolean {
  return workload?.unit !== undefined && (workload.unit === wanted || workload.unit === `${wanted}.service`);
}

/** True if the flow is wanted. What is not known is not wanted. */
export function wantsAttribution(filter: AttributionFilter, flow: Flow): boolean {
  const { workload, remotePlace } = flow;
  const any = (list: readonly string[], is: (wanted: string) => boolean): boolean =>
    list.length === 0 || list.some(is);
  return (
    any(filter.cgroups, (wanted) => isBelow(wanted, flow)) &&
    any(filter.containers, (wanted) => isContainer(wanted, flow)) &&
    any(filter.pods, (wanted) => workload?.pod === wanted) &&
    any(filter.namespaces, (wanted) => workload?.namespace === wanted) &&
    any(filter.units, (wanted) => isUnit(wanted, flow)) &&
    any(filter.regions, (wanted) => remotePlace?.region === wanted) &&
    (filter.external === undefined || remotePlace?.external === filter.external)
  );
}
