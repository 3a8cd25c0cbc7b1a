/** What every event about a TCP socket says of it: between whom, and whose. */
export interface Flow {
  localAddress: string;
  localPort: number;
  remoteAddress: string;
  remotePort: number;
  /** Inode number of the network namespace. */
  netns: number;
  uid: number;
  /** The owner's process as the host numbers it; 0 if it is not known. */
  pid: number;
  comm: string;
}
