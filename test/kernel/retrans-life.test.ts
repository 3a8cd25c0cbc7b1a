/** From start to end: a storm, the audit, and every way to stop. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Namespace, Network, SERVER, connect, listen, storm } from '#tcpscope/lab/network.js';
import { onHost } from '../features.js';
import { SLOWDOWN, fewer } from '../slowdown.js';
import { Unseen } from './unseen.js';
import { RUN, Tool, loadedPrograms, traceRetrans } from './tool.js';

const PORT = 9000;
/** Drops SYNs on their way in: their sender does not learn of it. */
const SILENCE = `table inet lab { chain in { type filter hook input priority 0; tcp dport ${PORT} drop; }; }`;
const STORM = { perSecond: fewer(10_000), seconds: 3 };

describe('retrans in a storm of retransmissions', function () {
  this.timeout(60_000);
  let host: Namespace;
  beforeEach(async () => {
    host = await Namespace.create('storm');
    await host.sysctl('net.ipv4.ip_local_port_range', '1024 65535');
    await host.exec('nft', ['-f', '-'], { input: SILENCE });
  });
  afterEach(() => host.destroy());

  const run = () => storm(host, STORM.perSecond, STORM.seconds, '127.0.0.1', PORT, { name: 'storm' });

  for (const transport of ['ring', 'perf']) {
    it(`${STORM.perSecond}/s through the ${transport} buffer: every one, with its owner`, async () => {
      let pid = 0;
      let connections = 0;
      const witness = await Unseen.start();
      const { rows, stderr } = await traceRetrans(
        ['--netns', host.name, '--transport', transport],
        async () => {
          ({ pid, connections } = await run());
        },
      );
      assert.equal(connections, STORM.perSecond * STORM.seconds);
      assert.match(stderr, /; 0 events lost/);
      const counters = await host.snmp();
      // The program gives each up after one; where it is late, there are more.
      const retransmitted = counters['TcpExt.TCPSynRetrans']!;
      assert.ok(retransmitted >= connections && retransmitted <= connections * SLOWDOWN, `${retransmitted}`);
      const unseen = retransmitted - rows.length;
      assert.ok(unseen >= 0 && unseen <= sum(witness.retransmissions()), `${unseen} not seen`);
      await witness.end();
      assert.deepEqual(
        [...new Set(rows.map((row) => `${row.kind} ${row.pid} ${row.comm}`))],
        [`syn ${pid} storm`],
      );
    });
  }

  it('in a table by flow: bounded memory, the rest in "other" or counted', async () => {
    const tool = await Tool.start(['retrans', '--by', 'flow', '--csv', '--netns', host.name, '--top', '5']);
    const before = residentBytes(tool.process.pid!);
    await run();
    const after = residentBytes(tool.process.pid!);
    const { code, stderr } = await tool.stop();
    assert.equal(code, 0);
    assert.match(stderr, /; 0 events lost/);
    assert.ok(after - before < 150e6, `${before} to ${after} bytes`);
  });

  // In guests, test/native loses events of smaller buffers, in a moment.
  onHost.it('counts what a reader that stands still loses', async () => {
    const witness = await Unseen.start();
    const tool = await Tool.start(['retrans', '--json', '--netns', host.name]);
    tool.process.kill('SIGSTOP');
    const { connections } = await run();
    tool.process.kill('SIGCONT');
    const { stderr, code } = await tool.stop();
    assert.equal(code, 0);
    const lost = Number(/([\d,]+) events? lost/.exec(stderr)?.[1]?.replaceAll(',', ''));
    assert.ok(lost > 0, stderr);
    const unseen = connections - tool.retransRows().length - lost;
    assert.ok(unseen >= 0 && unseen <= sum(witness.retransmissions()), `${unseen} not seen`);
    await witness.end();
  });
});

describe('the life of retrans', function () {
  this.timeout(30_000);
  let network: Network;
  before(async () => {
    network = await Network.create({ delayUs: 2000, drop: [`data-3:${PORT}`] });
    await listen(network.server, SERVER.ipv4, PORT, { close: true });
  });
  after(() => network.destroy());
  let loaded: number[];
  beforeEach(() => {
    loaded = loadedPrograms();
  });
  afterEach('nothing stays behind', () => {
    while (loadedPrograms().some((id) => !loaded.includes(id))) {
      // The kernel frees programs a little after their process; mocha's time-out bounds the loop.
    }
  });

  const lose = (count: number) => connect(network.client, SERVER.ipv4, PORT, { count, send: 20_000 });

  it('agrees with RetransSegs of the whole host', async () => {
    const { rows, stderr } = await traceRetrans([], () => lose(7));
    const ours = rows.filter(({ netns }) => netns === network.client.inode);
    assert.equal(ours.length, 7);
    const audit = /agrees with the kernel \(RetransSegs (?:\+[\d,]+ to )?\+([\d,]+)/.exec(stderr);
    assert.ok(Number(audit?.[1]) >= 7, stderr);
  });

  it('differs and says why, where it did not see everything', async () => {
    const tool = await Tool.start(['retrans', '--json', '--by', 'remote', '--interval', '1s']);
    await lose(3);
    const { stderr, code } = await tool.stop('SIGTERM');
    assert.equal(code, 0);
    assert.match(stderr, /(agrees with|differs from) the kernel/);
  });

  it('--count ends it', async () => {
    const tool = await Tool.start(['retrans', '--count', '3', '--json', '--netns', network.client.name]);
    await lose(5);
    const { code } = await tool.wait();
    assert.equal(code, 0);
    assert.equal(tool.retransRows().length, 3);
  });

  it('ends quietly when its reader has gone', async () => {
    const shell = network.client.spawn('sh', ['-c', `"$0" ${RUN} retrans | sed -u 2q`, process.execPath]);
    // The header comes once it traces.
    assert.match(await shell.nextLine(), /^TIME .*KIND .*STALL/);
    // Who writes to a closed pipe learns of it; who writes nothing does not.
    const ended = shell.exited.then(() => true);
    while (!(await Promise.race([ended, lose(1).then(() => false)])));
    const { stdout, stderr } = await shell.output();
    assert.equal(stdout.trimEnd().split('\n').length, 2);
    assert.doesNotMatch(stderr, /Error|EPIPE/);
  });

  it('leaves nothing when it is killed', async () => {
    const tool = await Tool.start(['retrans', '--by', 'pid', '--json']);
    assert.ok(loadedPrograms().length > loaded.length);
    const { signal } = await tool.stop('SIGKILL');
    assert.equal(signal, 'SIGKILL');
  });

  it('says what privilege it needs', () => {
    const nobody = ['--reuid', '65534', '--clear-groups', process.execPath, RUN, 'retrans'];
    assert.throws(
      () => execFileSync('setpriv', nobody, { stdio: 'pipe' }),
      (error: { status: number; stderr: Buffer }) => {
        assert.equal(error.status, 77);
        assert.match(String(error.stderr), /Run: sudo \//);
        return true;
      },
    );
  });
});

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}

function residentBytes(pid: number): number {
  return 1024 * Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
