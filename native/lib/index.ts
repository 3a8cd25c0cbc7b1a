/** libbpf for Node.js: synchronous, without a thread or an event-loop handle of its own. */

import { addon } from './addon.js';

export { addonError } from './addon.js';
export { AddonError, type AddonErrorReason } from './addon_error.js';
export { BpfError } from './error.js';
export { EventBuffer, type Consumed } from './event_buffer.js';
export { kernelBtf, type BtfKind } from './kernel_btf.js';
export { BpfIterator, BpfLink } from './link.js';
export { BpfMap, perCpuStride, type MapEntries } from './map.js';
export { BpfObject, type ProgramInfo, type TestRunOptions, type TestRunResult } from './object.js';
export { readInNetworkNamespace, renouncePrivileges, type Remainder } from './privileges.js';
export { BpfStats, enableStats } from './stats.js';
export { connectUnixDatagram, UnixDatagramSocket } from './unix_datagram.js';

/** The version of the libbpf that is linked in, such as 'v1.1'; '' where the addon cannot be used. */
export const libbpfVersion: string = addon.libbpfVersion;

/** How many CPUs this machine can ever have: the number of values of a per-CPU map's entry. */
export function possibleCpus(): number {
  return addon.possibleCpus();
}
