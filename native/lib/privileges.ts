import { addon } from './addon.js';

/** What a process keeps. */
export interface Remainder {
  /** Numbers of include/uapi/linux/capability.h. One that the process does not hold is not gained. */
  readonly capabilities: readonly number[];
  /** Whom to become, without supplementary groups; needs CAP_SETUID and CAP_SETGID. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
}

/**
 * Gives up all other privileges of the process for good. The calling thread keeps these capabilities, permitted and effective;
 * every other thread keeps none, and those that it begins later keep what this one has. All have no_new_privs, no inheritable and
 * no ambient capability, and with CAP_SETPCAP an empty bounding set.
 *
 * @returns how many threads there are
 * @throws BpfError operation 'renounce'; 'EPERM' or 'EINVAL' if it may not become the user: the capabilities are given up all
 *   the same. 'ETIMEDOUT' if a thread did not answer.
 */
export function renouncePrivileges({ capabilities, user }: Remainder): number {
  const [low, high] = [0, 32].map((first) =>
    capabilities
      .filter((number) => number >= first && number < first + 32)
      .reduce((mask, number) => (mask | (1 << (number - first))) >>> 0, 0),
  );
  return user ? addon.renounce(low!, high!, user.uid, user.gid) : addon.renounce(low!, high!);
}

/**
 * The text of a file as a process in another network namespace sees it; needs CAP_SYS_ADMIN.
 *
 * @param namespace such as /run/netns/NAME
 * @param path such as /proc/thread-self/net/snmp; /proc/net would be that of another thread
 * @throws BpfError operation 'readInNetworkNamespace'
 */
export function readInNetworkNamespace(namespace: string, path: string): string {
  return addon.readInNetworkNamespace(namespace, path);
}
