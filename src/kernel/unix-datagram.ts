/** Datagrams to a socket of the file system, by the addon: Node.js knows only streams there. */
import { connectUnixDatagram as connectNatively, type UnixDatagramSocket } from '#bpf-native-bindings';
import { requireAddon } from './addon.js';

export type { UnixDatagramSocket };

/**
 * @throws {Failure} where the addon cannot be used
 * @throws {Error} with `code`, such as ENOENT, where nobody can be reached by this path
 */
export function connectUnixDatagram(path: string): UnixDatagramSocket {
  requireAddon();
  return connectNatively(path);
}
