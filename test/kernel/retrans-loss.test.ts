/** Random loss: every segment that the kernel and a packet capture count, with the owner of its socket. */
import assert from 'node:assert/strict';
import {
  CLIENT,
  Network,
  SERVER,
  connect,
  listen,
  type Listener,
  type ListenOptions,
  type Namespace,
} from '#tcpscope/lab/network.js';
import { Capture } from './capture.js';
import { Unseen } from './unseen.js';
import { countBy, traceRetrans, type RetransRow } from './tool.js';

const CLIENTS = 10;
const CONNECTIONS_EACH = 10;
const BYTES = 50_000;
const FIRST_PORT = 9100;

/** How each client's server is made: its port tells which. */
const SERVERS: readonly ListenOptions[] = [{}, { fork: true }, { workers: 3 }, { acceptThread: true }];
const serverOf = (port: number): ListenOptions => SERVERS[(port - FIRST_PORT) % SERVERS.length]!;

describe('retrans under 2 % random loss', function () {
  this.timeout(60_000);
  let network: Network;
  let listeners: Map<number, Listener>;
  let clients: Map<number, number>;
  let rows: RetransRow[];
  let stderr: string;
  let counters: Map<Namespace, Record<string, number>>;
  let captured: Map<Namespace, Map<string, number>>;
  /** By flow, what no BPF program may have seen: see unseen.ts. */
  let unseen: Map<string, number>;
  /**
   * What the kernel did not tell the program, which was running on that CPU already, as the kernel counts it: a softirq came, or
   * from Linux 7.0 on, where tracepoints can be preempted, another task. It may have been who closed a socket.
   */
  let missed: number;

  before(async () => {
    network = await Network.create({ delayUs: 5000, lossPercent: 2, seed: 11 });
    const hosts = [network.client, network.server];
    const start = async (port: number): Promise<[number, Listener]> => [
      port,
      await listen(network.server, SERVER.ipv4, port, {
        ...serverOf(port),
        reply: true,
        name: `server-${port}`,
      }),
    ];
    const ports = Array.from({ length: CLIENTS }, (_, index) => FIRST_PORT + index);
    // Half of the servers are older than the tool.
    listeners = new Map(await Promise.all(ports.filter((port) => port % 2 === 0).map(start)));
    const witness = await Unseen.start();
    const captures = new Map<Namespace, Capture>();
    for (const host of hosts) captures.set(host, await Capture.start(host));
    const only = ['--netns', hosts.map(({ name }) => name).join()];
    ({ rows, stderr } = await traceRetrans(only, async () => {
      for (const port of ports.filter((each) => each % 2 === 1)) listeners.set(...(await start(port)));
      const results = ports.map(async (port): Promise<[number, number]> => {
        const { ok, pid, received } = await connect(network.client, SERVER.ipv4, port, {
          count: CONNECTIONS_EACH,
          concurrent: CONNECTIONS_EACH,
          send: BYTES,
          receive: true,
          name: `client-${port}`,
        });
        assert.deepEqual({ ok, received }, { ok: CONNECTIONS_EACH, received: CONNECTIONS_EACH * BYTES });
        return [port, pid];
      });
      clients = new Map(await Promise.all(results));
      for (const host of hosts) await quiet(host);
    }));
    unseen = witness.retransmissions();
    await witness.end();
    missed = Number(/(\d+) events? missed/.exec(stderr)?.[1] ?? '0');
    counters = new Map();
    captured = new Map();
    for (const [host, peer] of [
      [network.client, SERVER.ipv4],
      [network.server, CLIENT.ipv4],
    ] as const) {
      counters.set(host, await host.snmp());
      captured.set(host, await captures.get(host)!.retransmitted(peer));
    }
  });
  after(() => network.destroy());

  const of = ({ inode }: Namespace): RetransRow[] => rows.filter(({ netns }) => netns === inode);
  /** Without those whose owner was among what was missed. */
  function owned(host: Namespace): RetransRow[] {
    const unknown = of(host).filter(({ pid }) => pid === null);
    const connections = new Set(unknown.map((row) => `${row.local_port} ${row.remote_port}`));
    assert.ok(connections.size <= missed, `${connections.size} of unknown owner: ${stderr}`);
    return of(host).filter(({ pid }) => pid !== null);
  }
  const segments = (some: readonly RetransRow[]): number => some.reduce((sum, { segs }) => sum + segs, 0);

  it('loses something on every side', () => {
    assert.ok(of(network.client).length > 20 && of(network.server).length > 20, `${rows.length} rows`);
    assert.match(stderr, /0 events lost/);
    assert.equal(new Set(rows.map((row) => row.kind)).has('fast'), true, stderr);
  });

  for (const side of ['client', 'server'] as const) {
    it(`counts the segments that RetransSegs counts (${side})`, () => {
      const hidden = counters.get(network[side])!['Tcp.RetransSegs']! - segments(of(network[side]));
      const excused = [...unseen].filter(([flow]) =>
        flow.startsWith(side === 'client' ? CLIENT.ipv4 : SERVER.ipv4),
      );
      assert.ok(
        hidden >= 0 && hidden <= excused.reduce((sum, [, count]) => sum + count, missed),
        `${hidden} hidden: ${stderr}`,
      );
    });

    it(`counts the segments that a packet capture shows, flow by flow (${side})`, () => {
      const seen = new Map<string, number>();
      for (const row of of(network[side])) {
        const flow = `${row.local_address}.${row.local_port} > ${row.remote_address}.${row.remote_port}`;
        seen.set(flow, (seen.get(flow) ?? 0) + row.segs);
      }
      const flows = captured.get(network[side])!;
      for (const [flow, count] of flows) {
        const hidden = count - (seen.get(flow) ?? 0);
        assert.ok(
          hidden >= 0 && hidden <= (unseen.get(flow) ?? 0) + missed,
          `${flow}: ${count} captured, ${hidden} hidden: ${stderr}`,
        );
      }
      assert.deepEqual(
        [...seen.keys()].filter((flow) => !flows.has(flow)),
        [],
      );
    });
  }

  it('names the right owner in every row of the clients', () => {
    for (const row of owned(network.client)) {
      assert.equal(row.pid, clients.get(row.remote_port));
      assert.equal(row.comm, `client-${row.remote_port}`);
    }
  });

  it('names the right owner in every row of the servers', () => {
    for (const row of owned(network.server)) {
      const listener = listeners.get(row.local_port)!;
      const { fork, workers } = serverOf(row.local_port);
      assert.equal(row.comm, `server-${row.local_port}`, JSON.stringify(row));
      if (row.kind === 'synack') assert.equal(row.pid, listener.pid);
      else if (workers !== undefined) assert.ok(listener.workerPids.includes(row.pid!), JSON.stringify(row));
      else if (fork) assert.ok(row.pid !== null && row.pid !== listener.pid, JSON.stringify(row));
      else assert.equal(row.pid, listener.pid);
    }
  });

  it('has one owner a connection, and of a forking server each has its own', () => {
    const data = owned(network.server).filter(({ kind }) => kind !== 'synack');
    const owners = countBy(data, (row) => `${row.local_port} ${row.remote_port} ${row.pid}`);
    const connections = countBy(data, (row) => `${row.local_port} ${row.remote_port}`);
    assert.equal(Object.keys(owners).length, Object.keys(connections).length);
    const forked = data.filter((row) => serverOf(row.local_port).fork);
    assert.equal(
      new Set(forked.map(({ pid }) => pid)).size,
      new Set(forked.map((row) => `${row.local_port} ${row.remote_port}`)).size,
    );
  });
});

/** Resolves when no connection of the host has anything left to send. */
async function quiet(host: Namespace): Promise<void> {
  for (;;) {
    const { stdout } = await host.exec('ss', ['-Htan']);
    const lines = stdout.split('\n').filter((line) => line !== '');
    if (lines.every((line) => /^(LISTEN|TIME-WAIT|FIN-WAIT-2|UNCONN)/.test(line))) return;
  }
}
