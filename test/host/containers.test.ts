/** Names of containers from the files of runtimes, and from docker's socket. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import http from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { parseCgroupPath } from '#tcpscope/attribute/cgroup-path.js';
import { Containers } from '#tcpscope/host/containers.js';
import { asNobody, FakeHost, hosts, ID, OTHER_ID, POD_UID, SECOND } from './fake-host.js';

const newHost = hosts();
const IN_POD = parseCgroupPath(`/kubepods/burstable/pod${POD_UID}/${ID}`);
const SIBLING = parseCgroupPath(`/kubepods/burstable/pod${POD_UID}/${OTHER_ID}`);
const POD_ONLY = parseCgroupPath(`/kubepods/burstable/pod${POD_UID}`);
const DOCKER = parseCgroupPath(`/docker/${ID}`);
const PODMAN = parseCgroupPath(`/machine.slice/libpod-${ID}.scope/container`);
const POD_LOGS = `/var/log/pods/shop_cart-7d9f_${POD_UID}`;
const TASKS = '/run/containerd/io.containerd.runtime.v2.task/k8s.io';

/** `namespace/pod/container`, each `-` if it is not known. */
function named(containers: Containers, facts = IN_POD, nowNs = 0): string {
  const { namespace, pod, container } = containers.find(facts, nowNs);
  return [namespace, pod, container].map((part) => part ?? '-').join('/');
}

function annotations(container: string | undefined): object {
  return {
    annotations: {
      'io.kubernetes.cri.container-type': container === undefined ? 'sandbox' : 'container',
      ...(container !== undefined && { 'io.kubernetes.cri.container-name': container }),
      'io.kubernetes.cri.sandbox-name': 'cart-7d9f',
      'io.kubernetes.cri.sandbox-namespace': 'shop',
    },
  };
}

describe('names of containers: the kubelet', () => {
  it('has links to logs, which name the container', () => {
    const host = newHost().link(`/var/log/containers/cart-7d9f_shop_app-2-${ID}.log`, '/nowhere');
    assert.equal(named(new Containers(host.root)), 'shop/cart-7d9f/app-2');
  });

  it('has a folder a pod: with one container in it, that is it', () => {
    const host = newHost().folder(`${POD_LOGS}/app`);
    const containers = new Containers(host.root);
    assert.equal(named(containers), 'shop/cart-7d9f/app');
    assert.equal(named(containers, POD_ONLY), 'shop/cart-7d9f/-');
  });

  it('has a folder a pod: of several containers none is guessed', () => {
    const host = newHost().folder(`${POD_LOGS}/app`).folder(`${POD_LOGS}/proxy`);
    assert.equal(named(new Containers(host.root)), 'shop/cart-7d9f/-');
  });

  it('has a folder a pod: what runs inside of its container has another name', () => {
    const host = newHost().folder(`${POD_LOGS}/dind`);
    const inner = parseCgroupPath(`/kubepods/burstable/pod${POD_UID}/${OTHER_ID}/docker/${ID}`);
    assert.equal(named(new Containers(host.root), inner), 'shop/cart-7d9f/-');
  });

  it('has folders with names of several lines and escapes, which do no harm', () => {
    const host = newHost().folder(`/var/log/pods/sh\u001b[31mop_ca\nrt_${POD_UID}/a\u0007pp`);
    assert.equal(named(new Containers(host.root)), 'sh[31mop/cart/app');
    const odd = newHost()
      .folder('/var/log/pods/nonsense')
      .folder('/var/log/pods/a_b')
      .file('/var/log/containers/x.log');
    assert.equal(named(new Containers(odd.root)), '-/-/-');
  });

  it('may be unknown: nothing is made up', () => {
    assert.equal(named(new Containers(newHost().root)), '-/-/-');
    const { container, pod } = new Containers('/nonexistent').find(IN_POD, 0);
    assert.deepEqual([container, pod], [undefined, undefined]);
  });
});

