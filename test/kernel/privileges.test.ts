/** What is left of root once it traces, and that everything works with that. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { CAPABILITY, type Capability } from '#tcpscope/model/capability.js';
import { Namespace, Network, SERVER, connect, listen } from '#tcpscope/lab/network.js';
import { FakeHostRoot, TestCgroups } from './cgroup.js';
import { threadPrivileges } from './thread-status.js';
import { ROOT, Tool, loadedPrograms } from './tool.js';

const NOBODY = 65_534;
const POD_UID = '5f8d3c1e-1111-4222-8333-944445555666';
const CONTAINER_ID = '7'.repeat(64);
const POD_SLICE = `tcpscope-privileges.slice/kubepods-pod${POD_UID.replaceAll('-', '_')}.slice`;
const CONTAINER = `${POD_SLICE}/cri-containerd-${CONTAINER_ID}.scope`;
/** Other tests' namespaces, in which nobody may live, are not seen. */
const WITHOUT_NAMED = ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /run/netns; exec "$@"', 'sh'];

const bits = (...names: Capability[]): bigint =>
  names.reduce((set, name) => set | (1n << BigInt(CAPABILITY[name])), 0n);
const USUAL = bits('CAP_BPF', 'CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH');

/** One thread has these capabilities, the others none; nobody gains any. */
function assertLeast({ process }: Tool, kept: bigint, uid: number): void {
  const threads = threadPrivileges(process.pid!);
  assert.ok(threads.length > 5, `${threads.length} threads`);
  for (const { isMain, bounding, ...thread } of threads) {
    const own = isMain ? kept : 0n;
    const capabilities = { permitted: own, effective: own, inheritable: 0n, ambient: 0n };
    assert.deepEqual(thread, { uid, ...capabilities, noNewPrivileges: true, seccomp: 2 });
    if (uid === NOBODY) assert.equal(bounding, 0n);
  }
}

