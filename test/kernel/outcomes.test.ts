/** Every outcome, made on purpose in network namespaces whose delay and losses are known. */
import assert from 'node:assert/strict';
import {
  CLIENT,
  Namespace,
  Network,
  SERVER,
  TRAFFIC,
  connect,
  listen,
  startConnect,
} from '#tcpscope/lab/network.js';
import { onHost } from '../features.js';
import { SLOWDOWN, late } from '../slowdown.js';
import { countBy, median, trace, type Row } from './tool.js';

const PORT = 9000;
const DELAY_US = 20_000;
const ms = (us: number | null): number => (us ?? NaN) / 1000;

describe('connlat over a path of 20 ms each way', () => {
  let network: Network;
  let only: string[];

  before(async () => {
    network = await Network.create({
      delayUs: DELAY_US,
      drop: ['first-syn:9001', 'all-syn:9002', 'all-syn:7002'],
    });
    only = ['--netns', network.client.name];
    await listen(network.server, SERVER.ipv4, PORT);
    await listen(network.server, SERVER.ipv4, 9001);
    await listen(network.server, SERVER.ipv6, PORT);
  });
  after(() => network.destroy());

  it('tells latency, wire, owner and addresses of 23 good handshakes', async () => {
    let pid = 0;
    const { rows } = await trace(only, async () => {
      const traffic = await connect(network.client, SERVER.ipv4, PORT, { count: 23, name: 'puma worker' });
      pid = traffic.pid;
      assert.equal(traffic.ok, 23);
    });
    assert.equal(rows.length, 23);
    for (const row of rows) {
      assert.equal(row.result, 'ok');
      assert.equal(row.error, null);
      assert.ok(ms(row.latency_us) >= 40, `latency ${row.latency_us}`);
      assert.ok(ms(row.wire_us) >= 40, `wire ${row.wire_us}`);
      assert.ok(row.wire_us! <= row.latency_us + 1);
      assert.equal(row.syns, 1);
      assert.equal(row.pid, pid);
      assert.equal(row.comm, 'puma worker');
      assert.equal(row.uid, 0);
      assert.equal(row.netns, network.client.inode);
      assert.equal(row.local_address, CLIENT.ipv4);
      assert.equal(row.remote_address, SERVER.ipv4);
      assert.equal(row.remote_port, PORT);
    }
    assert.ok(median(rows.map((row) => ms(row.latency_us))) < 40 + late(5));
    assert.ok(median(rows.map((row) => ms(row.wire_us))) < 40 + late(5));
    assert.equal(new Set(rows.map((row) => row.local_port)).size, 23);
  });

  // Linux 7.2 skips programs while several tasks connect at once.
  onHost.it(
    'tells refused connects also where the program polls, and takes the error before the socket has closed',
    async () => {
      const polling = { count: 300, concurrent: 30 };
      const { rows } = await trace(only, () => connect(network.client, SERVER.ipv4, 7001, polling));
      assert.deepEqual(countBy(rows, outcome), { 'refused ECONNREFUSED': polling.count });
    },
  );

  it('tells refused connects', async () => {
    const { rows } = await trace(only, () => connect(network.client, SERVER.ipv4, 9009, { count: 7 }));
    assert.deepEqual(countBy(rows, outcome), { 'refused ECONNREFUSED': 7 });
    for (const row of rows) assert.ok(ms(row.latency_us) >= 40 && ms(row.latency_us) < 40 + late(20));
  });

  it('tells connects that the program abandoned after 0.5 s', async () => {
    const { rows } = await trace(only, () =>
      connect(network.client, SERVER.ipv4, 9002, { count: 3, concurrent: 3, timeoutMs: 500 }),
    );
    assert.deepEqual(countBy(rows, outcome), { 'abandoned null': 3 });
    for (const row of rows) {
      assert.ok(
        ms(row.latency_us) >= 499 && ms(row.latency_us) < 500 + late(60),
        `latency ${row.latency_us}`,
      );
      assert.equal(row.wire_us, null);
      assert.equal(row.syns, 1);
    }
  });

  it('tells a lost SYN from a slow path', async () => {
    const { rows } = await trace([...only, '--pending', '0'], () =>
      connect(network.client, SERVER.ipv4, 9001, { count: 5, concurrent: 5 }),
    );
    assert.deepEqual(countBy(rows, outcome), { 'ok null': 5 });
    for (const row of rows) {
      assert.equal(row.syns, 2);
      assert.ok(
        ms(row.latency_us) >= 1040 && ms(row.latency_us) < 1040 + late(110),
        `latency ${row.latency_us}`,
      );
      // Measured by TCP timestamps, whose clock ticks once a millisecond.
      assert.ok(ms(row.wire_us) >= 38 && ms(row.wire_us) < 40 + late(20), `wire ${row.wire_us}`);
    }
    const retransmitted = await network.client.snmp();
    assert.equal(retransmitted['TcpExt.TCPSynRetrans'], 5);
  });

  it('shows an attempt while it hangs, once, and then how it ended', async () => {
    const { rows } = await trace([...only, '--pending', '300ms'], async (tool) => {
      const hanging = startConnect(network.client, SERVER.ipv4, 9002, { timeoutMs: 1500 });
      await tool.rowsUntil((seen) => seen.length > 0);
      const [pending] = tool.rows();
      assert.equal(pending?.result, 'pending');
      assert.equal(pending.pid, hanging.pid);
      assert.ok(ms(pending.latency_us) >= 300 && ms(pending.latency_us) < 300 + late(600));
      assert.ok(pending.local_port! > 0);
      await hanging.summary;
    });
    assert.deepEqual(
      rows.map((row) => row.result),
      ['pending', 'abandoned'],
    );
    assert.equal(rows[1]!.syns, 2);
    assert.equal(rows[0]!.local_port, rows[1]!.local_port);
  });

  it('tells the attempt of a process that was killed while it connected', async () => {
    const { rows } = await trace([...only, '--pending', '100ms'], async (tool) => {
      const doomed = network.client.spawn(TRAFFIC, ['connect', SERVER.ipv4, '9002', '--name=doomed']);
      await tool.rowsUntil((seen) => seen.length > 0);
      doomed.kill('SIGKILL');
      await tool.rowsUntil((seen) => seen.length > 1);
      // The next socket may get the address of the dead one: its owner must be its own.
      await connect(network.client, SERVER.ipv4, PORT, { count: 5, name: 'heir' });
    });
    assert.deepEqual(
      countBy(rows, (row) => `${row.comm} ${row.result}`),
      {
        'doomed pending': 1,
        'doomed abandoned': 1,
        'heir ok': 5,
      },
    );
  });

  it('finds an attempt that was in flight before it started', async () => {
    const before = performance.now();
    const hanging = startConnect(network.client, SERVER.ipv4, 9002, { name: 'early bird' });
    await retransmittedSyn(network.client);
    const sentAgain = performance.now();
    let ended = NaN;
    const { rows, stderr } = await trace([...only, '--pending', '200ms'], async (tool) => {
      await tool.rowsUntil((seen) => seen.length > 0);
      ended = performance.now();
      await hanging.stop();
    });
    const lasted = performance.now() - before;
    assert.deepEqual(
      rows.map((row) => row.result),
      ['pending', 'abandoned'],
      stderr,
    );
    for (const row of rows) {
      assert.equal(row.pid, hanging.pid);
      assert.equal(row.comm, 'early bird');
      assert.equal(row.netns, network.client.inode);
      assert.equal(row.remote_port, 9002);
      assert.equal(row.local_address, CLIENT.ipv4);
    }
    // Since its first SYN, not since the tool began; retrans_stamp has milliseconds.
    const latencyMs = ms(rows[1]!.latency_us);
    assert.ok(latencyMs >= ended - sentAgain + 999 && latencyMs <= lasted + 2, `latency ${latencyMs}`);
    assert.ok(rows[1]!.syns >= 2);
  });

  it('measures IPv6', async () => {
    const { rows } = await trace(only, () => connect(network.client, SERVER.ipv6, PORT, { count: 4 }));
    assert.deepEqual(countBy(rows, outcome), { 'ok null': 4 });
    for (const row of rows) {
      assert.equal(row.family, 'ipv6');
      assert.equal(row.remote_address, SERVER.ipv6);
      assert.equal(row.local_address, CLIENT.ipv6);
      assert.ok(ms(row.latency_us) >= 40);
    }
  });

  it('shows IPv4 through an IPv6 socket as IPv4', async () => {
    const { rows } = await trace([...only, '-4'], () =>
      connect(network.client, SERVER.ipv4, PORT, { count: 4, mapped: true }),
    );
    assert.equal(rows.length, 4);
    for (const row of rows) {
      assert.equal(row.family, 'ipv4');
      assert.equal(row.remote_address, SERVER.ipv4);
      assert.equal(row.local_address, CLIENT.ipv4);
    }
  });

  it('measures non-blocking connects that overlap', async () => {
    const { rows } = await trace(only, () =>
      connect(network.client, SERVER.ipv4, PORT, { count: 40, concurrent: 20, nonblocking: true }),
    );
    assert.deepEqual(countBy(rows, outcome), { 'ok null': 40 });
    for (const row of rows) assert.ok(ms(row.latency_us) >= 40);
  });

  it('names the process, not the thread that connected', async () => {
    const { rows } = await trace(only, async () => {
      const { pid, tid } = await connect(network.client, SERVER.ipv4, PORT, { thread: true, name: 'owner' });
      assert.notEqual(pid, tid);
    });
    assert.deepEqual(
      rows.map((row) => row.comm),
      ['owner'],
    );
  });

  it('strips escape codes from a process name', async () => {
    const { rows, stdout } = await trace(only, () =>
      connect(network.client, SERVER.ipv4, PORT, { name: '\u001b[31mred\u0007' }),
    );
    assert.deepEqual(
      rows.map((row) => row.comm),
      ['[31mred'],
    );
    assert.ok(!stdout.includes('\u001b') && !stdout.includes('\\u001b'));
  });

  it('measures a simultaneous open, which goes through SYN_RECV', async () => {
    const { rows } = await trace([...only, '--local-port', '7001', '--pending', '0'], async () => {
      // Its own SYNs are lost, so that it does not matter how much later the other end begins.
      const one = startConnect(network.client, SERVER.ipv4, 7002, { sourcePort: 7001 });
      await inSynSent(network.client);
      const other = await connect(network.server, CLIENT.ipv4, 7001, { sourcePort: 7002 });
      assert.equal((await one.summary).ok + other.ok, 2);
    });
    assert.deepEqual(countBy(rows, outcome), { 'ok null': 1 });
    assert.ok(ms(rows[0]!.latency_us) >= 40);
  });
});

