/** Whose socket it is, by number of cgroup and pid. */
import assert from 'node:assert/strict';
import { Workloads } from '#tcpscope/host/workloads.js';
import { EXIT, Failure } from '#tcpscope/model/failure.js';
import { FakeHost, hosts, ID, OTHER_ID, POD_UID, SECOND } from './fake-host.js';

const newHost = hosts();
const POD = `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${POD_UID.replaceAll('-', '_')}.slice`;
const APP = `${POD}/cri-containerd-${ID}.scope`;
const PAUSE = `${POD}/cri-containerd-${OTHER_ID}.scope`;

/** What CONTAINER shows of a cgroup with this path. */
function shown(host: FakeHost, cgroup: string): string | undefined {
  return new Workloads({ hostRoot: host.root }).of(host.cgroup(cgroup), 0, 0)?.name;
}

describe('Workloads', () => {
  it('say all that is known of a container of a pod', () => {
    const host = newHost().link(`/var/log/containers/cart-7d9f_shop_app-${ID}.log`, '/nowhere');
    const workloads = new Workloads({ hostRoot: host.root });
    assert.deepEqual(workloads.of(host.cgroup(APP), 0, 0), {
      name: 'shop/cart-7d9f/app',
      cgroup: APP,
      containerId: ID,
      container: 'app',
      pod: 'cart-7d9f',
      namespace: 'shop',
      unit: undefined,
    });
  });

  it('show what is known, in this order: names, digits, unit, path', () => {
    const host = newHost()
      .folder(`/var/log/pods/shop_cart-7d9f_${POD_UID}/app`)
      .file(`/run/containerd/io.containerd.runtime.v2.task/k8s.io/${OTHER_ID}/config.json`, {
        annotations: {
          'io.kubernetes.cri.sandbox-name': 'cart-7d9f',
          'io.kubernetes.cri.sandbox-namespace': 'shop',
        },
      })
      .file(`/var/lib/docker/containers/${ID}/config.v2.json`, { Name: '/web' });
    assert.equal(shown(host, PAUSE), 'shop/cart-7d9f');
    assert.equal(shown(host, `/docker/${ID}`), 'web');
    assert.equal(shown(host, `/docker/${'7'.repeat(64)}`), '777777777777');
    assert.equal(shown(host, '/lxc.payload.db/system.slice/x.service'), 'db');
    assert.equal(shown(host, '/system.slice/nginx.service'), 'nginx.service');
    assert.equal(shown(host, '/mine/web'), '/mine/web');
    const unknown = newHost();
    assert.equal(shown(unknown, APP), '3726184226f5');
    assert.equal(shown(unknown, POD), `pod${POD_UID}`);
  });

  it('are nobody in the root cgroup, and unknown without number and pid', () => {
    const host = newHost();
    const workloads = new Workloads({ hostRoot: host.root });
    assert.equal(workloads.of(host.cgroup('/'), 0, 0), undefined);
    assert.equal(workloads.of(0, 0, 0), undefined);
    assert.equal(new Workloads({ hostRoot: '/nonexistent' }).of(5, 5, 0), undefined);
  });

  it('give the same frozen object each time, and another when more is known', () => {
    const host = newHost();
    const workloads = new Workloads({ hostRoot: `${host.root}/` });
    const number = host.cgroup(APP);
    const first = workloads.of(number, 0, 0);
    assert.ok(first && Object.isFrozen(first));
    assert.equal(first.name, '3726184226f5');
    assert.equal(workloads.of(number, 0, SECOND), first);
    assert.equal(workloads.of(number, 0, 5 * SECOND), first);
    host.folder(`/var/log/pods/shop_cart-7d9f_${POD_UID}/app`);
    const later = workloads.of(number, 0, 60 * SECOND);
    assert.equal(later?.name, 'shop/cart-7d9f/app');
    assert.equal(workloads.of(number, 0, 61 * SECOND), later);
  });

  it('know containers that live shorter than a scan, and those that have gone', () => {
    const host = newHost().folder(`/var/log/pods/shop_cart-7d9f_${POD_UID}/app`);
    const workloads = new Workloads({ hostRoot: host.root });
    workloads.learn(4711, APP);
    assert.equal(workloads.of(4711, 0, 0)?.name, 'shop/cart-7d9f/app');
    host.remove('/var/log').remove('/sys');
    assert.equal(workloads.of(4711, 0, 3600 * SECOND)?.name, 'shop/cart-7d9f/app');
    assert.equal(workloads.cgroups.scans.looks, 0);
  });

  it('cannot be made to drive a terminal by names of cgroups', () => {
    const host = newHost();
    const workload = new Workloads({ hostRoot: host.root }).of(host.cgroup('/a\u001b[31mb\u202e'), 0, 0);
    assert.deepEqual([workload?.name, workload?.cgroup], ['/a[31mb', '/a[31mb']);
  });

  it('of a cgroup v1 host are those of the process', () => {
    const host = newHost(null)
      .process(1, { cgroup: '1:name=systemd:/init.scope' })
      .process(70, { cgroup: `4:memory:/docker/${ID}\n1:name=systemd:/docker/${ID}`, startTicks: 1 });
    const workloads = new Workloads({ hostRoot: host.root });
    assert.equal(workloads.of(0, 70, 0)?.containerId, ID);
    assert.equal(workloads.of(1, 70, 0), workloads.ofProcess(70, 0));
    host.process(70, { cgroup: '1:name=systemd:/system.slice/ssh.service', startTicks: 2 });
    assert.equal(workloads.of(1, 70, SECOND)?.unit, 'ssh.service');
  });
});

