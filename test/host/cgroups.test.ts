/** Numbers of cgroups to their paths. */
import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { BoundedMap } from '#tcpscope/host/bounded-map.js';
import { CgroupPaths } from '#tcpscope/host/cgroups.js';
import { asNobody, hosts, ID, OTHER_ID, SECOND } from './fake-host.js';

const newHost = hosts();
const V2_INIT = { cgroup: '0::/init.scope' };
const V1_INIT = { cgroup: '5:memory:/\n1:name=systemd:/init.scope' };
const HYBRID_INIT = { cgroup: '5:memory:/\n1:name=systemd:/init.scope\n0::/init.scope' };

describe('the cgroup v2 hierarchy', () => {
  it('is where it is mounted, of hosts with only that and of hybrid ones', () => {
    const pure = newHost();
    assert.equal(new CgroupPaths(pure.root).mount, pure.at('/sys/fs/cgroup'));
    const hybrid = newHost('/sys/fs/cgroup/unified');
    assert.equal(new CgroupPaths(hybrid.root).mount, hybrid.at('/sys/fs/cgroup/unified'));
  });

  it('may be mounted anywhere: the table of mounts says so', () => {
    const line = '41 31 0:38 / /mnt/two\\040words rw,relatime shared:9 - cgroup2 cgroup2 rw\n';
    const host = newHost('/mnt/two words').file('/proc/1/mountinfo', line);
    assert.equal(new CgroupPaths(host.root).mount, host.at('/mnt/two words'));
    const old = newHost('/cgroup2').file('/proc/mounts', 'cgroup2 /cgroup2 cgroup2 rw 0 0\n');
    assert.equal(new CgroupPaths(old.root).mount, old.at('/cgroup2'));
  });

  it('is found where the mount table has the root before it, as a container sees it', () => {
    const host = newHost();
    host.file('/proc/self/mountinfo', `41 31 0:38 / ${host.at('/sys/fs/cgroup')} rw - cgroup2 cgroup2 rw\n`);
    assert.equal(new CgroupPaths(host.root).mount, host.at('/sys/fs/cgroup'));
  });

  it('is missing on hosts with cgroup v1 only', () => {
    const host = newHost(null).folder('/sys/fs/cgroup/memory').process(1, V1_INIT);
    const paths = new CgroupPaths(host.root);
    assert.deepEqual([paths.mount, paths.hasV1], [undefined, true]);
    assert.equal(paths.find(77, 0, 0), undefined);
  });
});

describe('a scan for a number', () => {
  it('finds folders at any depth, and does not follow links', () => {
    const host = newHost();
    const deep = host.cgroup('/a/b/c/d/e');
    host.link('/sys/fs/cgroup/a/loop', '..').link('/sys/fs/cgroup/self', 'self');
    const paths = new CgroupPaths(host.root);
    assert.deepEqual(paths.find(deep, 0, 0), { path: '/a/b/c/d/e', ofSocket: true });
  });

  it('comes at once the first time, then at most once a second', () => {
    const host = newHost();
    const paths = new CgroupPaths(host.root);
    const first = host.cgroup('/first');
    assert.equal(paths.find(first, 0, 0)?.path, '/first');
    const second = host.cgroup('/second');
    assert.equal(paths.find(second, 0, 0.9 * SECOND), undefined);
    assert.equal(paths.scans.looks, 1);
    assert.equal(paths.find(second, 0, SECOND)?.path, '/second');
    assert.equal(paths.scans.looks, 2);
  });

  it('is not repeated for 10 s for what it did not find', () => {
    const host = newHost();
    const paths = new CgroupPaths(host.root);
    const absent = 2 ** 40;
    for (let at = 0; at < 10; at += 0.5) assert.equal(paths.find(absent, 0, at * SECOND), undefined);
    assert.equal(paths.scans.looks, 1);
    paths.find(absent, 0, 10 * SECOND);
    assert.equal(paths.scans.looks, 2);
  });

  it('is not needed for a cgroup that the kernel told of, or that the owner is in', () => {
    const host = newHost().process(1, V2_INIT).process(70, { cgroup: '0::/of/owner', startTicks: 5 });
    const owners = host.cgroup('/of/owner');
    const paths = new CgroupPaths(host.root);
    paths.learn(4711, '/told');
    assert.equal(paths.find(4711, 0, 0)?.path, '/told');
    assert.deepEqual(paths.find(owners, 70, 0), { path: '/of/owner', ofSocket: true });
    assert.equal(paths.scans.looks, 0);
  });

  it('does not believe that a socket is where its owner is if the number is another', () => {
    const host = newHost().process(1, V2_INIT).process(70, { cgroup: '0::/of/owner', startTicks: 5 });
    host.cgroup('/of/owner');
    const sockets = host.cgroup('/of/socket');
    assert.equal(new CgroupPaths(host.root).find(sockets, 70, 0)?.path, '/of/socket');
  });

  it('leaves what has gone known', () => {
    const host = newHost();
    const short = host.cgroup('/short');
    const paths = new CgroupPaths(host.root);
    paths.find(short, 0, 0);
    host.removeCgroup('/short');
    paths.find(2 ** 40, 0, 2 * SECOND);
    assert.equal(paths.scans.looks, 2);
    assert.equal(paths.find(short, 0, 3 * SECOND)?.path, '/short');
  });

  it('passes over folders that may not be read', () => {
    const host = newHost();
    const hidden = host.cgroup('/hidden/inside');
    const open = host.cgroup('/open/inside');
    chmodSync(host.root, 0o755);
    chmodSync(host.at('/sys/fs/cgroup/hidden'), 0o700);
    const paths = new CgroupPaths(host.root);
    assert.deepEqual(
      asNobody(() => [paths.find(hidden, 0, 0)?.path, paths.find(open, 0, 0)?.path]),
      [undefined, '/open/inside'],
    );
  });
});

