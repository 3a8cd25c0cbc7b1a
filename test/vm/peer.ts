/**
 * Traffic between two hosts: `peer.js serve PORT`, or `peer.js drive ADDRESS PORT SECONDS JOB:CONNECTIONS...`.
 * A request begins with its size and the size of the reply that it wants, 32 bits each.
 */
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const HEADER = 8;
const FILLER = Buffer.alloc(1 << 16);

interface Exchange {
  request: number;
  reply: number;
  /** Bytes a write; small ones make small segments. */
  piece: number;
  thinkMs: number;
  /** For one exchange only. */
  close?: boolean;
}

const random = (least: number, most: number): number => Math.floor(least + Math.random() * (most - least));

const BULK = 1 << 20;

/** What a connection of a job does next. */
const JOBS: Record<string, () => Exchange> = {
  up: () => ({ request: BULK, reply: 1, piece: FILLER.length, thinkMs: 0 }),
  down: () => ({ request: HEADER, reply: BULK, piece: FILLER.length, thinkMs: 0 }),
  ask: () => ({ request: random(HEADER, 4000), reply: random(1, 8000), piece: 700, thinkMs: random(0, 40) }),
  burst: () => ({
    request: random(5000, 60_000),
    reply: random(1, 60_000),
    piece: 9000,
    thinkMs: random(0, 400),
  }),
  short: () => ({
    request: random(HEADER, 3000),
    reply: random(1, 9000),
    piece: 1500,
    thinkMs: 0,
    close: true,
  }),
};

function serve(port: number): void {
  const server = net.createServer({ noDelay: true }, (socket) => {
    let header = Buffer.alloc(0);
    let left = 0;
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      while (chunk.length > 0) {
        if (left === 0) {
          const missing = HEADER - header.length;
          header = Buffer.concat([header, chunk.subarray(0, missing)]);
          chunk = chunk.subarray(missing);
          if (header.length < HEADER) return;
          left = header.readUInt32LE(0) - HEADER;
        }
        const taken = Math.min(left, chunk.length);
        left -= taken;
        chunk = chunk.subarray(taken);
        if (left > 0) continue;
        send(socket, header.readUInt32LE(4), FILLER.length);
        header = Buffer.alloc(0);
      }
    });
  });
  server.listen(port, '::', () => {
    console.log('ready');
  });
}

function send(socket: net.Socket, bytes: number, piece: number): void {
  for (let left = bytes; left > 0; left -= piece) socket.write(FILLER.subarray(0, Math.min(left, piece)));
}

async function exchange(socket: net.Socket, { request, reply, piece }: Exchange): Promise<void> {
  const header = Buffer.alloc(HEADER);
  header.writeUInt32LE(request, 0);
  header.writeUInt32LE(reply, 4);
  socket.write(header);
  send(socket, request - HEADER, piece);
  for (let left = reply; left > 0;) left -= ((await once(socket, 'data')) as [Buffer])[0].length;
}

/** One connection after the other, each with one exchange after the other. */
async function drive(address: string, port: number, next: () => Exchange): Promise<never> {
  for (;;) {
    const socket = net.connect({ host: address, port, noDelay: true });
    try {
      await once(socket, 'connect');
      for (let more = true; more;) {
        const what = next();
        await exchange(socket, what);
        await sleep(what.thinkMs);
        more = what.close !== true;
      }
      socket.end();
      await once(socket, 'close');
    } catch {
      await sleep(100); // refused, reset, timed out: try again
    }
    socket.destroy();
  }
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'serve') {
  serve(Number(rest[0]));
} else {
  const [address = '', port, seconds, ...jobs] = rest;
  for (const job of jobs) {
    const [name = '', connections] = job.split(':');
    const next = JOBS[name];
    if (!next) throw new RangeError(`no job ${name}: one of ${Object.keys(JOBS).join(', ')}`);
    for (let i = 0; i < Number(connections); i++) void drive(address, Number(port), next);
  }
  setTimeout(() => process.exit(), Number(seconds) * 1000);
}
