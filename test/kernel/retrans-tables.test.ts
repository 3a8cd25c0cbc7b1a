/** What `retrans --by` sums up, beside the kernel's own counters and known losses. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  Network,
  SERVER,
  connect,
  listen,
  startConnect,
  type Connecting,
  type Namespace,
} from '#tcpscope/lab/network.js';
import { SLOWDOWN, late } from '../slowdown.js';
import { Tool, type Ended } from './tool.js';

interface GroupRow {
  remote?: string;
  comm?: string;
  kind: string;
  sent: number | null;
  retrans: number;
  ratio_percent: number | null;
  fast: number;
  rto: number;
  tlp: number;
  syn: number;
  stall_us: number;
  spurious: number | null;
  undone: number | null;
  failed: number;
}

const PORT = 9000;

/** The last row of each group. */
async function tableOf(
  args: readonly string[],
  traffic: (tool: Tool) => Promise<unknown>,
): Promise<Ended & { groups: GroupRow[]; last: Map<string, GroupRow> }> {
  const tool = await Tool.start(['retrans', '--json', '--interval', '200ms', ...args]);
  await traffic(tool);
  const ended = await tool.stop();
  assert.equal(ended.code, 0, ended.stderr);
  const lines = ended.stdout.split('\n').filter((line) => line !== '');
  const groups = lines.map((line) => JSON.parse(line) as GroupRow);
  return { ...ended, groups, last: new Map(groups.map((row) => [row.remote ?? row.comm ?? row.kind, row])) };
}

