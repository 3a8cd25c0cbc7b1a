/** Names of network namespaces. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { NetnsNames } from '#tcpscope/host/netns-names.js';
import { Workloads } from '#tcpscope/host/workloads.js';
import { type FakeHost, hosts, ID, OTHER_ID, POD_UID, SECOND } from './fake-host.js';

const newHost = hosts();
const HOST_NETNS = 4026531840;
const NETNS = 4026532600;
const APP = `0::/kubepods/burstable/pod${POD_UID}/${ID}`;

function hostWithPod(): FakeHost {
  return newHost()
    .process(1, { cgroup: '0::/init.scope', netns: HOST_NETNS })
    .link(`/var/log/containers/cart-7d9f_shop_app-${ID}.log`, '/nowhere');
}

function namesOf(host: FakeHost): NetnsNames {
  return new NetnsNames({ hostRoot: host.root, workloads: new Workloads({ hostRoot: host.root }) });
}

/** Makes what `ip netns add` makes. @returns the number of the namespace */
function named(host: FakeHost, name: string): number {
  host.file(`/run/netns/${name}`);
  return statSync(host.at(`/run/netns/${name}`)).ino;
}

describe('NetnsNames', () => {
  it('know the host, without looking around', () => {
    const names = namesOf(hostWithPod());
    assert.equal(names.of(HOST_NETNS, 0), 'host');
    assert.equal(names.looks.looks, 0);
  });

  it('know the host where PID 1 does not show its namespace, by who sees the same counters', () => {
    const hidden = (counters: string): FakeHost =>
      newHost()
        .process(1, { cgroup: '0::/init.scope' })
        .file('/proc/1/net/snmp')
        .file('/proc/self/net/snmp')
        .process(2, { netns: HOST_NETNS })
        .link('/proc/2/net', counters);
    assert.equal(namesOf(hidden('../1/net')).of(HOST_NETNS, 0), 'host');
    assert.equal(namesOf(hidden('../self/net')).of(HOST_NETNS, 0), undefined);
  });

  it('take process 1 of a container with processes of its own for no host', () => {
    const inPidNamespace = (number: number): FakeHost =>
      newHost()
        .process(1, { cgroup: '0::/init.scope', netns: NETNS })
        .link('/proc/1/ns/pid', `pid:[${number}]`);
    // PROC_PID_INIT_INO of include/linux/proc_ns.h.
    assert.equal(namesOf(inPidNamespace(4026531836)).of(NETNS, 0), 'host');
    assert.equal(namesOf(inPidNamespace(4026532999)).of(NETNS, 0), 'init.scope');
  });

  it('know names of `ip netns`, which count more than who lives there', () => {
    const host = hostWithPod();
    const red = named(host, 'red');
    host.process(70, { cgroup: APP, netns: red });
    assert.equal(namesOf(host).of(red, 0), 'red');
  });

  it('know who lives there: a pod with all its containers, a container, a unit', () => {
    const host = hostWithPod()
      .process(60, { cgroup: '0::/system.slice/containerd.service', netns: NETNS })
      .process(70, { cgroup: APP, netns: NETNS })
      .process(71, { cgroup: `0::/docker/${OTHER_ID}`, netns: NETNS + 1 })
      .process(72, { cgroup: '0::/system.slice/private.service', netns: NETNS + 2 });
    const names = namesOf(host);
    assert.equal(names.of(NETNS, 0), 'shop/cart-7d9f');
    assert.equal(names.of(NETNS + 1, 0), OTHER_ID.slice(0, 12));
    assert.equal(names.of(NETNS + 2, 0), 'private.service');
    assert.equal(names.of(NETNS + 3, 0), undefined);
    assert.equal(names.looks.looks, 1);
  });

  it('take the most telling process, in whatever order they come', () => {
    const host = hostWithPod();
    const unit = { cgroup: '0::/system.slice/containerd.service', netns: NETNS };
    for (const pid of [5, 6, 7, 8, 100, 101, 102, 999]) host.process(pid, unit);
    host.process(50, { cgroup: `0::/docker/${OTHER_ID}`, netns: NETNS });
    assert.equal(namesOf(host).of(NETNS, 0), OTHER_ID.slice(0, 12));
  });

  it('are looked for again after 10 s where only a unit is known', () => {
    const host = hostWithPod().process(80, { cgroup: '0::/system.slice/x.service', netns: NETNS });
    const names = namesOf(host);
    assert.equal(names.of(NETNS, 0), 'x.service');
    host.process(81, { cgroup: APP, netns: NETNS });
    assert.equal(names.of(NETNS, 9 * SECOND), 'x.service');
    assert.equal(names.of(NETNS, 10 * SECOND), 'shop/cart-7d9f');
  });

  it('count names that runtimes make up less than a pod, and more than nothing', () => {
    const host = hostWithPod();
    const cni = 'cni-5a1b8a2c-1c3f-4f0e-9a55-0b1c2d3e4f50';
    const [empty, used] = [named(host, cni), named(host, 'a8f1c3f2-0b2d-4c55-9d0a-5e1f7a9b3c21')];
    host.process(70, { cgroup: APP, netns: used });
    const names = namesOf(host);
    assert.deepEqual([names.of(empty, 0), names.of(used, 0)], [cni, 'shop/cart-7d9f']);
  });

  it('look around at most once a second, and not at all for 10 s for what nobody lives in', () => {
    const host = hostWithPod();
    const names = namesOf(host);
    assert.equal(names.of(NETNS, 0), undefined);
    host.process(70, { cgroup: APP, netns: NETNS + 1 });
    assert.equal(names.of(NETNS + 1, 0.9 * SECOND), undefined);
    assert.equal(names.of(NETNS + 1, SECOND), 'shop/cart-7d9f');
    for (let at = 1; at < 10; at++) assert.equal(names.of(NETNS, at * SECOND), undefined);
    assert.equal(names.looks.looks, 2);
  });

  it('keep the name for the last events of a namespace that has gone, and not for ever', () => {
    const host = hostWithPod().process(70, { cgroup: APP, netns: NETNS });
    const names = namesOf(host);
    assert.equal(names.of(NETNS, 0), 'shop/cart-7d9f');
    host.remove('/proc/70');
    assert.equal(names.of(NETNS, 2 * SECOND), 'shop/cart-7d9f');
    assert.equal(names.of(NETNS, 20 * SECOND), undefined);
  });

  it('notice that a number has become another namespace’s', () => {
    const host = hostWithPod().process(70, { cgroup: APP, netns: NETNS });
    const names = namesOf(host);
    assert.equal(names.of(NETNS, 0), 'shop/cart-7d9f');
    host.remove('/proc/70').process(90, { cgroup: `0::/docker/${OTHER_ID}`, netns: NETNS });
    assert.equal(names.of(NETNS, 1.1 * SECOND), OTHER_ID.slice(0, 12));
  });

  it('keep the name while others live there, when the process that showed it has ended', () => {
    const host = hostWithPod().process(70, { cgroup: APP, netns: NETNS });
    const names = namesOf(host);
    names.of(NETNS, 0);
    host.remove('/proc/70').process(75, { cgroup: APP, netns: NETNS });
    assert.equal(names.of(NETNS, 2 * SECOND), 'shop/cart-7d9f');
    assert.equal(names.of(NETNS, 60 * SECOND), 'shop/cart-7d9f');
  });

  it('follow what is known better later: names of a container, a process in its cgroup', () => {
    const host = hostWithPod()
      .process(70, { cgroup: `0::/docker/${OTHER_ID}`, netns: NETNS, startTicks: 1 })
      .process(80, { cgroup: '0::/system.slice/containerd.service', netns: NETNS + 1, startTicks: 1 });
    const names = namesOf(host);
    assert.equal(names.of(NETNS, 0), OTHER_ID.slice(0, 12));
    assert.equal(names.of(NETNS + 1, 0), 'containerd.service');
    host.file(`/var/lib/docker/containers/${OTHER_ID}/config.v2.json`, { Name: '/web' });
    host.process(80, { cgroup: APP });
    assert.equal(names.of(NETNS, 5 * SECOND), 'web');
    assert.equal(names.of(NETNS + 1, 5 * SECOND), 'shop/cart-7d9f');
  });

  it('do without names and processes that may not be read', () => {
    const names = new NetnsNames({
      hostRoot: '/nonexistent',
      workloads: new Workloads({ hostRoot: '/nonexistent' }),
    });
    assert.equal(names.of(NETNS, 0), undefined);
  });
});
