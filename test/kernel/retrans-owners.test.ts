/** Whose socket it is: for sockets of every origin, seen by the tool or older than it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  Network,
  SERVER,
  TRAFFIC,
  connect,
  listen,
  startConnect,
  type Listener,
  type ListenOptions,
} from '#tcpscope/lab/network.js';
import { SLOWDOWN } from '../slowdown.js';
import { Tool, traceRetrans, type RetransRow } from './tool.js';

const PORT = 9000;
/** The server's third data segment of each connection is lost. */
const REPLY = 20_000;
const DELAY_US = 5000;

describe('owners of retrans', function () {
  this.timeout(60_000);
  let network: Network;
  let only: string[];

  beforeEach(async () => {
    network = await Network.create({
      delayUs: DELAY_US,
      drop: [`server-data-3:${PORT}`, 'data-3:9001', 'first-synack:9002'],
    });
    only = ['--netns', `${network.client.name},${network.server.name}`];
  });
  afterEach(() => network.destroy());

  const ofServer = (rows: readonly RetransRow[]): RetransRow[] =>
    rows.filter(({ netns }) => netns === network.server.inode);

  async function serverRows(
    options: ListenOptions,
    traffic: (listener: Listener) => Promise<unknown> = () => receive(5),
  ): Promise<{ rows: RetransRow[]; listener: Listener }> {
    const listener = await listen(network.server, SERVER.ipv4, PORT, { name: 'server', ...options });
    const { rows } = await traceRetrans(only, () => traffic(listener));
    return { rows: ofServer(rows), listener };
  }

  const receive = (count: number) =>
    connect(network.client, SERVER.ipv4, PORT, { count, send: REPLY, receive: true, name: 'client' });

  it('a server that listened before the tool', async () => {
    const { rows, listener } = await serverRows({ reply: true });
    assert.ok(rows.length >= 5, `${rows.length} rows`);
    for (const row of rows) assert.deepEqual([row.pid, row.comm], [listener.pid, 'server']);
  });

  it('a server that listened after the tool started', async () => {
    let pid = 0;
    const { rows } = await traceRetrans(only, async () => {
      ({ pid } = await listen(network.server, SERVER.ipv4, PORT, { name: 'late', reply: true }));
      await receive(3);
    });
    assert.ok(ofServer(rows).length >= 3);
    for (const row of ofServer(rows)) assert.deepEqual([row.pid, row.comm], [pid, 'late']);
  });

  it('the worker that accepted, of several that share a listener', async () => {
    const listener = await listen(network.server, SERVER.ipv4, PORT, {
      name: 'server',
      workers: 3,
      reply: true,
    });
    const [first, second, chosen] = listener.workerPids;
    for (const pid of [first!, second!]) process.kill(pid, 'SIGSTOP');
    try {
      const { rows } = await traceRetrans(only, () => receive(3));
      assert.ok(ofServer(rows).length >= 3);
      for (const row of ofServer(rows)) assert.equal(row.pid, chosen);
    } finally {
      await listener.stop();
    }
  });

  it('the child, of a server that forks for each connection', async () => {
    const { rows, listener } = await serverRows({ fork: true, reply: true });
    assert.ok(rows.length >= 5);
    for (const row of rows) {
      assert.notEqual(row.pid, listener.pid, JSON.stringify(row));
      assert.notEqual(row.pid, null);
      assert.equal(row.comm, 'server');
    }
    const owners = new Map(rows.map((row) => [row.remote_port, row.pid]));
    assert.equal(new Set(owners.values()).size, owners.size, 'each connection has a child of its own');
  });

  it('the process, where a thread only accepts', async () => {
    const { rows, listener } = await serverRows({ acceptThread: true, reply: true });
    assert.ok(rows.length >= 5);
    for (const row of rows) assert.deepEqual([row.pid, row.comm], [listener.pid, 'server']);
  });

  it('the listener, of a SYN-ACK', async () => {
    const before = await listen(network.server, SERVER.ipv4, 9002, { name: 'early', noAccept: true });
    const { rows } = await traceRetrans(only, () => connect(network.client, SERVER.ipv4, 9002));
    const synacks = ofServer(rows);
    assert.ok(synacks.length > 0);
    for (const row of synacks)
      assert.deepEqual([row.kind, row.pid, row.comm], ['synack', before.pid, 'early']);
  });

  it('a client whose connection is older than the tool', async () => {
    await listen(network.server, SERVER.ipv4, PORT, { close: true });
    // Written slowly: it has not come to its end when the tool has started.
    const client = startConnect(network.client, SERVER.ipv4, PORT, {
      name: 'long-lived',
      send: 1000 * 50,
      chunk: 50,
      chunkGapUs: 50_000,
      hold: true,
    });
    await network.client.exec('sh', [
      '-c',
      `until ss -Htn state established dport = :${PORT} | grep -q .; do :; done`,
    ]);
    const tool = await Tool.start(['retrans', '--json', ...only]);
    await network.cut();
    await tool.retransUntil((rows) => rows.length > 0);
    const { code } = await tool.stop();
    assert.equal(code, 0);
    for (const row of tool.retransRows())
      assert.deepEqual([row.pid, row.comm, row.uid], [client.pid, 'long-lived', 0]);
    await client.stop();
  });

  it('both ends at once, in a process that has ended before the tool looks', async () => {
    await listen(network.server, SERVER.ipv4, 9001, { close: true, name: 'server' });
    let pid = 0;
    const { rows } = await traceRetrans(only, async (tool) => {
      // Stopped, the tool reads what came only after the client is gone.
      tool.process.kill('SIGSTOP');
      ({ pid } = await connect(network.client, SERVER.ipv4, 9001, { count: 3, send: REPLY, name: 'short' }));
      tool.process.kill('SIGCONT');
    });
    assert.equal(rows.length, 3);
    for (const row of rows) assert.deepEqual([row.pid, row.comm], [pid, 'short']);
  });

  it('a process in a pid namespace of its own, by its number on the host', async () => {
    await listen(network.server, SERVER.ipv4, 9001, { close: true });
    const { rows } = await traceRetrans(only, async () => {
      const command = [TRAFFIC, 'connect', SERVER.ipv4, '9001', '--send=20000', '--name=contained'];
      const child = network.client.spawn('unshare', ['--pid', '--fork', ...command]);
      const { stdout } = await child.output();
      assert.equal((JSON.parse(stdout) as { pid: number }).pid, 1, 'it believes to be process 1');
    });
    assert.equal(rows.length, 1);
    assert.equal(rows[0]?.comm, 'contained');
    assert.ok(rows[0].pid! > 1);
  });

  it('each its own, where sockets end and their addresses are used again before the tool looks', async () => {
    const listener = await listen(network.server, SERVER.ipv4, PORT, {
      name: 'server',
      fork: true,
      reply: true,
    });
    const { rows } = await traceRetrans(only, async (tool) => {
      tool.process.kill('SIGSTOP');
      for (let round = 0; round < 8; round++)
        await connect(network.client, SERVER.ipv4, PORT, {
          count: 4,
          concurrent: 4,
          send: 100_000,
          receive: true,
        });
      tool.process.kill('SIGCONT');
    });
    assert.equal(new Set(ofServer(rows).map((row) => row.remote_port)).size, 32);
    const owners = new Map(ofServer(rows).map((row) => [row.remote_port, row.pid]));
    for (const row of ofServer(rows)) {
      assert.ok(row.pid !== null && row.pid !== listener.pid, JSON.stringify(row));
      assert.equal(row.pid, owners.get(row.remote_port));
    }
    assert.equal(new Set(owners.values()).size, 32, 'each connection has a child of its own');
  });

  it('nobody, rather than the program that a softirq interrupts when the connection ends', async () => {
    await listen(network.server, SERVER.ipv4, PORT, { reply: true });
    const late = startConnect(network.client, SERVER.ipv4, PORT, {
      name: 'half-closed',
      send: 5 * 500,
      chunk: 500,
      // Long enough to be seen while it is open.
      chunkGapUs: 100_000 * SLOWDOWN,
      receive: true,
    });
    await shutDown(network);
    const { rows } = await traceRetrans(only, async (tool) => {
      // Stopped, the tool cannot look for the owner before the client has gone.
      tool.process.kill('SIGSTOP');
      await network.mend();
      await late.summary;
      tool.process.kill('SIGCONT');
    });
    assert.ok(rows.length > 0);
    for (const row of rows) assert.ok(row.comm === null || row.comm === 'half-closed', JSON.stringify(row));
  });

  it('unknown is -, and counted: an orphan whose process ended before the tool started', async () => {
    await listen(network.server, SERVER.ipv4, PORT, { close: true });
    const client = startConnect(network.client, SERVER.ipv4, PORT, { hold: true });
    await client.summary;
    await network.cut();
    await client.stop();
    await network.client.exec('sh', ['-c', 'until ss -Htn state fin-wait-1 | grep -q .; do :; done']);
    const { rows, stderr } = await traceRetrans(only, (tool) => tool.retransUntil((seen) => seen.length > 1));
    for (const row of rows) assert.deepEqual([row.pid, row.comm, row.state], [null, null, 'FIN_WAIT1']);
    assert.match(stderr, new RegExp(`; ${rows.length} owners unknown`));
  });

  it('nobody that had the address before, where the kernel did not tell of the change', async () => {
    const held = await Network.create({ delayUs: DELAY_US, cuttable: true });
    const tool = await Tool.start(['retrans', '--json', '--netns', held.client.name]);
    try {
      await listen(held.server, SERVER.ipv4, PORT, { close: true });
      const sending = { name: 'real', send: 100 * 10_000, chunk: 100, chunkGapUs: 20_000, hold: true };
      startConnect(held.client, SERVER.ipv4, PORT, sending);
      const nextOwner = async (): Promise<string | null> => {
        const seen = tool.retransRows().length;
        await tool.retransUntil((rows) => rows.length > seen);
        return tool.retransRows().at(-1)!.comm;
      };
      await held.cut();
      assert.equal(await nextOwner(), 'real');
      // The map decides: whoever is in it owns the socket.
      changeOwner(tool.process.pid!, 'real', (entry) => {
        entry.set(Buffer.from('old\0'), entry.indexOf('real'));
      });
      assert.equal(await nextOwner(), 'old');
      // As if it were of a connection from another port.
      changeOwner(tool.process.pid!, 'old', (entry) => {
        entry[entry.indexOf(networkOrder(PORT))]! ^= 0xff;
      });
      assert.equal(await nextOwner(), 'real');
    } finally {
      await tool.stop();
      await held.destroy();
    }
  });
});