describe('names of containers: containerd', () => {
  it('has them in annotations, exactly, whatever the folders of logs say', () => {
    const host = newHost()
      .folder(`${POD_LOGS}/app`)
      .file(`${TASKS}/${OTHER_ID}/config.json`, annotations('init'));
    assert.equal(named(new Containers(host.root), SIBLING), 'shop/cart-7d9f/init');
  });

  it('has the pod of a sandbox, which is no container of it', () => {
    const host = newHost()
      .folder(`${POD_LOGS}/app`)
      .file(`${TASKS}/${OTHER_ID}/config.json`, annotations(undefined));
    assert.equal(named(new Containers(host.root), SIBLING), 'shop/cart-7d9f/-');
  });

  it('may be the one of k3s', () => {
    const file = `/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/${ID}/config.json`;
    assert.equal(named(new Containers(newHost().file(file, annotations('app')).root)), 'shop/cart-7d9f/app');
  });

  it('has names that nerdctl gives', () => {
    const file = `/run/containerd/io.containerd.runtime.v2.task/default/${ID}/config.json`;
    const host = newHost().file(file, {
      annotations: { 'nerdctl/name': 'web', 'nerdctl/namespace': 'default' },
    });
    assert.equal(named(new Containers(host.root), parseCgroupPath(`/default/${ID}`)), '-/-/web');
  });
});

describe('names of containers: CRI-O, docker, podman', () => {
  const labels = (container: string): object => ({
    'io.kubernetes.container.name': container,
    'io.kubernetes.pod.name': 'cart-7d9f',
    'io.kubernetes.pod.namespace': 'shop',
  });

  it('CRI-O has annotations', () => {
    const folder = '/run/containers/storage/overlay-containers';
    const host = newHost()
      .file(`${folder}/${ID}/userdata/config.json`, { annotations: labels('app') })
      .file(`${folder}/${OTHER_ID}/userdata/config.json`, { annotations: labels('POD') });
    const containers = new Containers(host.root);
    assert.equal(named(containers), 'shop/cart-7d9f/app');
    assert.equal(named(containers, SIBLING), 'shop/cart-7d9f/-');
  });

  it('docker has a name, or labels of Kubernetes or of compose', () => {
    const file = `/var/lib/docker/containers/${ID}/config.v2.json`;
    const withConfig = (config: object, facts = DOCKER): string =>
      named(new Containers(newHost().file(file, config).root), facts);
    assert.equal(withConfig({ Name: '/shop-web-1', Config: { Labels: {} } }), '-/-/shop-web-1');
    assert.equal(
      withConfig({ Name: '', Config: { Labels: { 'com.docker.compose.service': 'web' } } }),
      '-/-/web',
    );
    const ofPod = { Name: '/k8s_app_cart-7d9f_shop_x_0', Config: { Labels: labels('app') } };
    assert.equal(withConfig(ofPod, IN_POD), 'shop/cart-7d9f/app');
  });

  it('docker may keep its files elsewhere', () => {
    const host = newHost()
      .file('/etc/docker/daemon.json', { 'data-root': '/data/docker' })
      .file(`/data/docker/containers/${ID}/config.v2.json`, { Name: '/web' });
    assert.equal(named(new Containers(host.root), DOCKER), '-/-/web');
  });

  it('podman has a list', () => {
    const host = newHost().file('/var/lib/containers/storage/overlay-containers/containers.json', [
      { id: OTHER_ID, names: ['db'] },
      { id: ID, names: ['web', 'alias'] },
      null,
      'x',
    ]);
    assert.equal(named(new Containers(host.root), PODMAN), '-/-/web');
  });
});

