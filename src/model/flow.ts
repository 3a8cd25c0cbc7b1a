import type { Attribution } from './attribution.js';

/** What every event about a TCP socket says of it: between whom, and whose. */
export interface Flow extends Attribution {
  localAddress: string;
  localPort: number;
  remoteAddress: string;
  remotePort: number;
  /** Inode number of the network namespace. */
  netns: number;
  /** Number of the socket's cgroup, the inode of its folder in the cgroup v2 hierarchy; 0 if unknown. */
  cgroupId: number;
  uid: number;
  /** The owner's process as the host numbers it; 0 if it is not known. */
  pid: number;
  comm: string;
}
