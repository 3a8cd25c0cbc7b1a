import assert from 'node:assert/strict';
import {
  CLIENT,
  connect,
  listen,
  Network,
  SERVER,
  startConnect,
  type NetworkOptions,
} from '#tcpscope/lab/network.js';

const PORT = 9000;
const OTHER_PORT = 9001;
const MS = 1000;

/** How long Linux waits before it sends a SYN again. */
const SYN_TIMEOUT_US = 1000 * MS;

/** Does something in a network of its own. */
async function withNetwork(
  options: NetworkOptions,
  action: (network: Network) => Promise<void>,
): Promise<void> {
  const network = await Network.create(options);
  try {
    await action(network);
  } finally {
    await network.destroy();
  }
}

/** A counter of the client's kernel, which has done nothing else since the network was made. */
async function clientCounter(network: Network, name: string): Promise<number> {
  return (await network.client.snmp())[name] ?? NaN;
}

describe('lab: a link with delay', function () {
  this.timeout(20_000);
  this.slow(5000);

  for (const [family, address] of Object.entries(SERVER)) {
    it(`holds every packet for the time asked (${family})`, async () => {
      await withNetwork({ delayUs: 20 * MS }, async (network) => {
        await listen(network.server, '::', PORT);
        const { ok, connectUs } = await connect(network.client, address, PORT, { count: 20, reset: true });
        assert.equal(ok, 20);
        assert.ok(connectUs);
        assert.ok(connectUs.min >= 40 * MS, `a handshake took only ${String(connectUs.min)} us`);
        assert.ok(connectUs.min < 41 * MS, `the fastest handshake took ${String(connectUs.min)} us`);
        assert.ok(connectUs.p50 < 45 * MS, `the median handshake took ${String(connectUs.p50)} us`);
        assert.equal(await clientCounter(network, 'TcpExt.TCPSynRetrans'), 0);
      });
    });
  }

  it('lets both ends open one connection at the same moment', async () => {
    await withNetwork({ delayUs: 20 * MS }, async (network) => {
      const options = { sourcePort: PORT, atMonotonicNs: process.hrtime.bigint() + 200_000_000n, hold: true };
      const ends = [
        startConnect(network.client, SERVER.ipv4, PORT, options),
        startConnect(network.server, '10.77.0.1', PORT, options),
      ];
      const summaries = await Promise.all(ends.map((end) => end.summary));
      assert.deepEqual(
        summaries.map((summary) => summary.ok),
        [1, 1],
      );
      for (const host of [network.client, network.server]) {
        const counters = await host.snmp();
        assert.equal(counters['Tcp.ActiveOpens'], 1);
        assert.equal(counters['Tcp.PassiveOpens'], 0);
      }
      await Promise.all(ends.map((end) => end.stop()));
    });
  });
});

