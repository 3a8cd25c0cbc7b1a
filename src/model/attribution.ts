/** What user space finds out about a flow beside what the kernel says of it: whose service, where, and what it is called. */

/** Whose service a socket is part of, told by its cgroup. */
export interface Workload {
  /**
   * What CONTAINER shows: `namespace/pod/container`, a container's name or the first 12 digits of its id, a systemd unit, or
   * else the path of the cgroup.
   */
  readonly name: string;
  /** Path of the cgroup below the root of its hierarchy: `/system.slice/nginx.service`. */
  readonly cgroup: string;
  /** All digits. */
  readonly containerId: string | undefined;
  /** Name of the container within its pod, or what docker or podman calls it. */
  readonly container: string | undefined;
  readonly pod: string | undefined;
  /** Kubernetes namespace. */
  readonly namespace: string | undefined;
  /** systemd unit: `nginx.service`, `session-3.scope`. */
  readonly unit: string | undefined;
}

/** Where an address is, as the configuration says. */
export interface Place {
  readonly region: string | undefined;
  readonly role: string | undefined;
  readonly external: boolean;
}

/** A network that decides where its addresses are, for the kernel's table. */
export interface PlaceNetwork {
  readonly network: string;
  /** Of the address as IPv6: 96 more of an IPv4 network. */
  readonly length: number;
  /** An address in the same place. */
  readonly standsFor: string;
}

/** Each is undefined where it is not known. */
export interface Attribution {
  workload?: Workload | undefined;
  /** Name of the network namespace: `host`, of `ip netns`, or of the pod, container or unit that lives in it. */
  netnsName?: string | undefined;
  localPlace?: Place | undefined;
  remotePlace?: Place | undefined;
  /** Reverse DNS name of the remote address, once it is known. */
  remoteName?: string | undefined;
  /** Service name of the remote port; not recorded. */
  service?: string | undefined;
  /** Where it was recorded; only in recordings. */
  host?: string | undefined;
}