/** Cuts the cable and resolves when the client has shut down its side, and its FIN cannot arrive. */
async function shutDown(network: Network): Promise<void> {
  await network.client.exec('sh', ['-c', 'until ss -Htn state established | grep -q .; do :; done']);
  await network.cut();
  await network.client.exec('sh', ['-c', 'until ss -Htn state fin-wait-1 | grep -q .; do :; done']);
}

const networkOrder = (port: number): Buffer => Buffer.from([port >> 8, port & 255]);

/** Writes into the one entry of the tool's map of owners that has this name. */
function changeOwner(pid: number, comm: string, change: (entry: Buffer) => unknown): void {
  const bpftool = (...words: string[]): string =>
    execFileSync('bpftool', ['--json', 'map', ...words], { encoding: 'utf8' });
  const folder = `/proc/${pid}/fdinfo`;
  const held = readdirSync(folder).map((descriptor) => readFileSync(path.join(folder, descriptor), 'utf8'));
  const ids = held.flatMap((text) => /^map_id:\s*(\d+)$/m.exec(text)?.[1] ?? []);
  const maps = JSON.parse(bpftool('show')) as { id: number; name?: string }[];
  const [id, ...more] = ids.filter((each) =>
    maps.some((map) => map.name === 'owners' && map.id === Number(each)),
  );
  assert.ok(id !== undefined && more.length === 0);
  const entries = JSON.parse(bpftool('dump', 'id', id)) as { key: string[]; value: string[] }[];
  const entry = entries.find(({ value }) => bytesOf(value).includes(comm));
  assert.ok(entry);
  const value = bytesOf(entry.value);
  change(value);
  const hex = [...value].map((byte) => `0x${byte.toString(16)}`);
  bpftool('update', 'id', id, 'key', ...entry.key, 'value', ...hex);
}

const bytesOf = (hex: readonly string[]): Buffer => Buffer.from(hex.map(Number));