describe('lab: a link with losses', function () {
  this.timeout(20_000);
  this.slow(5000);

  for (const [family, address] of Object.entries(SERVER)) {
    it(`drops the first SYN of every connection (${family})`, async () => {
      await withNetwork({ drop: ['first-syn'] }, async (network) => {
        await listen(network.server, '::', PORT);
        const summary = await connect(network.client, address, PORT, {
          count: 20,
          concurrent: 20,
          reset: true,
        });
        assert.equal(summary.ok, 20);
        assert.ok(summary.connectUs && summary.connectUs.min >= SYN_TIMEOUT_US);
        assert.equal(await clientCounter(network, 'TcpExt.TCPSynRetrans'), 20);
        const counts = await network.linkCounts();
        assert.equal(counts.dropped['first-syn'], 20);
        assert.equal(counts.fromClient.dropped['first-syn'], 20);
        assert.equal(counts.fromServer.dropped['first-syn'], 0);
      });
    });
  }

  it('takes a connection on a used source port for a new one', async () => {
    await withNetwork({ drop: ['first-syn'] }, async (network) => {
      await listen(network.server, '::', PORT, { close: true });
      const options = { count: 2, reset: true, sourcePort: 40000 };
      assert.equal((await connect(network.client, SERVER.ipv4, PORT, options)).ok, 2);
      assert.equal((await network.linkCounts()).dropped['first-syn'], 2);
    });
  });

  it('drops the first SYN-ACK of every connection', async () => {
    await withNetwork({ drop: ['first-synack'] }, async (network) => {
      await listen(network.server, '::', PORT);
      const summary = await connect(network.client, SERVER.ipv4, PORT, {
        count: 10,
        concurrent: 10,
        reset: true,
      });
      assert.equal(summary.ok, 10);
      assert.ok(summary.connectUs && summary.connectUs.min >= 900 * MS);
      const counts = await network.linkCounts();
      assert.equal(counts.fromServer.dropped['first-synack'], 10);
      assert.equal(counts.fromClient.dropped['first-synack'], 0);
    });
  });

  it('drops the first data of every connection', async () => {
    await withNetwork({ delayUs: 5 * MS, drop: ['first-data'] }, async (network) => {
      await listen(network.server, '::', PORT, { close: true });
      const summary = await connect(network.client, SERVER.ipv4, PORT, { count: 3, send: 1000 });
      assert.equal(summary.ok, 3);
      assert.equal((await network.linkCounts()).fromClient.dropped['first-data'], 3);
      assert.equal(await clientCounter(network, 'TcpExt.TCPSynRetrans'), 0);
      assert.ok((await clientCounter(network, 'Tcp.RetransSegs')) >= 3);
    });
  });

  for (const [family, address] of Object.entries(SERVER)) {
    it(`drops the data segment of the given number, once (${family})`, async () => {
      await withNetwork({ delayUs: 20 * MS, drop: ['data-3:9000', 'data-6:9000'] }, async (network) => {
        await listen(network.server, '::', PORT, { reply: true });
        const { received } = await connect(network.client, address, PORT, {
          send: 500,
          chunk: 100,
          receive: true,
        });
        assert.equal(received, 500);
        const { fromClient, fromServer } = await network.linkCounts();
        assert.deepEqual([fromClient.dropped['data-3:9000'], fromClient.dropped['data-6:9000']], [1, 0]);
        assert.equal(fromServer.dropped['data-3:9000'], 0);
        assert.equal(await clientCounter(network, 'Tcp.RetransSegs'), 1);
        // Chunks four and five and the FIN came before the third: no other chunk leaves so many.
        assert.equal((await network.server.snmp())['TcpExt.TCPOFOQueue'], 3);
      });
    });
  }

  it('counts the data of every connection to the given port, and nothing that is sent again', async () => {
    await withNetwork({ drop: ['data-1:9000', 'data-2:9000'] }, async (network) => {
      const options = { count: 3, send: 100, receive: true };
      for (const port of [PORT, OTHER_PORT]) {
        await listen(network.server, '::', port, { reply: true });
        assert.equal((await connect(network.client, SERVER.ipv4, port, options)).received, 300);
      }
      const { dropped } = await network.linkCounts();
      assert.deepEqual([dropped['data-1:9000'], dropped['data-2:9000']], [3, 0]);
    });
  });

  it('drops the data segment of the given number that the server sends', async () => {
    await withNetwork({ delayUs: 5 * MS, drop: ['server-data-2', 'server-data-8'] }, async (network) => {
      await listen(network.server, '::', PORT, { send: 10_007, close: true }); // seven segments
      const { received } = await connect(network.client, SERVER.ipv4, PORT, { receive: true });
      assert.equal(received, 10_007);
      const { fromClient, fromServer } = await network.linkCounts();
      assert.deepEqual([fromServer.dropped['server-data-2'], fromServer.dropped['server-data-8']], [1, 0]);
      assert.equal(fromClient.dropped['server-data-2'], 0);
      assert.equal((await network.server.snmp())['Tcp.RetransSegs'], 1);
      assert.equal(await clientCounter(network, 'Tcp.RetransSegs'), 0);
    });
  });

  it('drops every SYN to one port, which programs then give up on', async () => {
    await withNetwork({ drop: [`all-syn:${String(PORT)}`] }, async (network) => {
      await listen(network.server, '::', PORT);
      await listen(network.server, '::', OTHER_PORT);
      const lost = await connect(network.client, SERVER.ipv4, PORT, {
        count: 5,
        concurrent: 5,
        timeoutMs: 500,
      });
      assert.deepEqual([lost.ok, lost.abandoned, lost.errors], [0, 5, {}]);
      assert.equal((await connect(network.client, SERVER.ipv4, OTHER_PORT, { count: 5 })).ok, 5);
      assert.equal((await network.linkCounts()).dropped['all-syn:9000'], 5);
    });
  });

  it('drops every SYN-ACK, until the kernel gives up', async () => {
    await withNetwork({ drop: ['all-synack'] }, async (network) => {
      await network.client.sysctl('net.ipv4.tcp_syn_retries', 1);
      await network.client.sysctl('net.ipv4.tcp_syn_linear_timeouts', 0).catch(() => undefined); // from 6.5 on
      await listen(network.server, '::', PORT);
      const summary = await connect(network.client, SERVER.ipv4, PORT);
      assert.deepEqual(summary.errors, { ETIMEDOUT: 1 });
      assert.equal(await clientCounter(network, 'TcpExt.TCPSynRetrans'), 1);
    });
  });

  it('loses random segments, the same ones with the same seed', async () => {
    const losses: number[] = [];
    for (const seed of [7, 7, 8]) {
      await withNetwork({ lossPercent: 30, seed }, async (network) => {
        // One SYN a connection, given up before it is sent again, to a port that answers nothing but RST.
        await connect(network.client, SERVER.ipv4, PORT, { count: 100, timeoutMs: 50, concurrent: 100 });
        losses.push((await network.linkCounts()).fromClient.dropped.loss ?? NaN);
      });
    }
    const [first, again, other] = losses;
    assert.equal(first, again);
    assert.notEqual(first, other);
    assert.ok(first !== undefined && first > 10 && first < 50);
  });

  it('says which rules there are', async () => {
    await assert.rejects(
      Network.create({ drop: ['second-syn'] }),
      /link: 'second-syn' is no rule: use first-syn/,
    );
    await assert.rejects(Network.create({ drop: ['data-'] }), /link: 'data-' is no rule/);
    await assert.rejects(
      Network.create({ drop: ['server-data-0:9000'] }),
      /link: the number of a --drop rule must be a whole number from 1/,
    );
  });
});

