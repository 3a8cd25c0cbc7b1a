/** Sockets for datagrams: one for each publication, so that names, and who listens, are always those of now. */
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { connectUnixDatagram, type UnixDatagramSocket } from '../kernel/unix-datagram.js';
import type { DogStatsdConfig } from '../model/agent-config.js';

export interface DatagramSocket {
  /** @throws {Error} if it was certainly not delivered */
  send(packet: Uint8Array): Promise<void>;
  close(): void;
}

/** @throws {Error} if there is nobody */
export function openDatagrams(address: DogStatsdConfig['address']): Promise<DatagramSocket> {
  return 'path' in address
    ? Promise.resolve().then(() => new UnixDatagrams(connectUnixDatagram(address.path)))
    : UdpDatagrams.open(address.host, address.port);
}

/** Waits while a receiver's queue is full: as long as it takes some of it now and then. Linux lets it have 10 packets. */
const PATIENCE_MS = [2, 4, 8, 16, 32, 64, 128];

class UnixDatagrams implements DatagramSocket {
  constructor(private readonly socket: UnixDatagramSocket) {}

  async send(packet: Uint8Array): Promise<void> {
    for (const ms of PATIENCE_MS) {
      if (this.socket.send(packet) === 'sent') return;
      await wait(ms);
    }
    if (this.socket.send(packet) === 'full') throw new Error('the receiver does not read: its queue is full');
  }

  close(): void {
    this.socket.close();
  }
}

/** Connected, because the kernel tells only such a socket that nobody listens. */
class UdpDatagrams implements DatagramSocket {
  #error: Error | undefined;

  private constructor(private readonly socket: Socket) {
    socket.on('error', (error) => {
      this.#error ??= error;
    });
  }

  static async open(host: string, port: number): Promise<UdpDatagrams> {
    const { address, family } = await lookup(host);
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    const connected = once(socket, 'connect');
    socket.connect(port, address);
    try {
      await connected;
    } catch (error) {
      socket.close();
      throw error;
    }
    return new UdpDatagrams(socket);
  }

  /** On this host, whether somebody listens is known a turn of the event loop later; of other hosts only by a later packet, if at all. */
  async send(packet: Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.socket.send(packet, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
    // Errors are looked for between the two.
    await nextTurn();
    await nextTurn();
    if (this.#error) throw this.#error;
  }

  close(): void {
    this.socket.close();
  }
}
