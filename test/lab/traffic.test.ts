import assert from 'node:assert/strict';
import { connect, listen, loop, Namespace, SERVER, Network, startConnect } from '#tcpscope/lab/network.js';
import { growth } from './growth.js';

/** A port where nobody listens. */
const CLOSED_PORT = 9;
const PORT = 9000;

describe('lab: traffic in one namespace', function () {
  this.timeout(20_000);
  this.slow(2000);

  let host: Namespace;
  before(async () => {
    host = await Namespace.create();
  });
  after(() => host.destroy());

  for (const ipv6 of [false, true]) {
    it(`loop makes as many connections as asked (${ipv6 ? 'IPv6' : 'IPv4'})`, async () => {
      const opened = await growth(host, 'Tcp.ActiveOpens', async () => {
        const summary = await loop(500, PORT, { ipv6 }, host);
        assert.equal(summary.handshakes, 500);
        assert.ok(summary.perSecond > 0 && summary.connectUs.max >= summary.connectUs.p50);
      });
      assert.equal(opened, 500);
    });
  }

  for (const concurrent of [1, 4]) {
    it(`connect counts refusals, ${String(concurrent)} at a time`, async () => {
      const summary = await connect(host, '127.0.0.1', CLOSED_PORT, { count: 7, concurrent });
      assert.equal(summary.attempts, 7);
      assert.equal(summary.ok, 0);
      assert.deepEqual(summary.errors, { ECONNREFUSED: 7 });
      assert.equal(summary.connectUs, null);
    });
  }

  it('counts a connect that fails at the route lookup', async () => {
    const summary = await connect(host, '198.51.100.1', PORT);
    assert.deepEqual(summary.errors, { ENETUNREACH: 1 });
  });

  it('rejects with what the program said when it cannot do what it is asked', async () => {
    await assert.rejects(
      listen(host, '198.51.100.1', PORT),
      /traffic: cannot bind the listener: Cannot assign/,
    );
    await assert.rejects(connect(host, 'localhost', PORT), /traffic: 'localhost' is not a numeric address/);
    await assert.rejects(connect(host, '127.0.0.1', 70000), /traffic: a port must be a whole number/);
  });

  it('starts programs whose pid is their own', async () => {
    const child = host.spawn('sh', ['-c', 'echo $$; exec cat /proc/self/comm']);
    assert.equal(await child.nextLine(), String(child.pid));
    assert.equal(await child.nextLine(), 'cat');
    assert.deepEqual(await child.exited, { code: 0, signal: null });
  });

  it('sets kernel parameters of the namespace', async () => {
    await host.sysctl('net.ipv4.tcp_syn_retries', 3);
    const { stdout } = await host.exec('cat', ['/proc/sys/net/ipv4/tcp_syn_retries']);
    assert.equal(stdout, '3\n');
    await assert.rejects(host.sysctl('net.ipv4.no_such_parameter', 1));
  });

  it('knows the namespace by the inode that the kernel shows', async () => {
    const { stdout } = await host.exec('readlink', ['/proc/self/ns/net']);
    assert.equal(stdout.trim(), `net:[${String(host.inode)}]`);
  });
});

describe('lab: traffic between two hosts', function () {
  this.timeout(20_000);
  this.slow(2000);

  let network: Network;
  before(async () => {
    network = await Network.create();
  });
  after(() => network.destroy());

  for (const [kind, address, options] of [
    ['IPv4', SERVER.ipv4, {}],
    ['IPv6', SERVER.ipv6, {}],
    ['an IPv6 socket and a mapped address', SERVER.ipv4, { mapped: true }],
    ['eight at a time', SERVER.ipv4, { concurrent: 8 }],
    ['a given source address', SERVER.ipv4, { source: '10.77.0.1' }],
    ['FIN instead of RST', SERVER.ipv4, { reset: false }],
  ] as const) {
    it(`makes exactly as many connections as asked: ${kind}`, async () => {
      const listener = await listen(network.server, '::', PORT);
      const accepted = await growth(network.server, 'Tcp.PassiveOpens', async () => {
        const summary = await connect(network.client, address, PORT, { count: 40, reset: true, ...options });
        assert.equal(summary.ok, 40);
        assert.deepEqual(summary.errors, {});
      });
      assert.equal(accepted, 40);
      assert.deepEqual(await listener.stop(), { pid: listener.pid, accepted: 40 });
    });
  }

  it('connects from a second thread with a name of its own', async () => {
    const listener = await listen(network.server, SERVER.ipv4, PORT);
    const connecting = startConnect(network.client, SERVER.ipv4, PORT, {
      name: 'shop',
      thread: true,
      hold: true,
    });
    const summary = await connecting.summary;
    assert.equal(summary.pid, connecting.pid);
    assert.notEqual(summary.tid, summary.pid);
    const { stdout } = await network.client.exec('cat', [`/proc/${String(summary.pid)}/comm`]);
    assert.equal(stdout, 'shop\n');
    await connecting.stop();
    await listener.stop();
  });

  it('holds connections until it is stopped', async () => {
    const listener = await listen(network.server, SERVER.ipv4, PORT);
    const connecting = startConnect(network.client, SERVER.ipv4, PORT, { count: 5, hold: true, reset: true });
    assert.equal((await connecting.summary).ok, 5);
    assert.equal((await network.client.snmp())['Tcp.CurrEstab'], 5);
    await connecting.stop();
    assert.equal((await network.client.snmp())['Tcp.CurrEstab'], 0);
    await listener.stop();
  });

  it('uses one source port again and again', async () => {
    const listener = await listen(network.server, SERVER.ipv4, PORT, { close: true });
    const options = { count: 10, reset: true, sourcePort: 40000 };
    assert.equal((await connect(network.client, SERVER.ipv4, PORT, options)).ok, 10);
    await listener.stop();
  });

  it('leaves connections in the accept queue until it overflows', async () => {
    const listener = await listen(network.server, SERVER.ipv4, PORT, { backlog: 2, noAccept: true });
    const overflows = await growth(network.server, 'TcpExt.ListenOverflows', async () => {
      const summary = await connect(network.client, SERVER.ipv4, PORT, {
        count: 6,
        concurrent: 6,
        timeoutMs: 300,
      });
      assert.equal(summary.ok, 3); // the kernel accepts one more than the backlog
      assert.equal(summary.abandoned, 3);
    });
    assert.ok(overflows >= 3);
    assert.equal((await listener.stop()).accepted, 0);
  });

  it('sends data with the SYN once it has a Fast Open cookie', async () => {
    await network.server.sysctl('net.ipv4.tcp_fastopen', 3);
    const listener = await listen(network.server, SERVER.ipv4, PORT, { fastopen: true, close: true });
    const withData = await growth(network.client, 'TcpExt.TCPFastOpenActive', async () => {
      for (const nonblocking of [false, true]) {
        const summary = await connect(network.client, SERVER.ipv4, PORT, {
          count: 3,
          fastopen: true,
          nonblocking,
        });
        assert.equal(summary.ok, 3);
      }
    });
    assert.equal(withData, 5); // the first of the six asked for the cookie
    await listener.stop();
  });
});
