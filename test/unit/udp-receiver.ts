/** A receiver of UDP on loopback. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const END = 'end of what was sent';

export class UdpReceiver {
  private datagrams: string[] = [];

  private constructor(private readonly socket: Socket) {
    socket.on('message', (bytes) => {
      this.datagrams.push(bytes.toString());
      if (bytes.toString() === END) socket.emit('end');
    });
  }

  static async open(port = 0, address = '127.0.0.1'): Promise<UdpReceiver> {
    const socket = createSocket({ type: address === '::1' ? 'udp6' : 'udp4', recvBufferSize: 4 << 20 });
    socket.bind(port, address);
    await once(socket, 'listening');
    return new UdpReceiver(socket);
  }

  get port(): number {
    return this.socket.address().port;
  }

  /** All that has come since the last call: packets of one host to itself stay in order. */
  async take(): Promise<string[]> {
    const { address, port } = this.socket.address();
    const ended = once(this.socket, 'end');
    this.socket.send(END, port, address);
    await ended;
    const taken = this.datagrams.slice(0, -1);
    this.datagrams = [];
    return taken;
  }

  async close(): Promise<void> {
    const closed = once(this.socket, 'close');
    this.socket.close();
    await closed;
  }
}