describe('connlat where connects fail', () => {
  it('tells a time-out of the kernel', async () => {
    const network = await Network.create({ drop: ['all-syn'] });
    try {
      await network.client.sysctl('net.ipv4.tcp_syn_retries', 1);
      const { rows, stderr } = await trace(['--netns', network.client.name, '--pending', '0'], () =>
        connect(network.client, SERVER.ipv4, PORT, { count: 2, concurrent: 2 }),
      );
      assert.deepEqual(countBy(rows, outcome), { 'timeout ETIMEDOUT': 2 }, stderr);
      // One retry by the sysctl; from 6.5 on the kernel may add linear ones. Its own counter knows.
      const counters = await network.client.snmp();
      const retransmitted = rows.reduce((sum, row) => sum + row.syns - 1, 0);
      assert.equal(retransmitted, counters['TcpExt.TCPSynRetrans']);
      for (const row of rows) {
        assert.ok(row.syns >= 2);
        assert.ok(
          ms(row.latency_us) >= 1900 && ms(row.latency_us) < 7000 + late(500),
          `latency ${row.latency_us}`,
        );
      }
    } finally {
      await network.destroy();
    }
  });

  it('tells that no local port was free', async () => {
    const host = await Namespace.create();
    try {
      await host.sysctl('net.ipv4.ip_local_port_range', '50000 50001');
      await listen(host, '127.0.0.1', PORT);
      const { rows, stderr } = await trace(['--netns', host.name], async () => {
        const { ok, errors } = await holdThree(host);
        assert.deepEqual({ ok, errors }, { ok: 2, errors: { EADDRNOTAVAIL: 1 } });
      });
      assert.deepEqual(
        countBy(rows, (row) => row.result),
        { ok: 2, 'no-port': 1 },
        stderr,
      );
      const failed = rows.find((row) => row.result === 'no-port');
      assert.equal(failed?.syns, 0);
      assert.equal(failed.remote_port, PORT);
    } finally {
      await host.destroy();
    }
  });

  it('tells that the host or network is unreachable', async () => {
    const network = await Network.create();
    try {
      // The router knows no way on: it answers with ICMP.
      await network.server.sysctl('net.ipv4.ip_forward', 1);
      await network.client.ip(`route add 10.99.0.0/16 via ${SERVER.ipv4}`);
      await network.server.ip('route add unreachable 10.99.0.0/16');
      // An answer that comes while connect() still holds the socket counts only at the next SYN, 1 s later.
      const { rows } = await trace(['--netns', network.client.name, '--pending', '0'], () =>
        connect(network.client, '10.99.0.1', PORT, { count: 3 }),
      );
      assert.deepEqual(countBy(rows, outcome), { 'unreachable EHOSTUNREACH': 3 });
    } finally {
      await network.destroy();
    }
  });

  it('tells a reset in the middle of a simultaneous open', async () => {
    // The way is long, so that both have begun before either hears of the other, however slow the machine is.
    const drop = ['all-synack:7002', 'all-synack:7001'];
    const network = await Network.create({ delayUs: 200_000, drop });
    try {
      const { rows, stderr } = await trace(['--netns', network.client.name, '--pending', '0'], async () => {
        const at = process.hrtime.bigint() + BigInt(SLOWDOWN) * 300_000_000n;
        await Promise.all([
          connect(network.client, SERVER.ipv4, 7002, {
            atMonotonicNs: at,
            sourcePort: 7001,
            timeoutMs: 3000 + 300 * SLOWDOWN,
          }),
          connect(network.server, CLIENT.ipv4, 7001, {
            atMonotonicNs: at,
            sourcePort: 7002,
            timeoutMs: 600,
            reset: true,
          }),
        ]);
      });
      assert.deepEqual(countBy(rows, outcome), { 'reset ECONNRESET': 1 }, stderr);
    } finally {
      await network.destroy();
    }
  });

  it('--sync-errors tells a connect that never reached TCP, and what it costs', async () => {
    const host = await Namespace.create();
    // System call tracepoints need tracefs; a mount namespace of our own leaves the host as it is.
    const wrapper = [
      'unshare',
      '-m',
      'sh',
      '-c',
      'mount -t tracefs tracefs /sys/kernel/tracing; exec "$@"',
      'sh',
    ];
    try {
      const { rows, stderr } = await trace(
        ['--netns', host.name, '--sync-errors'],
        () => connect(host, '10.1.2.3', PORT, { count: 5 }),
        { wrapper },
      );
      assert.match(stderr, /slows every system call/);
      assert.deepEqual(countBy(rows, outcome), { 'unreachable ENETUNREACH': 5 }, stderr);
      for (const row of rows) {
        assert.equal(row.remote_address, '10.1.2.3');
        assert.equal(row.remote_port, PORT);
        assert.equal(row.syns, 0);
        assert.equal(row.comm, 'traffic');
      }
    } finally {
      await host.destroy();
    }
  });
});

function outcome(row: Row): string {
  return `${row.result} ${row.error}`;
}

/** Resolves when the namespace has sent a SYN again: a counted event, not a time. */
async function retransmittedSyn(namespace: Namespace): Promise<void> {
  const count = async (): Promise<number> => (await namespace.snmp())['TcpExt.TCPSynRetrans'] ?? 0;
  const before = await count();
  while ((await count()) === before) {
    // Each look takes a few milliseconds itself; mocha's time-out bounds the loop.
  }
}

/** Resolves when the host has a socket that waits for the answer to its SYN. */
async function inSynSent(host: Namespace): Promise<void> {
  await host.exec('sh', ['-c', 'until ss -Htn state syn-sent | grep -q .; do :; done']);
}

async function holdThree(host: Namespace): Promise<{ ok: number; errors: Record<string, number> }> {
  const holding = startConnect(host, '127.0.0.1', PORT, { count: 3, hold: true });
  const summary = await holding.summary;
  await holding.stop();
  return summary;
}
