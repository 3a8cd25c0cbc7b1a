/** Whose service it is and where the other end is: the same flags in every command. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import * as Flags from '@oclif/core/flags';
import type { AttributionFilter } from '../model/attribution-filter.js';

const helpGroup = 'WHO AND WHERE';
const list = (description: string, helpValue: string) =>
  Flags.string({
    description,
    helpValue,
    helpGroup,
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
  });

export const attributionFlags = {
  cgroup: list('Cgroup with all below it: path (/system.slice/nginx.service) or number.', 'CGROUP'),
  container: list('Container: as CONTAINER shows it, its own name, or the first digits of its id.', 'NAME'),
  pod: list('Kubernetes pod.', 'POD'),
  namespace: list('Kubernetes namespace.', 'NAMESPACE'),
  unit: list('systemd unit: nginx.service, or nginx.', 'UNIT'),
  region: list('Region of the remote address, as the configuration says.', 'REGION'),
  external: Flags.boolean({
    description: 'Only external remote addresses.',
    helpGroup,
    exclusive: ['internal'],
  }),
  internal: Flags.boolean({
    description: 'Only internal remote addresses: private, loopback, link-local, or as configured.',
    helpGroup,
    exclusive: ['external'],
  }),
  dns: Flags.boolean({
    description: 'Names in place of remote addresses and ports, as they become known.',
    helpGroup,
  }),
  numeric: Flags.boolean({
    description: 'With --dns: ports stay numbers.',
    helpGroup,
    dependsOn: ['dns'],
  }),
  config: Flags.string({
    description: 'Regions, roles and what is internal: see tcpscope config check --help.',
    helpValue: 'FILE',
    helpGroup,
  }),
};

/** Where this host's own files are: only for what traces it. */
export const hostRootFlag = Flags.string({
  description: 'Folder at which the root of the host is seen, in a debug container.',
  helpValue: '/host',
  default: '/',
  helpGroup,
});

/** @throws {RangeError} if that is no root of a host. */
export function requireHostRoot(folder: string): void {
  if (existsSync(path.join(folder, 'proc/self'))) return;
  throw new RangeError(`--host-root ${folder}: there is no /proc below it; mount the root of the host there`);
}

/** What oclif gives for `attributionFlags`. */
export interface AttributionFlagValues {
  cgroup?: string[] | undefined;
  container?: string[] | undefined;
  pod?: string[] | undefined;
  namespace?: string[] | undefined;
  unit?: string[] | undefined;
  region?: string[] | undefined;
  external: boolean;
  internal: boolean;
  dns: boolean;
  numeric: boolean;
  config?: string | undefined;
}

/**
 * What user space decides; --cgroup is left to the kernel.
 * @throws {RangeError} for an empty name.
 */
export function toAttributionFilter(flags: AttributionFlagValues): AttributionFilter {
  for (const flag of ['cgroup', 'container', 'pod', 'namespace', 'unit', 'region'] as const)
    if (flags[flag]?.includes('')) throw new RangeError(`--${flag}: the name is empty`);
  return {
    cgroups: [],
    containers: flags.container ?? [],
    pods: flags.pod ?? [],
    namespaces: flags.namespace ?? [],
    units: flags.unit ?? [],
    regions: flags.region ?? [],
    external: flags.external ? true : flags.internal ? false : undefined,
  };
}
