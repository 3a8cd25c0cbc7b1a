/** Every kind of retransmission, provoked on purpose on a path of 20 ms each way. */
import assert from 'node:assert/strict';
import { CLIENT, Network, SERVER, connect, listen, startConnect } from '#tcpscope/lab/network.js';
import { need } from '../features.js';
import { SLOWDOWN, late } from '../slowdown.js';
import { median, traceRetrans, type RetransRow, type Tool } from './tool.js';

const DELAY_US = 20_000;
const RTT_MS = 40;
const PORT = { plain: 9000, firstSyn: 9001, firstSynack: 9002, third: 9003, last: 9004, serverThird: 9005 };
/** Segments of this size are one chunk each. */
const CHUNK = 1000;
const CHUNKS = 20;

const ms = (us: number | null): number => (us ?? NaN) / 1000;
const kinds = (rows: readonly RetransRow[]): string[] => rows.map(({ kind }) => kind);

describe('kinds of retrans', function () {
  this.timeout(60_000);
  let network: Network;
  let only: string[];

  before(async () => {
    network = await Network.create({
      delayUs: DELAY_US,
      drop: [
        `first-syn:${PORT.firstSyn}`,
        `first-synack:${PORT.firstSynack}`,
        `data-3:${PORT.third}`,
        `data-${CHUNKS}:${PORT.last}`,
        `server-data-3:${PORT.serverThird}`,
      ],
    });
    // Else what the tests before it lost leaves a window of one or two segments, and nothing more is lost with the first.
    await network.client.sysctl('net.ipv4.tcp_no_metrics_save', 1);
    only = ['--netns', `${network.client.name},${network.server.name}`];
    for (const port of [PORT.plain, PORT.firstSyn, PORT.firstSynack, PORT.third, PORT.last])
      await listen(network.server, SERVER.ipv4, port, { close: true });
    await listen(network.server, SERVER.ipv4, PORT.serverThird, { send: CHUNK * CHUNKS, close: true });
    await listen(network.server, SERVER.ipv6, PORT.third, { close: true });
  });
  after(() => network.destroy());

  it('syn: the first SYN is lost', async () => {
    const { rows } = await traceRetrans(only, async () => {
      const { ok } = await connect(network.client, SERVER.ipv4, PORT.firstSyn, { count: 3, concurrent: 3 });
      assert.equal(ok, 3);
    });
    assert.deepEqual(kinds(rows), ['syn', 'syn', 'syn']);
    for (const row of rows) {
      assert.equal(row.state, 'SYN_SENT');
      assert.equal(row.seq, 0);
      assert.equal(row.len, 0);
      assert.equal(row.segs, 1);
      assert.equal(row.try, 1);
      assert.equal(row.srtt_us, null);
      assert.equal(row.rto_us, 1_000_000);
      // The stamp of the first SYN has milliseconds, the timer jiffies.
      assert.ok(ms(row.stall_us) >= 995 && ms(row.stall_us) < 1000 + late(100), `stall ${row.stall_us}`);
      assert.equal(row.remote_address, SERVER.ipv4);
      assert.equal(row.netns, network.client.inode);
    }
  });

  it('synack: the first SYN-ACK is lost; the SYN comes again too', async () => {
    const { rows } = await traceRetrans(only, () => connect(network.client, SERVER.ipv4, PORT.firstSynack));
    const synacks = rows.filter(({ kind }) => kind === 'synack');
    const counters = await network.server.snmp();
    assert.equal(synacks.length, counters['TcpExt.TCPSynRetrans']);
    assert.ok(synacks.length > 0);
    for (const [index, row] of synacks.entries()) {
      assert.equal(row.state, 'SYN_RECV');
      assert.equal(row.seq, 0);
      assert.equal(row.try, index + 1);
      assert.equal(row.cwnd, null);
      assert.equal(row.local_address, SERVER.ipv4);
      assert.equal(row.local_port, PORT.firstSynack);
      assert.equal(row.remote_address, CLIENT.ipv4);
      assert.equal(row.netns, network.server.inode);
      assert.ok(ms(row.stall_us) >= 990 && ms(row.stall_us) < 1000 + late(200), `stall ${row.stall_us}`);
    }
    assert.deepEqual(kinds(rows.filter(({ kind }) => kind !== 'synack')), ['syn']);
  });

  for (const [family, address] of [
    ['IPv4', SERVER.ipv4],
    ['IPv6', SERVER.ipv6],
  ] as const) {
    it(`fast: a segment in the middle is lost (${family})`, async () => {
      const { rows } = await traceRetrans(only, () =>
        connect(network.client, address, PORT.third, { send: CHUNK * CHUNKS, chunk: CHUNK }),
      );
      assert.deepEqual(kinds(rows), ['fast']);
      const [row] = rows;
      assert.ok(row);
      assert.equal(row.remote_address, address);
      assert.equal(row.seq, 1 + 2 * CHUNK);
      assert.equal(row.len, CHUNK);
      assert.equal(row.segs, 1);
      assert.equal(row.ca_state, 'recovery');
      assert.equal(row.stall_us, null);
      assert.ok(ms(row.srtt_us) >= RTT_MS && ms(row.srtt_us) < RTT_MS + late(20), `srtt ${row.srtt_us}`);
      assert.ok(
        ms(row.min_rtt_us) >= RTT_MS && ms(row.min_rtt_us) < RTT_MS + late(10),
        `min rtt ${row.min_rtt_us}`,
      );
    });
  }

  it('fast: of what the server sends, whose sequence numbers begin at its own SYN', async () => {
    const { rows } = await traceRetrans(only, () =>
      connect(network.client, SERVER.ipv4, PORT.serverThird, { receive: true }),
    );
    assert.deepEqual(kinds(rows), ['fast']);
    const [row] = rows;
    assert.ok(row);
    assert.equal(row.local_port, PORT.serverThird);
    assert.equal(row.seq, 1 + 2 * row.mss!);
  });

  it('--absolute-seq: the number that a packet capture shows', async () => {
    const capture = network.client.spawn('tcpdump', [
      ...['-i', 'eth0', '-n', '-S', '-l', '--immediate-mode', '-Q', 'out'],
      `tcp dst port ${PORT.third} and tcp[tcpflags] & tcp-syn != 0`,
    ]);
    try {
      await capturing(network);
      const { rows } = await traceRetrans([...only, '--absolute-seq'], () =>
        connect(network.client, SERVER.ipv4, PORT.third, { send: CHUNK * CHUNKS, chunk: CHUNK }),
      );
      const syn = Number(/seq (\d+)/.exec(await capture.nextLine())?.[1]);
      assert.equal(rows[0]?.seq, (syn + 1 + 2 * CHUNK) % 2 ** 32);
    } finally {
      await capture.stop();
    }
  });

  it('tlp: the last segment is lost', async () => {
    const { rows } = await traceRetrans(only, async () => {
      const held = startConnect(network.client, SERVER.ipv4, PORT.last, {
        send: CHUNK * CHUNKS,
        chunk: CHUNK,
        hold: true,
      });
      await held.summary;
      await retransmissions(network, 1);
      await held.stop();
    });
    const [row] = rows;
    assert.ok(row);
    assert.equal(row.kind, 'tlp');
    assert.equal(row.seq, 1 + (CHUNKS - 1) * CHUNK);
    assert.equal(row.try, 1);
    // tcp_schedule_loss_probe(): two round trips, and the delayed-ACK time if only one segment is out.
    assert.ok(
      ms(row.stall_us) >= 2 * RTT_MS - 8 && ms(row.stall_us) < 2 * RTT_MS + late(320),
      `stall ${row.stall_us}`,
    );
  });

  it('rto, then loss: nothing arrives for 2 s', async () => {
    const { rows } = await traceRetrans(only, async (tool) => {
      // It still writes when the cable is cut, even on a machine that takes seconds for that.
      const held = startConnect(network.client, SERVER.ipv4, PORT.plain, {
        send: CHUNK * 4000,
        chunk: CHUNK,
        chunkGapUs: 15_000,
        hold: true,
      });
      await network.client.exec('sh', [
        '-c',
        'until ss -Htn state established dport = :9000 | grep -q .; do :; done',
      ]);
      await network.cut();
      const cutAt = performance.now();
      await tool.retransUntil((seen) => timeouts(seen).length >= 3);
      // A third timeout in a row comes 2 s after the last ACK at the earliest only where the first took 285 ms.
      const cutMs = performance.now() - cutAt;
      await network.mend();
      await tool.retransUntil((seen) => seen.some(({ kind }) => kind === 'loss'));
      await held.stop();
      assert.ok(cutMs >= 1000, `cut for ${cutMs} ms`);
    });
    const rto = timeouts(rows);
    assert.equal(new Set(rto.map(({ seq }) => seq)).size, 1, 'a timeout sends the first segment again');
    assert.deepEqual(
      rto.map((row) => row.try),
      rto.map((_, index) => rto[0]!.try + index),
    );
    for (const [index, row] of rto.entries()) {
      assert.equal(row.ca_state, 'loss');
      if (index === 0) continue;
      const before = rto[index - 1]!;
      assert.equal(row.rto_us, before.rto_us * 2, 'each timeout is twice the last');
      // All stalls of one standstill have one beginning.
      const apart = Date.parse(row.time) - Date.parse(before.time);
      assert.ok(Math.abs(ms(row.stall_us! - before.stall_us!) - apart) <= 1.5);
      // The timer wheel rounds long times up, by an eighth at most.
      const behind = apart - ms(row.rto_us);
      assert.ok(
        behind >= -8 && behind <= ms(row.rto_us) / 8 + late(60),
        `${apart} ms after the last, rto ${row.rto_us}`,
      );
    }
    const loss = rows.filter(({ kind }) => kind === 'loss');
    assert.ok(loss.length > 0);
    for (const row of loss) assert.equal(row.stall_us, null);
    assert.ok(median(rto.map(({ stall_us: us }) => ms(us))) > 200);
  });

  it('synack: a simultaneous open sends its SYN-ACK again', async () => {
    // The way is long, so that both have begun before either hears of the other, however slow the machine is.
    const drop = ['all-synack:7002', 'all-synack:7001'];
    const lossy = await Network.create({ delayUs: 200_000, drop });
    try {
      const { rows } = await traceRetrans(['--netns', lossy.client.name], async () => {
        const soon = BigInt(SLOWDOWN) * 1_000_000_000n;
        const both = { atMonotonicNs: process.hrtime.bigint() + soon, timeoutMs: 1800 };
        await Promise.all([
          connect(lossy.client, SERVER.ipv4, 7002, { ...both, sourcePort: 7001 }),
          connect(lossy.server, CLIENT.ipv4, 7001, { ...both, sourcePort: 7002 }),
        ]);
      });
      assert.deepEqual(new Set(kinds(rows)), new Set(['synack']));
      for (const row of rows) assert.equal(row.comm, 'traffic');
    } finally {
      await lossy.destroy();
    }
  });

  it('says what could not leave this host, and does not count it', async function () {
    need(this, 'retransmit-errors');
    const host = await Network.create({ cuttable: true });
    try {
      await listen(host.server, SERVER.ipv4, PORT.plain, { close: true });
      const { rows, stderr } = await traceRetrans(['--netns', host.client.name], async (tool: Tool) => {
        const held = startConnect(host.client, SERVER.ipv4, PORT.plain, { hold: true, send: CHUNK });
        await held.summary;
        // An output hook's drop is an error for the sender: EPERM.
        await host.client.exec('nft', ['-f', '-'], {
          input: 'table inet lab { chain out { type filter hook output priority 0; tcp dport 9000 drop; }; }',
        });
        const late = startConnect(host.client, SERVER.ipv4, PORT.plain, { timeoutMs: 1500 });
        await tool.retransUntil((seen) => seen.length > 0);
        await late.summary;
        await held.stop();
      });
      const counters = await host.client.snmp();
      assert.ok(counters['TcpExt.TCPRetransFail']! > 0);
      for (const row of rows) assert.equal(row.error, 'EPERM');
      assert.match(stderr, /^0 retransmitted segments in .*; \d+ could not leave this host/m);
    } finally {
      await host.destroy();
    }
  });
});

function timeouts(rows: readonly RetransRow[]): RetransRow[] {
  return rows.filter(({ kind }) => kind === 'rto');
}

/** Resolves when the client has sent at least so many segments again since this was called. */
async function retransmissions(network: Network, count: number): Promise<void> {
  const sent = async (): Promise<number> => (await network.client.snmp())['Tcp.RetransSegs'] ?? 0;
  const before = await sent();
  while ((await sent()) < before + count) {
    // Each look takes a few milliseconds itself; mocha's time-out bounds the loop.
  }
}

/** Resolves when a capture has its socket: /proc/net/packet lists it. */
async function capturing({ client }: Network): Promise<void> {
  for (;;) {
    const packets = (await client.exec('cat', ['/proc/net/packet'])).stdout.trim().split('\n');
    if (packets.length > 1) return;
  }
}