describe('lab: a link that is cut', function () {
  this.timeout(20_000);
  this.slow(5000);

  for (const from of ['client', 'server'] as const) {
    it(`loses every segment until it is mended (from the ${from})`, async () => {
      await withNetwork({ cuttable: true }, async (network) => {
        const [opener, other] = from === 'client' ? [CLIENT, SERVER] : [SERVER, CLIENT];
        const sender = network[from];
        const receiver = from === 'client' ? network.server : network.client;
        await listen(receiver, '::', PORT);
        await network.cut();
        const options = { source: opener.ipv4, hold: true };
        const connecting = startConnect(sender, other.ipv4, PORT, options);
        let counts = await network.linkCounts();
        while (counts.dropped.cut === 0) counts = await network.linkCounts();
        await network.mend();
        assert.equal((await connecting.summary).ok, 1);

        const { fromClient, fromServer } = await network.linkCounts();
        const lost = { client: fromClient.dropped.cut, server: fromServer.dropped.cut };
        // Every SYN but the last one was lost, so each was sent again.
        assert.equal((await sender.snmp())['TcpExt.TCPSynRetrans'], lost[from]);
        assert.equal(lost[from === 'client' ? 'server' : 'client'], 0);
      });
    });
  }

  it('loses the data of connections that were made before', async () => {
    await withNetwork({ delayUs: MS, drop: ['data-2'] }, async (network) => {
      await listen(network.server, '::', PORT, { send: 100, close: true });
      const options = { send: 2, chunk: 1, chunkGapUs: 500 * MS, receive: true };
      const connecting = startConnect(network.client, SERVER.ipv4, PORT, options);
      while ((await network.server.snmp())['Tcp.PassiveOpens'] === 0) continue;
      await network.cut();
      while (((await network.linkCounts()).fromClient.dropped.cut ?? NaN) < 3) continue;
      await network.mend();
      const { received } = await connecting.summary;
      assert.equal(received, 100);
      const { dropped } = await network.linkCounts();
      assert.equal(dropped['data-2'], 0); // it was lost with the others
      assert.ok((await clientCounter(network, 'Tcp.RetransSegs')) >= 1);
    });
  });

  it('answers every question in turn, and cuts and mends once', async () => {
    await withNetwork({ cuttable: true }, async (network) => {
      const ask = () => network.linkCounts();
      const cutTwice = [network.cut(), ask(), network.cut(), ask()];
      const mendTwice = [network.mend(), ask(), network.mend(), ask()];
      for (const counts of await Promise.all([...cutTwice, ...mendTwice])) {
        if (counts) assert.equal(counts.dropped.cut, 0);
      }
      await listen(network.server, '::', PORT);
      assert.equal((await connect(network.client, SERVER.ipv4, PORT)).ok, 1);
    });
  });

  it('has to be asked for', async () => {
    await withNetwork({}, async (network) => {
      await assert.rejects(network.cut(), /Only a network with .* `cuttable` has a link/);
    });
  });
});