describe('names of containers: what files may be', () => {
  const file = `/var/lib/docker/containers/${ID}/config.v2.json`;
  const nameIn = (host: FakeHost): string => named(new Containers(host.root), DOCKER);

  it('links are followed within the root, and never out of it', () => {
    const inside = newHost().link('/var/lib/docker', '/data/docker');
    inside.file(`/data/docker/containers/${ID}/config.v2.json`, { Name: '/web' });
    assert.equal(nameIn(inside), '-/-/web');
    const outside = newHost().file('/out/config.json', { Name: '/secret' });
    const escaping = newHost().link(file, outside.at('/out/config.json'));
    assert.equal(nameIn(escaping), '-/-/-');
    const climbing = newHost().link(file, `${'../'.repeat(40)}${outside.at('/out/config.json')}`);
    assert.equal(nameIn(climbing), '-/-/-');
  });

  it('links that lead in circles are given up', () => {
    assert.equal(
      nameIn(newHost().link('/var/lib/docker', '/data').link('/data', '/var/lib/docker')),
      '-/-/-',
    );
  });

  it('a pipe does not make it wait', () => {
    const host = newHost().folder(`/var/lib/docker/containers/${ID}`);
    execFileSync('mkfifo', [host.at(file)]);
    assert.equal(nameIn(host), '-/-/-');
  });

  it('no file is read further than 1 MB, and broken ones are as none', () => {
    assert.equal(nameIn(newHost().file(file, { Name: '/web', more: 'x'.repeat(1 << 20) })), '-/-/-');
    assert.equal(nameIn(newHost().file(file, { Name: '/web', more: 'x'.repeat(1 << 19) })), '-/-/web');
    assert.equal(nameIn(newHost().file(file, '{"Name": "/we')), '-/-/-');
    for (const text of ['null', '[]', '"x"', '{"Name": 7}', '{"Name": "/", "Config": {"Labels": []}}'])
      assert.equal(nameIn(newHost().file(file, text)), '-/-/-', text);
  });

  it('names cannot drive a terminal and are not endless', () => {
    assert.equal(nameIn(newHost().file(file, { Name: '/\u001b]0;x\u0007we\u202eb' })), '-/-/]0;xweb');
    assert.equal(nameIn(newHost().file(file, { Name: `/${'n'.repeat(9999)}` })).length, '-/-/'.length + 253);
  });

  it('some may not be read', () => {
    const host = newHost().file(file, { Name: '/web' }).folder(`${POD_LOGS}/app`);
    chmodSync(host.root, 0o755);
    chmodSync(host.at('/var/lib/docker'), 0o700);
    chmodSync(host.at('/var/log/pods'), 0o700);
    assert.deepEqual(
      asNobody(() => [nameIn(host), named(new Containers(host.root))]),
      ['-/-/-', '-/-/-'],
    );
  });
});

describe('names of containers over time', () => {
  it('stay known after the container has gone', () => {
    const host = newHost()
      .link(`/var/log/containers/cart-7d9f_shop_app-${ID}.log`, '/nowhere')
      .folder(`${POD_LOGS}/app`);
    const containers = new Containers(host.root);
    assert.equal(named(containers), 'shop/cart-7d9f/app');
    host.remove('/var/log');
    assert.equal(named(containers, IN_POD, 3600 * SECOND), 'shop/cart-7d9f/app');
  });

  it('that were not found are asked for again after a few seconds', () => {
    const host = newHost();
    const containers = new Containers(host.root);
    assert.equal(named(containers), '-/-/-');
    host.folder(`${POD_LOGS}/app`).folder(`${POD_LOGS}/proxy`);
    assert.equal(named(containers, IN_POD, 2.9 * SECOND), '-/-/-');
    assert.equal(named(containers, IN_POD, 3 * SECOND), 'shop/cart-7d9f/-');
    host.file(`${TASKS}/${ID}/config.json`, annotations('app'));
    assert.equal(named(containers, IN_POD, 6 * SECOND), 'shop/cart-7d9f/app');
  });

  it('lose nothing when the only file with a name goes before the pod is known', () => {
    const file = `/var/lib/docker/containers/${ID}/config.v2.json`;
    const host = newHost().file(file, { Name: '/k8s_app' });
    const containers = new Containers(host.root);
    assert.equal(named(containers), '-/-/k8s_app');
    host.remove(file);
    assert.equal(named(containers, IN_POD, 60 * SECOND), '-/-/k8s_app');
  });

  it('lose nothing that was known of a pod that goes before its container was told apart', () => {
    const host = newHost().folder(`${POD_LOGS}/app`).folder(`${POD_LOGS}/proxy`);
    const containers = new Containers(host.root);
    assert.equal(named(containers), 'shop/cart-7d9f/-');
    host.remove('/var/log/pods');
    assert.equal(named(containers, IN_POD, 60 * SECOND), 'shop/cart-7d9f/-');
  });
});

