import assert from 'node:assert/strict';
import { Namespace, storm } from '#tcpscope/lab/network.js';
import { growth } from './growth.js';

const HOST = '127.0.0.1';
const PORT = 9000;

/** Drops the SYNs on their way in: their sender does not learn of it. */
const SILENCE = `
  table inet lab {
    chain incoming {
      type filter hook input priority 0
      tcp dport ${String(PORT)} counter drop
    }
  }`;

describe('lab: a storm of SYNs that are sent again', function () {
  this.timeout(20_000);
  this.slow(5000);

  let host: Namespace;
  beforeEach(async () => {
    host = await Namespace.create();
    await host.sysctl('net.ipv4.ip_local_port_range', '1024 65535');
  });
  afterEach(() => host.destroy());

  for (const address of [HOST, '::ffff:127.0.0.1']) {
    it(`sends one SYN of every connection again (${address})`, async () => {
      await host.exec('nft', ['-f', '-'], { input: SILENCE });
      let connections = 0;
      const sentAgain = await growth(host, 'TcpExt.TCPSynRetrans', async () => {
        ({ connections } = await storm(host, 2000, 1, address, PORT));
      });
      assert.equal(connections, 2000);
      assert.equal(sentAgain, 2000);
      const { stdout } = await host.exec('nft', ['list', 'chain', 'inet', 'lab', 'incoming']);
      assert.match(stdout, /counter packets 4000 /);
      assert.equal((await host.snmp())['Tcp.ActiveOpens'], 2000);
    });
  }

  it('says so when SYNs are answered', async () => {
    await assert.rejects(storm(host, 10, 1, HOST, PORT), /traffic: a connect was answered/);
  });
});