describe('Workloads that were asked for without a pid first', () => {
  it('are known better with one: a socket of the root cgroup', () => {
    const host = newHost().process(1, { cgroup: '0::/init.scope' });
    host.process(70, { cgroup: `0::/docker/${ID}`, startTicks: 1 });
    const workloads = new Workloads({ hostRoot: host.root });
    const root = host.cgroup('/');
    assert.equal(workloads.of(root, 0, 0), undefined);
    assert.equal(workloads.of(root, 70, 0)?.containerId, ID);
    assert.equal(workloads.of(root, 0, 0), undefined);
  });

  it('are known better with one: a unit of a hybrid host', () => {
    const host = newHost('/sys/fs/cgroup/unified').process(1, { cgroup: '1:name=systemd:/\n0::/' });
    host.process(70, {
      cgroup: `4:memory:/docker/${ID}\n0::/system.slice/docker.service`,
      startTicks: 1,
    });
    const workloads = new Workloads({ hostRoot: host.root });
    const service = host.cgroup('/system.slice/docker.service');
    assert.equal(workloads.of(service, 0, 0)?.unit, 'docker.service');
    assert.equal(workloads.of(service, 70, 0)?.containerId, ID);
  });
});

describe('--cgroup', () => {
  const failure = (run: () => unknown): Failure => {
    try {
      run();
    } catch (error) {
      assert.ok(error instanceof Failure);
      assert.equal(error.exitCode, EXIT.usage);
      return error;
    }
    return assert.fail('it must fail');
  };

  for (const mount of ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'])
    it(`takes paths below ${mount}, with it or not, and numbers`, () => {
      const host = newHost(mount);
      const nginx = host.cgroup('/system.slice/nginx.service');
      const workloads = new Workloads({ hostRoot: host.root });
      for (const text of [
        '/system.slice/nginx.service',
        'system.slice/nginx.service/',
        'system.slice/../system.slice//nginx.service',
        `${mount}/system.slice/nginx.service`,
        host.at(`${mount}/system.slice/nginx.service`),
        String(nginx),
      ])
        assert.equal(workloads.cgroupIdOf(text), nginx, text);
      assert.equal(workloads.cgroupIdOf('system.slice'), host.cgroup('/system.slice'));
      assert.equal(workloads.cgroupIdOf('/'), host.cgroup('/'));
      assert.equal(workloads.cgroupIdOf(mount), host.cgroup('/'));
    });

  it('names the nearest where there is none', () => {
    const host = newHost();
    host.cgroup('/system.slice/nginx.service');
    host.cgroup('/system.slice/ssh.service');
    host.cgroup('/user.slice');
    const workloads = new Workloads({ hostRoot: host.root });
    const near = (text: string): string => failure(() => workloads.cgroupIdOf(text)).advice;
    assert.equal(near('/system.slice/ngnix.service'), 'The nearest is /system.slice/nginx.service.');
    assert.equal(near('usr.slice/a/b'), 'The nearest is /user.slice.');
    assert.match(near('/system.slice/ssh.service/x'), /^Give a path/);
    assert.match(near('/cgroup.controllers'), /^The nearest/, 'a file is no cgroup');
    assert.match(near(''), /^Give a path/);
    const { what, why } = failure(() => workloads.cgroupIdOf('/system.slice/\u001b[0mx'));
    assert.equal(what, '--cgroup /system.slice/[0mx: there is no such cgroup.');
    assert.equal(why, '/system.slice has no "[0mx".');
  });

  it('cannot lead out of the hierarchy', () => {
    const host = newHost();
    const workloads = new Workloads({ hostRoot: host.root });
    assert.equal(workloads.cgroupIdOf('../../..'), host.cgroup('/'));
    host.link('/sys/fs/cgroup/link', '/');
    failure(() => workloads.cgroupIdOf('/link'));
  });

  it('needs cgroup v2, and says so of paths in v1 hierarchies', () => {
    const v1 = new Workloads({ hostRoot: newHost(null).folder('/sys/fs/cgroup/memory/x').root });
    assert.match(failure(() => v1.cgroupIdOf('/system.slice')).what, /no cgroup v2 hierarchy/);
    assert.equal(v1.cgroupIdOf('77'), 77);
    const hybrid = newHost('/sys/fs/cgroup/unified').folder('/sys/fs/cgroup/memory/x');
    const { what } = failure(() =>
      new Workloads({ hostRoot: hybrid.root }).cgroupIdOf('/sys/fs/cgroup/memory/x'),
    );
    assert.match(what, /it is not in the cgroup v2 hierarchy/);
  });
});