describe("docker's socket", () => {
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  /** A docker that answers so; gives what it was asked. */
  async function docker(
    host: FakeHost,
    answer: (response: http.ServerResponse) => void,
    at = '/run/docker.sock',
  ) {
    const asked: string[] = [];
    const server = http.createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      answer(response);
    });
    host.folder('/run').folder('/var/run');
    server.listen(host.at(at));
    await once(server, 'listening');
    stops.push(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    return { server, asked };
  }

  /** Lets the event loop turn until it holds, for 5 s at most. */
  async function until(holds: () => boolean): Promise<void> {
    const end = performance.now() + 5000;
    while (!holds() && performance.now() < end) await turn();
    assert.ok(holds());
  }

  const web = (response: http.ServerResponse): void => {
    response.end(JSON.stringify({ Name: '/web', Config: { Labels: {} } }));
  };

  it('is asked when no file says a name; later rows have its answer', async () => {
    const host = newHost();
    const { asked } = await docker(host, web);
    const containers = new Containers(host.root);
    assert.equal(named(containers, DOCKER), '-/-/-');
    await until(() => named(containers, DOCKER) === '-/-/web');
    assert.deepEqual(asked, [`GET /containers/${ID}/json`]);
    assert.equal(named(containers, DOCKER, 3600 * SECOND), '-/-/web');
    assert.equal(asked.length, 1);
  });

  it('may be in /var/run, which is a folder of its own on some hosts', async () => {
    const host = newHost();
    await docker(host, web, '/var/run/docker.sock');
    const containers = new Containers(host.root);
    named(containers, DOCKER);
    await until(() => named(containers, DOCKER) === '-/-/web');
  });

  it('is not asked of what is not docker’s, or has a name', async () => {
    const host = newHost().file(`/var/lib/docker/containers/${ID}/config.v2.json`, { Name: '/file' });
    const { asked } = await docker(host, web);
    const containers = new Containers(host.root);
    assert.equal(named(containers, DOCKER), '-/-/file');
    named(containers, parseCgroupPath(`/machine.slice/libpod-${'0'.repeat(64)}.scope`));
    const last = parseCgroupPath(`/docker/${OTHER_ID}`);
    named(containers, last);
    await until(() => named(containers, last) === '-/-/web');
    assert.deepEqual(asked, [`GET /containers/${OTHER_ID}/json`]);
  });

  it('may answer nothing in time, or nonsense: then the name stays unknown, and it is asked again later', async () => {
    const host = newHost();
    const answers: ((response: http.ServerResponse) => void)[] = [
      () => undefined,
      (response) => response.writeHead(404).end('{"Name":"/another"}'),
      (response) => response.end('{"Name": "/we'),
      (response) => response.end('x'.repeat(2 << 20)),
      web,
    ];
    let at = 0;
    const { server, asked } = await docker(host, (response) => {
      answers[at++]!(response);
    });
    const connections = (): Promise<number> =>
      new Promise((resolve) => {
        server.getConnections((_, count) => {
          resolve(count);
        });
      });
    const containers = new Containers(host.root, 50);
    for (let nowNs = 0; at < answers.length; nowNs += 60 * SECOND) {
      const before = at;
      assert.equal(named(containers, DOCKER, nowNs), '-/-/-');
      await until(() => asked.length > before);
      while ((await connections()) > 0) await turn();
      for (let each = 0; each < 10; each++) await turn();
    }
    await until(() => named(containers, DOCKER, 290 * SECOND) === '-/-/web');
  });

  it('is left alone after close', async () => {
    const host = newHost();
    const { asked } = await docker(host, web);
    const containers = new Containers(host.root);
    containers.close();
    named(containers, DOCKER);
    const other = new Containers(host.root);
    named(other, DOCKER);
    await until(() => named(other, DOCKER) === '-/-/web');
    assert.equal(asked.length, 1);
    assert.equal(named(containers, DOCKER), '-/-/-');
  });
});