describe('tables of retrans', function () {
  this.timeout(30_000);

  describe('on a path that loses a known segment of each connection', () => {
    let network: Network;
    let only: string[];
    beforeEach(async () => {
      network = await Network.create({ delayUs: 10_000, drop: [`data-3:${PORT}`, 'data-3:9001'] });
      only = ['--netns', `${network.client.name},${network.server.name}`];
      await listen(network.server, SERVER.ipv4, PORT, { close: true });
      await listen(network.server, SERVER.ipv4, 9001, { close: true });
    });
    afterEach(() => network.destroy());

    /** Connections that lose a segment each, as the kernel has counted: what a tool does not tell has happened. */
    async function lose(count: number, name: string): Promise<void> {
      const before = await network.client.snmp();
      const { ok, errors } = await connect(network.client, SERVER.ipv4, PORT, { count, send: 20_000, name });
      const after = await network.client.snmp();
      assert.deepEqual({ ok, errors }, { ok: count, errors: {} });
      assert.ok(after['Tcp.RetransSegs']! - before['Tcp.RetransSegs']! >= count, 'nothing was sent again');
    }

    it('SENT is what the sockets sent: all that left the host, RetransSegs included', async () => {
      const before = await sent(network.client);
      let held: Connecting | undefined;
      const { last, stdout, stderr } = await tableOf([...only, '--by', 'remote'], async () => {
        // One that is open before it ends, many that live shorter than an interval, and one that stays open.
        await connect(network.client, SERVER.ipv4, PORT, { count: 7, send: 20_000 });
        held = startConnect(network.client, SERVER.ipv4, PORT, { send: 20_000, hold: true });
        await held.summary;
        await acknowledged(network.client);
        await connect(network.client, SERVER.ipv4, 9001, { count: 3, send: 20_000 });
      });
      const grown = (await sent(network.client)) - before;
      await held?.stop();
      const groups = [`${SERVER.ipv4}:${PORT}`, `${SERVER.ipv4}:9001`].map((remote) => {
        const group = last.get(remote);
        assert.ok(group, `no ${remote}: ${stdout}${stderr}`);
        return group;
      });
      const sum = groups.reduce((total, group) => total + group.sent!, 0);
      // TIME_WAIT answers a FIN without a socket: those ACKs are in OutSegs alone.
      assert.ok(sum <= grown && sum >= grown - 11, `${sum} of ${grown}`);
      assert.deepEqual(
        groups.map(({ retrans, fast }) => [retrans, fast]),
        [
          [8, 8],
          [3, 3],
        ],
      );
      for (const group of groups) {
        assert.ok(Math.abs(group.ratio_percent! - (100 * group.retrans) / group.sent!) < 0.01);
      }
    });

    it('counts nothing of what was sent before it started', async () => {
      const long = startConnect(network.client, SERVER.ipv4, PORT, {
        name: 'long-lived',
        send: 100 * 500,
        chunk: 500,
        chunkGapUs: 10_000,
        hold: true,
      });
      await network.client.exec('sh', [
        '-c',
        'until [ $(ss -Htin dport = :9000 | grep -o "bytes_acked:[0-9]*" | cut -d: -f2) -gt 20000 ]; do :; done',
      ]);
      const before = await sent(network.client);
      const { last, stderr } = await tableOf([...only, '--by', 'comm'], async () => {
        await long.summary;
        await connect(network.client, SERVER.ipv4, PORT, { send: 20_000, name: 'long-lived' });
      });
      const grown = (await sent(network.client)) - before;
      const group = last.get('long-lived')!;
      assert.ok(group.sent! > 0 && group.sent! <= grown, `${group.sent} of ${grown}: ${stderr}`);
      await long.stop();
    });

    it('SENT is the same from events, which a recording needs, and that of a wanted process alone', async () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'tcpscope-'));
      const runs = [
        ['--by', 'comm'],
        ['--by', 'comm', '--record', path.join(folder, 'events.tsr')],
        ['--by', 'remote', '--comm', 'few'],
      ];
      const tools = await Promise.all(
        runs.map((args) => Tool.start(['retrans', '--json', '--interval', '200ms', ...only, ...args])),
      );
      await lose(3, 'few');
      await lose(9, 'many');
      const ended = await Promise.all(tools.map((tool) => tool.stop()));
      for (const { code, stderr } of ended) assert.equal(code, 0, stderr);
      rmSync(folder, { recursive: true });
      const [summed, counted, filtered] = ended.map(({ stdout }) => {
        const lines = stdout.split('\n').filter((line) => line !== '');
        const rows = lines.map((line) => JSON.parse(line) as GroupRow);
        return new Map(rows.map((row) => [row.comm ?? row.remote, row]));
      });
      const said = ended.map(({ stderr }) => stderr).join('');
      const [few, many] = ['few', 'many'].map((comm) => summed?.get(comm)?.sent ?? 0);
      assert.ok(few! > 3 * 14 && many! > few!, `${few} and ${many}: ${said}`);
      // Each end of a connection that the kernel did not tell one of them of hides what that one had sent.
      const missed = [...said.matchAll(/(\d+) events? missed/g)].reduce(
        (sum, [, count]) => sum + Number(count),
        0,
      );
      const assertSame = (sent: number | null | undefined, expected: number): void => {
        const apart = Math.abs((sent ?? 0) - expected);
        assert.ok(apart <= missed * (few! / 3), `${sent}, not ${expected}: ${said}`);
      };
      assertSame(counted?.get('few')?.sent, few!);
      assertSame(counted?.get('many')?.sent, many!);
      assertSame(filtered?.get(`${SERVER.ipv4}:${PORT}`)?.sent, few!);
    });

    it('by kind and state has no SENT, which does not divide by them', async () => {
      const { groups, stderr } = await tableOf([...only, '--by', 'kind'], () => lose(3, 'loses'));
      const row = groups.at(-1);
      assert.ok(row, stderr);
      assert.equal(row.kind, 'fast');
      assert.deepEqual([row.sent, row.ratio_percent, row.retrans], [null, null, 3]);
    });
  });

  it('STALL counts each moment of a standstill once', async () => {
    const network = await Network.create({ delayUs: 10_000 });
    try {
      await listen(network.server, SERVER.ipv4, PORT, { close: true });
      let stoodMs = 0;
      const { last, stderr } = await tableOf(
        ['--netns', network.client.name, '--by', 'remote'],
        async (tool) => {
          const held = startConnect(network.client, SERVER.ipv4, PORT, {
            send: 200 * 500,
            chunk: 500,
            chunkGapUs: 10_000,
            hold: true,
          });
          await network.client.exec('sh', [
            '-c',
            'until ss -Htn state established dport = :9000 | grep -q .; do :; done',
          ]);
          await network.cut();
          const from = performance.now();
          await tool.said(
            () => (/"rto":(\d+)/g.exec(tool.stdout.split('\n').at(-2) ?? '')?.[1] ?? '0') >= '3',
          );
          await network.mend();
          stoodMs = performance.now() - from;
          await held.summary;
          await held.stop();
        },
      );
      const group = last.get(`${SERVER.ipv4}:${PORT}`)!;
      // Up to the last timeout, which is somewhere before the end of the cut; then one more brings it on.
      assert.ok(group.rto >= 3, stderr);
      assert.ok(group.stall_us / 1000 >= 600, `stall ${group.stall_us}`);
      assert.ok(group.stall_us / 1000 <= 2 * stoodMs + 500, `stall ${group.stall_us}, cut for ${stoodMs} ms`);
      const sums = /flows stood still ([\d.]+) (m?s)/.exec(stderr)!;
      const summed = Number(sums[1]) * (sums[2] === 's' ? 1000 : 1);
      assert.ok(Math.abs(summed - group.stall_us / 1000) <= late(60), stderr);
    } finally {
      await network.destroy();
    }
  });

  it('tells retransmissions that were not needed: DSACK and undo, as the kernel counts them', async () => {
    const network = await Network.create({ delayUs: 10_000 });
    try {
      await listen(network.server, SERVER.ipv4, PORT, { close: true });
      const { last, stderr } = await tableOf(
        ['--netns', network.client.name, '--by', 'remote'],
        async (tool) => {
          const held = startConnect(network.client, SERVER.ipv4, PORT, {
            // It still sends when its answers are held back, also where that takes a while.
            send: 60 * 500 * SLOWDOWN,
            chunk: 500,
            chunkGapUs: 20_000,
            hold: true,
          });
          await network.client.exec('sh', [
            '-c',
            'until ss -Htn state established dport = :9000 | grep -q .; do :; done',
          ]);
          // The server's answers are held back, not what the client sends: what it sends again arrives twice.
          await network.server.exec('nft', ['-f', '-'], { input: HOLD_ANSWERS });
          await tool.said(() => /"(rto|tlp)":[1-9]/.test(tool.stdout));
          await network.server.exec('nft', ['delete', 'table', 'inet', 'lab']);
          await held.summary;
          await acknowledged(network.client);
          await held.stop();
        },
      );
      const counters = await network.client.snmp();
      const group = last.get(`${SERVER.ipv4}:${PORT}`)!;
      assert.ok(group.spurious! > 0, stderr);
      assert.equal(group.spurious, counters['TcpExt.TCPDSACKRecvSegs']);
      const undos = ['TCPFullUndo', 'TCPPartialUndo', 'TCPDSACKUndo', 'TCPLossUndo'];
      const undone = undos.reduce((sum, name) => sum + (counters[`TcpExt.${name}`] ?? 0), 0);
      assert.ok(group.undone! <= undone, `${group.undone} of ${undone}`);
      assert.match(stderr, /had arrived the first time/);
    } finally {
      await network.destroy();
    }
  });
});

/** A drop on the way out is an error for the sender alone; its data would be lost: so only bare ACKs. */
const HOLD_ANSWERS =
  'table inet lab { chain out { type filter hook output priority 0; tcp sport 9000 meta length < 100 drop; }; }';

/** Segments that left a host: OutSegs leaves out what was sent again. */
async function sent(host: Namespace): Promise<number> {
  const counters = await host.snmp();
  return counters['Tcp.OutSegs']! + counters['Tcp.RetransSegs']!;
}

/** Resolves when everything that established connections have sent is acknowledged. */
async function acknowledged(host: Namespace): Promise<void> {
  for (;;) {
    const { stdout } = await host.exec('ss', ['-Htn', 'state', 'established']);
    const queues = stdout.split('\n').filter((line) => line !== '');
    if (queues.every((line) => line.trim().split(/\s+/)[1] === '0')) return;
  }
}
