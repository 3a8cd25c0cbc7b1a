import { addon, type NativeUnixDatagram } from './addon.js';

/** A datagram socket of the family AF_UNIX that is connected to another one; made by connectUnixDatagram(). It never blocks. */
export class UnixDatagramSocket {
  readonly #native: NativeUnixDatagram;

  /** @internal */
  constructor(native: NativeUnixDatagram) {
    this.#native = native;
  }

  /**
   * Sends one datagram. 'full': the receiver's queue has no room, and nothing was sent.
   *
   * @throws BpfError operation 'send'; 'ECONNREFUSED' or 'ENOTCONN' if the receiver has gone, 'EMSGSIZE' if it is too long
   */
  send(bytes: Uint8Array): 'sent' | 'full' {
    return this.#native.send(bytes) ? 'sent' : 'full';
  }

  /** Closing again does nothing. */
  close(): void {
    this.#native.close();
  }
}

/**
 * @param path of the receiver's socket, at most 107 bytes
 * @throws BpfError operation 'connect'; 'ENOENT' if there is none, 'ECONNREFUSED' if nobody has it open, 'EACCES' without the permission
 *   to write to it, 'EPROTOTYPE' if it is not one for datagrams
 */
export function connectUnixDatagram(path: string): UnixDatagramSocket {
  return new UnixDatagramSocket(new addon.UnixDatagram(path));
}
