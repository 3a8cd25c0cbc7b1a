import assert from 'node:assert/strict';
import { connect, listen, Network, SERVER, startConnect, type Connecting } from '#tcpscope/lab/network.js';
import { growth } from './growth.js';

const PORT = 9000;

describe('lab: data', function () {
  this.timeout(20_000);
  this.slow(2000);

  let network: Network;
  before(async () => {
    network = await Network.create({ delayUs: 10_000 });
  });
  after(() => network.destroy());

  it('a listener sends to every connection', async () => {
    const listener = await listen(network.server, '::', PORT, { send: 100_003, close: true });
    const bytes = await growth(network.client, 'IpExt.InOctets', async () => {
      const { received } = await connect(network.client, SERVER.ipv4, PORT, { count: 3, receive: true });
      assert.equal(received, 300_009);
    });
    assert.ok(bytes > 300_009 && bytes < 340_000, `${String(bytes)} bytes came`);
    assert.equal((await listener.stop()).accepted, 3);
  });

  it('a listener sends more than fits into its buffer, while it reads', async () => {
    const listener = await listen(network.server, '::', PORT, { send: 20_000_003, close: true });
    const options = { send: 1_000_003, receive: true };
    assert.equal((await connect(network.client, SERVER.ipv6, PORT, options)).received, 20_000_003);
    await listener.stop();
  });

  it('a listener that has sent keeps connections open unless told otherwise', async () => {
    const listener = await listen(network.server, '::', PORT, { send: 1009 });
    const connecting = startConnect(network.client, SERVER.ipv4, PORT, { count: 1, receive: true });
    // The peer has closed, and has acknowledged everything: nothing in the queue of what was sent.
    const waiting = ['-Htn', 'state', 'close-wait'];
    while (!/^\d+ +0 /.test((await network.server.exec('ss', waiting)).stdout)) continue;
    await listener.stop();
    assert.equal((await connecting.summary).received, 1009);
  });

  for (const [count, concurrent] of [
    [11, 1],
    [53, 50],
  ] as const) {
    it(`a listener replies with as much as came, and closes: ${String(concurrent)} at a time`, async () => {
      const listener = await listen(network.server, '::', PORT, { reply: true });
      const options = { count, concurrent, send: 20_011, receive: true };
      const opened = await growth(network.client, 'Tcp.ActiveOpens', async () => {
        const summary = await connect(network.client, SERVER.ipv4, PORT, options);
        assert.equal(summary.ok, count);
        assert.equal(summary.received, count * 20_011);
      });
      assert.equal(opened, count);
      assert.equal((await network.server.snmp())['Tcp.CurrEstab'], 0);
      assert.equal((await listener.stop()).accepted, count);
    });
  }

  it('sends each chunk as a segment, even more than may be on their way at once', async () => {
    const listener = await listen(network.server, '::', PORT, { close: true });
    for (const chunkGapUs of [0, 1000]) {
      const options = { send: 301, chunk: 7, chunkGapUs, hold: true }; // held: a FIN would be counted, too
      let connecting: Connecting | undefined;
      const segments = await growth(network.client, 'TcpExt.TCPOrigDataSent', async () => {
        connecting = startConnect(network.client, SERVER.ipv4, PORT, options);
        await connecting.summary;
        const held = ['-Htn', 'state', 'established'];
        while (!/^\d+ +0 /.test((await network.client.exec('ss', held)).stdout)) continue;
      });
      assert.equal(segments, 43);
      await connecting?.stop();
    }
    await listener.stop();
  });

  it('waits between chunks', async () => {
    const listener = await listen(network.server, '::', PORT, { close: true });
    const start = performance.now();
    await connect(network.client, SERVER.ipv4, PORT, { send: 5, chunk: 1, chunkGapUs: 50_000 });
    assert.ok(performance.now() - start >= 200);
    await listener.stop();
  });
});
