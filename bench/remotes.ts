/** Program: connects to N different addresses of 127.0.0.0/8, then ends. To be run in a namespace of its own. */
import { once } from 'node:events';
import { createServer, connect, type AddressInfo } from 'node:net';

const CONCURRENT = 50;
const count = Number(process.argv[2]);
const server = createServer((socket) => {
  socket.on('error', () => undefined); // the other side ends it by RST
}).listen(0, '0.0.0.0');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;

let next = 0;
async function worker(): Promise<void> {
  while (next < count) {
    const number = ++next;
    const socket = connect(port, `127.${number >> 16}.${(number >> 8) & 255}.${number & 255}`);
    await once(socket, 'connect');
    socket.resetAndDestroy();
    await once(socket, 'close');
  }
}
await Promise.all(Array.from({ length: CONCURRENT }, worker));
process.exit();
