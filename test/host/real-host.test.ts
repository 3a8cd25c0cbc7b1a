/** The same against this kernel: cgroups and network namespaces that the tests make, and remove. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { NetnsNames } from '#tcpscope/host/netns-names.js';
import { Workloads } from '#tcpscope/host/workloads.js';
import { Namespace } from '#tcpscope/lab/namespace.js';
import { ID, OTHER_ID, POD_UID, SECOND } from './fake-host.js';

const MOUNT = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].find((folder) =>
  existsSync(path.join(folder, 'cgroup.controllers')),
);
/** Not a name that a kubelet of this host could have. */
const TOP = `/tcpscope-test-${process.pid}`;
const POD = `${TOP}/kubepods.slice/kubepods-pod${POD_UID.replaceAll('-', '_')}.slice`;

describe('on this host', function () {
  const folders: string[] = [];
  const children: ChildProcess[] = [];

  before(() => {
    assert.equal(process.getuid?.(), 0, 'the tests run as root');
    assert.ok(MOUNT !== undefined, 'cgroup v2 is mounted');
  });

  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    for (const folder of folders.splice(0).reverse()) rmdirSync(folder);
  });

  function makeCgroup(cgroup: string): number {
    const steps = cgroup.split('/').filter((step) => step !== '');
    for (let depth = 1; depth <= steps.length; depth++) {
      const folder = path.join(MOUNT!, ...steps.slice(0, depth));
      if (existsSync(folder)) continue;
      mkdirSync(folder);
      folders.push(folder);
    }
    return statSync(path.join(MOUNT!, cgroup)).ino;
  }

  /** Starts a program that waits, in a cgroup if one is given. */
  async function start(command: readonly string[], cgroup?: string): Promise<number> {
    const child = spawn(command[0]!, command.slice(1), { stdio: 'ignore' });
    children.push(child);
    await once(child, 'spawn');
    if (cgroup !== undefined) writeFileSync(path.join(MOUNT!, cgroup, 'cgroup.procs'), String(child.pid));
    return child.pid!;
  }

  it('the numbers of cgroups are found by a scan, and by the owner without one', async () => {
    const workloads = new Workloads({ hostRoot: '/' });
    assert.equal(workloads.cgroups.mount, MOUNT);
    const cgroup = `${POD}/cri-containerd-${ID}.scope`;
    const number = makeCgroup(cgroup);
    const pid = await start(['sleep', '60'], cgroup);
    assert.equal(workloads.of(number, pid, 0)?.cgroup, cgroup);
    assert.equal(workloads.cgroups.scans.looks, 0);
    const other = makeCgroup(`${POD}/cri-containerd-${OTHER_ID}.scope`);
    assert.equal(workloads.of(other, 0, 0)?.containerId, OTHER_ID);
    assert.equal(workloads.cgroups.scans.looks, 1);
    assert.equal(workloads.ofProcess(pid, 0), workloads.of(number, pid, 0));
  });

  it('a cgroup that has gone stays known, and a new one of that name has another number', () => {
    const workloads = new Workloads({ hostRoot: '/' });
    const cgroup = `${TOP}/system.slice/web.service`;
    const number = makeCgroup(cgroup);
    assert.equal(workloads.of(number, 0, 0)?.name, 'web.service');
    rmdirSync(folders.pop()!);
    const again = makeCgroup(cgroup);
    assert.notEqual(again, number);
    assert.equal(workloads.of(number, 0, 2 * SECOND)?.name, 'web.service');
    assert.equal(workloads.of(again, 0, 2 * SECOND)?.name, 'web.service');
  });

  it('leaves of the hierarchy have two links, which the scan goes by', () => {
    makeCgroup(`${TOP}/leaf`);
    assert.equal(statSync(path.join(MOUNT!, TOP, 'leaf')).nlink, 2);
    assert.equal(statSync(path.join(MOUNT!, TOP)).nlink, 3);
  });

  it('--cgroup finds them', () => {
    const workloads = new Workloads({ hostRoot: '/' });
    const number = makeCgroup(`${TOP}/web.service`);
    assert.equal(workloads.cgroupIdOf(`${TOP}/web.service`), number);
    assert.equal(workloads.cgroupIdOf(`${MOUNT!}${TOP}/web.service`), number);
    assert.throws(() => workloads.cgroupIdOf(`${TOP}/wbe.service`), { exitCode: 2 });
  });

  it('the start of a process is read from the right field', async () => {
    const pid = await start(['sleep', '60']);
    const cgroup = `${TOP}/first.service`;
    makeCgroup(cgroup);
    writeFileSync(path.join(MOUNT!, cgroup, 'cgroup.procs'), String(pid));
    const workloads = new Workloads({ hostRoot: '/' });
    assert.match(workloads.ofProcess(pid, 0)?.name ?? '', /^first\.service$/);
    process.kill(pid, 'SIGKILL');
    await once(children[0]!, 'exit');
    assert.equal(workloads.ofProcess(pid, SECOND)?.name, 'first.service');
  });

  it('network namespaces have the name of the host, of `ip netns`, or of who lives there', async () => {
    const workloads = new Workloads({ hostRoot: '/' });
    const names = new NetnsNames({ hostRoot: '/', workloads });
    const netnsOf = (pid: number | string): string => readlinkSync(`/proc/${pid}/ns/net`);
    const numberOf = (pid: number | string): number => Number(/\d+/.exec(netnsOf(pid))![0]);
    // PID 1 itself may not show its namespace; this runs in it.
    assert.equal(statSync('/proc/1/net/snmp').ino, statSync('/proc/self/net/snmp').ino);
    assert.equal(names.of(numberOf('self'), 0), 'host');
    const namespace = await Namespace.create('names');
    try {
      assert.equal(names.of(namespace.inode, 0), namespace.name);
      const cgroup = `${TOP}/docker/${ID}`;
      makeCgroup(cgroup);
      const pid = await start(['unshare', '--net', 'sleep', '60'], cgroup);
      const end = performance.now() + 10_000;
      while (netnsOf(pid) === netnsOf('self') && performance.now() < end) await turn();
      assert.equal(names.of(numberOf(pid), SECOND), ID.slice(0, 12));
    } finally {
      await namespace.destroy();
    }
  });

  it('this host is read right', () => {
    const lines = readFileSync('/proc/1/cgroup', 'utf8').trim().split('\n');
    const hasV1 = lines.some((line) => !line.startsWith('0::'));
    assert.equal(new Workloads({ hostRoot: '/' }).cgroups.hasV1, hasV1);
  });
});
