/** A DNS server on 127.0.0.1 that answers each question for PTR as the test says. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** Names, an error code of DNS, bytes that are no DNS at all, or no answer. */
export type Reply = { names: (string | Buffer)[] } | { code: number } | { bytes: Buffer } | 'silence';

export const NXDOMAIN = 3;
export const SERVFAIL = 2;
const HEADER = 12;
const PTR = 12;

export class NameServer {
  /** Questions so far, as in 3.2.0.192.in-addr.arpa. */
  readonly asked: string[] = [];
  readonly replies = new Map<string, Reply>();

  private constructor(private readonly socket: Socket) {
    socket.on('message', (query, { port, address }) => {
      const end = endOfName(query, HEADER);
      const name = nameIn(query, HEADER);
      this.asked.push(name);
      const reply = this.replies.get(name) ?? { code: NXDOMAIN };
      if (reply !== 'silence') socket.send(answer(query.subarray(0, end + 4), reply), port, address);
      socket.emit('asked');
    });
  }

  static async start(): Promise<NameServer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new NameServer(socket);
  }

  get address(): string {
    return `127.0.0.1:${this.socket.address().port}`;
  }

  /** For an IPv4 address. */
  set(address: string, reply: Reply): void {
    this.replies.set(`${address.split('.').reverse().join('.')}.in-addr.arpa`, reply);
  }

  /** Resolves when this many questions have come. */
  async untilAsked(count: number): Promise<void> {
    while (this.asked.length < count) await once(this.socket, 'asked');
  }

  close(): void {
    this.socket.close();
  }
}

function endOfName(message: Buffer, start: number): number {
  let at = start;
  while (message[at] !== 0) at += message[at]! + 1;
  return at + 1;
}

function nameIn(message: Buffer, start: number): string {
  const labels: string[] = [];
  for (let at = start; message[at] !== 0; at += message[at]! + 1)
    labels.push(message.toString('latin1', at + 1, at + 1 + message[at]!));
  return labels.join('.');
}

/** The header and question of a query become those of its answer. */
function answer(query: Buffer, reply: Exclude<Reply, 'silence'>): Buffer {
  if ('bytes' in reply) return Buffer.concat([query.subarray(0, 2), reply.bytes]);
  const names = 'names' in reply ? reply.names : [];
  const message = Buffer.concat([query, ...names.map(record)]);
  message.writeUInt16BE(0x8180 | ('code' in reply ? reply.code : 0), 2);
  message.writeUInt16BE(1, 4);
  message.writeUInt16BE(names.length, 6);
  message.writeUInt16BE(0, 8);
  message.writeUInt16BE(0, 10);
  return message;
}

/** Name (that of the question), PTR, IN, TTL of 60 s, data. A name of text has a label a word; bytes are one label. */
function record(name: string | Buffer): Buffer {
  const labels = typeof name === 'string' ? name.split('.').map((label) => Buffer.from(label)) : [name];
  const data = Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), label])),
    Buffer.from([0]),
  ]);
  const head = Buffer.from([0xc0, HEADER, 0, PTR, 0, 1, 0, 0, 0, 60, 0, data.length]);
  return Buffer.concat([head, data]);
}
