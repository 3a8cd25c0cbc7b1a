/** Part `owners`: how long a look at all open sockets takes: for the owner of one, and for what all have sent. */
import { listen, Namespace, startConnect, type Connecting } from '#tcpscope/lab/network.js';
import { writeSocket } from '#tcpscope/events/primitives.js';
import { decodeSocketCounts, SOCKET_COUNTS_SIZE } from '#tcpscope/events/retrans.js';
import { OWNER_SIZE } from '#tcpscope/events/shared.js';
import { SocketOwners, type Owned } from '#tcpscope/kernel/owners.js';
import { Program } from '#tcpscope/kernel/program.js';
import { retransmitPrograms, RetransmitSource } from '#tcpscope/kernel/retransmits.js';
import type { Part } from './part.js';
import { rowOf, type Column, type Row, type Sample } from './table.js';
import { EVERYTHING } from './tools.js';

const HOST = '127.0.0.1';
const FIRST_PORT = 9000;
/** Of one pair of processes: a process may not have more descriptors than some 20,000. */
const PAIR_CONNECTIONS = 10_000;
/** As many as the map of owners keeps well. */
const MOST_ASKED = 50_000;

const SIZES = [2, 1000, 10_000, 100_000];

const COLUMNS: Column[] = [
  { header: 'owner of one ms', figure: 'one', decimals: 1 },
  { header: 'owners of many ms', figure: 'many', decimals: 1 },
  { header: 'so many', figure: 'asked', decimals: 0, medianOnly: true },
  { header: 'sample, kernel ms', figure: 'kernel', decimals: 1 },
  { header: 'sample, all ms', figure: 'all', decimals: 1 },
];

export const owners: Part = {
  name: 'owners',
  async run({ rounds, progress }) {
    const host = await Namespace.create('owners');
    try {
      await host.sysctl('net.ipv4.ip_local_port_range', '10000 65535');
      const rows: Row[] = [];
      for (const [index, sockets] of SIZES.entries()) {
        progress(`${sockets} open sockets`);
        await openConnections(host, (sockets - (SIZES[index - 1] ?? 0)) / 2);
        rows.push(rowOf(`${sockets.toLocaleString('en')} open sockets`, measure(rounds)));
      }
      return [{ title: 'A look at all open sockets', columns: COLUMNS, rows }];
    } finally {
      progress('closing the sockets');
      await host.destroy();
    }
  },
};

let nextPort = FIRST_PORT;

/** Connections that stay, both ends on this host. */
export async function openConnections(host: Namespace, connections: number): Promise<void> {
  const pairs: Connecting[] = [];
  for (let left = connections; left > 0; left -= PAIR_CONNECTIONS) {
    const port = nextPort++;
    await listen(host, HOST, port);
    pairs.push(startConnect(host, HOST, port, { count: Math.min(left, PAIR_CONNECTIONS), hold: true }));
  }
  for (const { summary } of pairs) {
    const { attempts, ok } = await summary;
    if (ok < attempts) throw new Error(`only ${ok} of ${attempts} connections could be made`);
  }
}

function measure(rounds: number): Sample[] {
  const program = Program.load({
    ...retransmitPrograms({
      filter: EVERYTHING,
      transport: 'ring',
      kinds: [],
      states: [],
      sampleNs: 1e9,
      meetings: false,
      audit: false,
    }),
    attach: [],
  });
  // Takes a first sample, which later ones are compared with.
  const source = RetransmitSource.start({
    filter: EVERYTHING,
    kinds: [],
    states: [],
    transport: 'auto',
    sampleNs: 1,
    meetings: false,
    audit: false,
  });
  try {
    const sockets = openSockets(program);
    const asked = sockets.slice(0, MOST_ASKED);
    return Array.from({ length: rounds }, (_, round) => ({
      figures: {
        one: search(program, sockets.slice(0, 1)),
        many: search(program, asked),
        asked: asked.length,
        kernel: took(() => program.iterate('sample_sockets')),
        // Far enough in the future for a sample to be due.
        all: took(() => source.drain((round + 1) * LONG_NS)),
      },
    }));
  } finally {
    source.close();
    program.close();
  }
}

const LONG_NS = 1e15;

function took(work: () => unknown): number {
  const startMs = performance.now();
  work();
  return performance.now() - startMs;
}

/** Their addresses in the kernel, each once, though several processes may have one open. */
function openSockets(program: Program): number[] {
  const view = program.iterate('sample_sockets');
  const sockets = new Set<number>();
  for (let offset = 0; offset + SOCKET_COUNTS_SIZE <= view.byteLength; offset += SOCKET_COUNTS_SIZE)
    sockets.add(decodeSocketCounts(view, offset).socket);
  return [...sockets];
}

const UNKNOWN: Owned = {
  timeNs: 1,
  socket: 0,
  localAddress: HOST,
  localPort: 0,
  remoteAddress: HOST,
  remotePort: 0,
  cgroupId: 0,
  netns: 0,
  uid: 0,
  pid: 0,
  comm: '',
};

/** @returns milliseconds of the pass, as the command itself counts them */
function search(program: Program, sockets: readonly number[]): number {
  const owners = program.map('owners');
  const key = new Uint8Array(8);
  const word = new Uint8Array(OWNER_SIZE); // the owner is unknown, since forever
  for (const socket of sockets) {
    writeSocket(new DataView(key.buffer), 0, socket);
    owners.update(key, word);
  }
  const events = sockets.map((socket) => ({ ...UNKNOWN, socket }));
  const finder = new SocketOwners(program);
  finder.complete(events, 1);
  const found = events.filter(({ pid }) => pid !== 0).length;
  if (finder.searches !== 1 || found !== sockets.length)
    throw new Error(`a search found the owners of ${found} of ${sockets.length} sockets`);
  return finder.searchNs / 1e6;
}
