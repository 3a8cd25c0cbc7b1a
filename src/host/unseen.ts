/** What of the host cannot be seen from here, as in a container that was not given it. */
import { holds } from '../model/capability.js';
import { sanitize } from '../model/units.js';
import { ROOT_INODE, type CgroupPaths } from './cgroups.js';
import { folderFacts, readSmall } from './files.js';

/** Of the first of the kernel's own threads, which only the host's /proc shows. */
const KERNEL_THREADS = { pid: 2, name: 'kthreadd' };

export interface Viewpoint {
  readonly hostRoot: string;
  readonly cgroups: Pick<CgroupPaths, 'mount' | 'hasV1'>;
  /** Bits of CapEff; undefined where they are not known. */
  readonly capabilities: bigint | undefined;
  readonly isRoot: boolean;
}

/** A line for each part of the host that is missing: what will not be known, and how to give it. None where all is there. */
export function unseenParts({ hostRoot, cgroups, capabilities, isRoot }: Viewpoint): string[] {
  const lines: string[] = [];
  if (isForeignProc(hostRoot))
    lines.push(
      `${sanitize(procOf(hostRoot))} is a container's, not the host's: owners have no container, network namespaces no name, and most counters of the host are not compared; give it --pid=host`,
    );
  if (cgroups.mount === undefined && !cgroups.hasV1)
    lines.push(
      'no cgroups are mounted: containers, pods and units are not known, and --cgroup does not work; mount the root of the host and give --host-root',
    );
  else if (cgroups.mount !== undefined && folderFacts(cgroups.mount)?.inode !== ROOT_INODE)
    lines.push(
      'only the cgroups of this container are seen: most sockets have no container, pod or unit; mount the root of the host and give --host-root',
    );
  if (capabilities === undefined) return lines;
  if (!holds(capabilities, 'CAP_SYS_PTRACE'))
    lines.push(
      "CAP_SYS_PTRACE is missing: network namespaces of other users' processes have no name, and their counters are not compared",
    );
  if (!isRoot && !holds(capabilities, 'CAP_DAC_READ_SEARCH'))
    lines.push(
      'CAP_DAC_READ_SEARCH is missing: containers and pods whose names only root may read have none',
    );
  return lines;
}

const procOf = (hostRoot: string): string => (hostRoot === '/' ? '/proc' : `${hostRoot}/proc`);

/** False where hidepid hides all processes of others: then it is not known. */
function isForeignProc(hostRoot: string): boolean {
  const nameOf = (pid: number): string | undefined => readSmall(hostRoot, `/proc/${pid}/comm`)?.trim();
  return nameOf(KERNEL_THREADS.pid) !== KERNEL_THREADS.name && nameOf(1) !== undefined;
}