describe('the cgroup of the owner', () => {
  it('tells where there is no v2 hierarchy', () => {
    const host = newHost(null).process(1, V1_INIT);
    host.process(70, {
      cgroup: `5:memory:/docker/${ID}\n1:name=systemd:/system.slice/x.service`,
      startTicks: 5,
    });
    const paths = new CgroupPaths(host.root);
    assert.deepEqual(paths.find(0, 70, 0), { path: `/docker/${ID}`, ofSocket: false });
    assert.equal(paths.find(0, 71, 0), undefined);
  });

  it('tells more where runtimes use v1 hierarchies alone', () => {
    const host = newHost('/sys/fs/cgroup/unified').process(1, HYBRID_INIT);
    const service = host.cgroup('/system.slice/docker.service');
    host.process(70, { cgroup: `5:memory:/docker/${ID}\n0::/system.slice/docker.service`, startTicks: 5 });
    const paths = new CgroupPaths(host.root);
    assert.equal(paths.find(service, 70, 0)?.path, `/docker/${ID}`);
    assert.equal(paths.find(service, 0, 0)?.path, '/system.slice/docker.service');
  });

  it('does not tell of a socket that is in another cgroup', () => {
    const host = newHost('/sys/fs/cgroup/unified').process(1, HYBRID_INIT);
    const service = host.cgroup('/system.slice/web.socket');
    host.process(70, { cgroup: `5:memory:/docker/${ID}\n0::/system.slice/docker.service`, startTicks: 5 });
    assert.equal(new CgroupPaths(host.root).find(service, 70, 0)?.path, '/system.slice/web.socket');
  });

  it('is that of the process with this number now, told by its start', () => {
    const host = newHost(null).process(1, V1_INIT);
    host.process(70, { cgroup: `5:memory:/docker/${ID}`, startTicks: 5 });
    const paths = new CgroupPaths(host.root);
    assert.equal(paths.find(0, 70, 0)?.path, `/docker/${ID}`);
    host.process(70, { cgroup: `5:memory:/docker/${OTHER_ID}`, startTicks: 6 });
    assert.equal(paths.find(0, 70, 0.2 * SECOND)?.path, `/docker/${OTHER_ID}`);
    // At the root, as one that is not yet where it belongs: nothing of the process before.
    host.process(70, { cgroup: '5:memory:/', startTicks: 7 });
    assert.equal(paths.find(0, 70, 0.4 * SECOND), undefined);
  });

  it('is remembered when the process has ended, waited for or not', () => {
    const host = newHost(null).process(1, V1_INIT);
    host.process(70, { cgroup: `5:memory:/docker/${ID}`, startTicks: 5 });
    const paths = new CgroupPaths(host.root);
    paths.find(0, 70, 0);
    host.process(70, { cgroup: '5:memory:/', startTicks: 5 });
    assert.equal(paths.find(0, 70, 0.2 * SECOND)?.path, `/docker/${ID}`);
    host.remove('/proc/70');
    assert.equal(paths.find(0, 70, 0.4 * SECOND)?.path, `/docker/${ID}`);
  });
});

describe('BoundedMap', () => {
  it('forgets what was set longest ago', () => {
    const map = new BoundedMap<string, number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.set('a', 3);
    map.set('c', 4);
    assert.deepEqual([map.get('a'), map.get('b'), map.get('c'), map.size], [3, undefined, 4, 2]);
  });
});