describe('privileges once it traces', function () {
  this.timeout(60_000);
  let host: Namespace;
  let folder: string;
  let loaded: number[];
  before(async () => {
    host = await Namespace.create('privileges');
    await listen(host, '127.0.0.1', 9000, { reply: true });
    folder = mkdtempSync(path.join(tmpdir(), 'privileges-'));
  });
  beforeEach(() => {
    loaded = loadedPrograms();
  });
  afterEach(async () => {
    while (loadedPrograms().length > loaded.length) await setImmediate();
    assert.deepEqual(loadedPrograms(), loaded, 'programs are left in the kernel');
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await host.destroy();
  });

  it('connlat: nobody, with three capabilities in one thread; rows, recording, summary and audit are there', async () => {
    const file = path.join(folder, 'connlat.tcpscope');
    const tool = await Tool.start(['connlat', '--json', '--record', file], { wrapper: WITHOUT_NAMED });
    assertLeast(tool, USUAL, NOBODY);
    await connect(host, '127.0.0.1', 9000, { count: 23 });
    await tool.rowsUntil((rows) => rows.filter(({ netns }) => netns === host.inode).length === 23);
    // Threads that began meanwhile, to compress and to write, have no more than the one that began them.
    for (const { uid, permitted } of threadPrivileges(tool.process.pid!)) {
      assert.equal(uid, NOBODY);
      assert.equal(permitted & ~USUAL, 0n);
    }
    const { code, stderr } = await tool.stop();
    assert.equal(code, 0, stderr);
    assert.match(stderr, /agrees with the kernel \(ActiveOpens/);
    assert.match(stderr, /recorded [\d,]+ events in /);
    assert.equal(statSync(file).uid, 0, 'the recording is of who started it');
    const replay = Tool.spawn(['replay', file, '--json']);
    await replay.wait();
    assert.equal(replay.rows().length, tool.rows().length);
  });

  it('listens to no debugger, whom other processes of nobody could call', async () => {
    const tool = await Tool.start(['connlat', '--json', '--netns', host.name]);
    const words = ['--reuid=65534', '--regid=65534', '--clear-groups', 'sh', '-c', 'kill -USR1 "$0"'];
    execFileSync('setpriv', [...words, String(tool.process.pid)]);
    await connect(host, '127.0.0.1', 9000, { count: 3 });
    const { code, stderr } = await tool.stop();
    assert.equal(code, 0);
    assert.equal(tool.rows().length, 3);
    assert.doesNotMatch(stderr, /Debugger/);
  });

  it('finds containers by files that only root may read', async () => {
    const cgroups = new TestCgroups();
    const root = new FakeHostRoot();
    try {
      assert.equal(statSync(root.path).mode & 0o077, 0, 'for root alone');
      cgroups.make(CONTAINER);
      root.addKubeletLog('shop', 'web-7f9', POD_UID, 'app', CONTAINER_ID);
      const args = ['connlat', '--by', 'container', '--json', '--host-root', root.path, '--port', '1'];
      const tool = await Tool.start(args, root);
      assertLeast(tool, USUAL, NOBODY);
      cgroups.refused(CONTAINER, 3);
      const { code, stdout, stderr } = await tool.stop();
      assert.equal(code, 0, stderr);
      assert.match(stdout, /"container":"shop\/web-7f9\/app"/);
    } finally {
      cgroups.removeAll();
      root.remove();
    }
  });

  it('retrans: nobody finds owners of sockets that are older than it', async () => {
    const network = await Network.create({ delayUs: 5000, drop: ['server-data-3:9000'] });
    try {
      const server = await listen(network.server, SERVER.ipv4, 9000, { name: 'server', reply: true });
      const tool = await Tool.start(['retrans', '--json', '--netns', network.server.name]);
      assertLeast(tool, USUAL, NOBODY);
      const much = { count: 5, send: 20_000, receive: true, name: 'client' };
      await connect(network.client, SERVER.ipv4, 9000, much);
      const { code, stderr } = await tool.stop();
      assert.equal(code, 0, stderr);
      const rows = tool.retransRows();
      assert.ok(rows.length >= 5, `${rows.length} rows`);
      for (const { pid, comm } of rows) assert.deepEqual([pid, comm], [server.pid, 'server']);
      assert.equal(rows[0]!.netns_name, network.server.name);
    } finally {
      await network.destroy();
    }
  });

  it('keeps CAP_SYS_ADMIN where the audit has to enter a namespace in which nobody lives', async () => {
    const empty = await Namespace.create('empty');
    try {
      const tool = await Tool.start(['connlat', '--json']);
      assertLeast(tool, USUAL | bits('CAP_SYS_ADMIN'), NOBODY);
      await connect(empty, '127.0.0.1', 9000, { count: 7 });
      const { code, stderr } = await tool.stop();
      assert.equal(code, 0, stderr);
      assert.equal(tool.rows().filter(({ netns }) => netns === empty.inode).length, 7);
      assert.match(stderr, /agrees with the kernel \(ActiveOpens/);
      assert.doesNotMatch(stderr, /could not be read/);
    } finally {
      await empty.destroy();
    }
  });

  it('retrans --by: nobody, and what sockets have sent is counted', async () => {
    const args = ['retrans', '--by', 'comm', '--json', '--netns', host.name];
    const tool = await Tool.start(args);
    assertLeast(tool, USUAL, NOBODY);
    await connect(host, '127.0.0.1', 9000, { count: 5, send: 20_000, receive: true, name: 'sender' });
    const { code, stderr } = await tool.stop();
    assert.equal(code, 0, stderr);
    assert.match(stderr, /0% of [1-9]/);
  });

  it('stays root, with the same few capabilities, where only the socket of docker knows names', async () => {
    const root = new FakeHostRoot();
    mkdirSync(path.join(root.path, 'run'));
    const docker = createServer().listen(path.join(root.path, 'run/docker.sock'));
    try {
      const tool = await Tool.start(['connlat', '--host-root', root.path, '--netns', 'self'], root);
      assertLeast(tool, USUAL, 0);
      const { code, stderr } = await tool.stop();
      assert.equal(code, 0, stderr);
    } finally {
      docker.close();
      root.remove();
    }
  });

  it('started by nobody with capabilities: gives up the ones that only loading needs', async () => {
    const capabilities = '+bpf,+perfmon,+sys_ptrace';
    const wrapper = [
      ...[
        'unshare',
        '-m',
        'sh',
        '-c',
        `mount --bind '${ROOT}' /mnt; mount -t tmpfs none /run/netns; exec "$@"`,
        'sh',
      ],
      ...['setpriv', '--reuid=1', '--regid=1', '--clear-groups', `--inh-caps=${capabilities}`],
      ...[`--ambient-caps=${capabilities}`, `--bounding-set=-all,${capabilities}`],
    ];
    const tool = await Tool.start(['connlat', '--json'], { wrapper, program: '/mnt/bin/run.js' });
    assertLeast(tool, bits('CAP_BPF', 'CAP_SYS_PTRACE'), 1);
    await connect(host, '127.0.0.1', 9000, { count: 7 });
    const { code, stderr } = await tool.stop();
    assert.equal(code, 0, stderr);
    assert.equal(tool.rows().filter(({ netns }) => netns === host.inode).length, 7);
    assert.match(stderr, /agrees with the kernel/);
  });

  it('root in a container that may not change users: the same few capabilities', async () => {
    const wrapper = ['setpriv', '--bounding-set=-all,+bpf,+perfmon,+sys_ptrace,+dac_read_search'];
    const tool = await Tool.start(['connlat', '--netns', 'self'], { wrapper });
    assertLeast(tool, USUAL, 0);
    const { code, stderr } = await tool.stop();
    assert.equal(code, 0, stderr);
  });
});
