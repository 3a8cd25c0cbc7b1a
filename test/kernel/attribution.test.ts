/** Whose service a socket is: by the cgroup that the kernel has for it, in cgroups that the test makes. */
import assert from 'node:assert/strict';
import { mkdtempSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Namespace, connect } from '#tcpscope/lab/network.js';
import { FakeHostRoot, TestCgroups } from './cgroup.js';
import { countBy, trace, type Row } from './tool.js';

const CONTAINER_ID = '0123456789abcdef'.repeat(4);
const POD_UID = '11111111-2222-3333-4444-555555555555';
const SLICE = `tcpscope${process.pid}.slice`;
const POD_SLICE = `${SLICE}/kubepods-burstable-pod${POD_UID.replaceAll('-', '_')}.slice`;
const CONTAINER = `${POD_SLICE}/cri-containerd-${CONTAINER_ID}.scope`;
const UNIT = `${SLICE}/nginx.service`;

describe('attribution by cgroup', () => {
  const cgroups = new TestCgroups();
  const root = new FakeHostRoot();
  before(() => {
    cgroups.make(UNIT);
    cgroups.make(CONTAINER);
    root.addKubeletLog('shop', 'web-7f9', POD_UID, 'app', CONTAINER_ID);
  });
  after(() => {
    cgroups.removeAll();
    root.remove();
  });

  /** 2 connections of the pod, 3 of the unit, and 5 of the test itself. */
  async function traffic(): Promise<void> {
    cgroups.refused(CONTAINER, 2);
    cgroups.refused(UNIT, 3);
    cgroups.refused('', 5);
    await Promise.resolve();
  }

  const traced = async (...flags: string[]): Promise<Row[]> => {
    const { rows } = await trace(
      ['--host-root', root.path, '--port', '1', '--netns', 'self', ...flags],
      traffic,
      root,
    );
    return rows;
  };

  it('names pod, container and unit of each connection, and the cgroup that they are told by', async () => {
    const rows = await traced();
    const ofPod = rows.filter(({ pod }) => pod !== null);
    assert.equal(ofPod.length, 2);
    for (const row of ofPod) {
      assert.equal(row.container, 'shop/web-7f9/app');
      assert.equal(row.container_id, CONTAINER_ID);
      assert.equal(row.pod, 'web-7f9');
      assert.equal(row.namespace, 'shop');
      assert.equal(row.unit, null);
      assert.equal(row.cgroup, `/${CONTAINER}`);
      assert.equal(row.cgroup_id, cgroups.id(CONTAINER));
    }
    const ofUnit = rows.filter(({ cgroup_id }) => cgroup_id === cgroups.id(UNIT));
    assert.equal(ofUnit.length, 3);
    for (const { unit, container, container_id } of ofUnit) {
      assert.equal(unit, 'nginx.service');
      assert.equal(container, 'nginx.service');
      assert.equal(container_id, null);
    }
    assert.equal(rows.length, 10);
  });

  const filters: [flags: string[], count: number][] = [
    [['--cgroup', `/${UNIT}`], 3],
    [['--cgroup', POD_SLICE], 2],
    [['--cgroup', `/${SLICE}`], 5],
    [['--cgroup', `${UNIT},${CONTAINER}`], 5],
    [['--container', 'app'], 2],
    [['--container', CONTAINER_ID.slice(0, 12)], 2],
    [['--pod', 'web-7f9', '--namespace', 'shop'], 2],
    [['--pod', 'web-7f9', '--namespace', 'other'], 0],
    [['--unit', 'nginx'], 3],
    [['--internal'], 10],
    [['--external'], 0],
  ];
  for (const [flags, count] of filters) {
    it(`${flags.join(' ').replaceAll(String(process.pid), 'PID')} keeps ${count}`, async () => {
      const rows = await traced(...flags);
      assert.equal(rows.length, count);
    });
  }

  it('takes the number of a cgroup, and tells what there is if it does not know it', async () => {
    assert.equal((await traced('--cgroup', String(cgroups.id(SLICE)))).length, 5);
    const { code, stderr } = await trace(['--cgroup', `${SLICE}/nginy.service`], traffic).catch(
      (error: unknown) => ({ code: 2, stderr: String(error) }),
    );
    assert.equal(code, 2);
    assert.match(stderr, /nginx\.service/);
  });

  it('groups by them', async () => {
    const { stdout } = await trace(
      ['--host-root', root.path, '--port', '1', '--netns', 'self', '--by', 'namespace,unit'],
      traffic,
      root,
    );
    const last = stdout.trim().split('\n').slice(-3);
    const groups = last.map((line) => JSON.parse(line) as Record<string, string | number | null>);
    assert.deepEqual(
      Object.fromEntries(groups.map(({ namespace, unit, fail }) => [`${namespace} ${unit}`, fail])),
      { 'shop null': 2, 'null nginx.service': 3, 'null null': 5 },
    );
  });

  it('knows a container that has gone before anybody could look for it', async () => {
    const gone = `${SLICE}/docker-${'ab'.repeat(32)}.scope`;
    const { rows } = await trace(['--port', '1', '--netns', 'self'], async () => {
      for (let round = 0; round < 3; round++) {
        cgroups.make(gone);
        cgroups.refused(gone, 1);
        cgroups.remove(gone);
      }
      await Promise.resolve();
    });
    assert.deepEqual(
      countBy(rows, ({ container }) => String(container)),
      { abababababab: 3 },
    );
  });
});

/** Of Linux 6.18 and later (include/uapi/linux/nsfs.h). */
const INITIAL_NETNS = 0xefff_fff9;

/** Undefined where the sandbox hides it. */
function namespaceOfInit(): number | undefined {
  try {
    return Number(/\d+/.exec(readlinkSync('/proc/1/ns/net'))?.[0]);
  } catch {
    return undefined;
  }
}

describe('names of network namespaces', () => {
  let named: Namespace;
  const cgroups = new TestCgroups();
  before(async () => {
    named = await Namespace.create('named');
    cgroups.make(UNIT);
  });
  after(async () => {
    cgroups.removeAll();
    await named.destroy();
  });

  it('are those of ip netns, host, and else of who lives there', async () => {
    const { rows } = await trace(['--port', '1'], async () => {
      await connect(named, '127.0.0.1', 1);
      cgroups.refused(UNIT, 1, { ownNamespace: true });
      cgroups.refused('', 1);
    });
    const own = statSync('/proc/self/ns/net').ino;
    const names = new Map(rows.map(({ netns, netns_name }) => [netns, netns_name]));
    assert.equal(names.get(statSync(`/run/netns/${named.name}`).ino), named.name);
    assert.equal(names.get(own), own === INITIAL_NETNS || namespaceOfInit() === own ? 'host' : null);
    const others = rows.filter(({ netns }) => netns !== own && names.get(netns) !== named.name);
    assert.deepEqual(
      others.map(({ netns_name }) => netns_name),
      ['nginx.service'],
    );
  });
});

describe('where the other end is', () => {
  let host: Namespace;
  let folder: string;
  before(async () => {
    host = await Namespace.create('places');
    folder = mkdtempSync(path.join(tmpdir(), 'places-'));
    writeFileSync(
      path.join(folder, 'config.yaml'),
      'internal: [127.0.0.0/8]\nexternal: [127.0.0.3/32]\n' +
        'regions:\n  eu: [127.0.0.0/8]\n  us: [127.0.0.2/31]\nroles:\n  cache: [127.0.0.2/32]\n',
    );
    writeFileSync(path.join(folder, 'hosts'), '127.0.0.2 cache.example\n');
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await host.destroy();
  });

  /** 2, 3 and 5 connections to three addresses. */
  async function traffic(): Promise<void> {
    for (const [address, count] of [
      ['127.0.0.1', 2],
      ['127.0.0.2', 3],
      ['127.0.0.3', 5],
    ] as const)
      await connect(host, address, 1, { count });
  }
  const traced = async (...flags: string[]): Promise<Row[]> => {
    const config = path.join(folder, 'config.yaml');
    return (await trace(['--netns', host.name, '--config', config, ...flags], traffic)).rows;
  };

  it('is told by the longest network that the configuration has', async () => {
    const rows = await traced();
    const told = rows.map(({ remote_address, region, role, external }) =>
      [remote_address, region, role, external].join(' '),
    );
    assert.deepEqual(countBy(told, String), {
      '127.0.0.1 eu  false': 2,
      '127.0.0.2 us cache false': 3,
      '127.0.0.3 us  true': 5,
    });
  });

  for (const [flags, count] of [
    [['--region', 'us'], 8],
    [['--region', 'us', '--internal'], 3],
    [['--external'], 5],
    [['--region', 'eu,us'], 10],
  ] as const)
    it(`${flags.join(' ')} keeps ${count}`, async () => {
      assert.equal((await traced(...flags)).length, count);
    });

  it('has the name that /etc/hosts gives it, from the row on that comes after the answer', async () => {
    const mount = 'mount --bind "$0" /etc/hosts && exec "$@"';
    const wrapper = ['unshare', '--mount', 'bash', '-c', mount, path.join(folder, 'hosts')];
    const { rows } = await trace(
      ['--netns', host.name, '--dns'],
      async (tool) => {
        // The first asks; rows that follow need not wait for the answer.
        for (let made = 1; !tool.rows().some(({ remote_name }) => remote_name !== null); made++) {
          assert.ok(made < 100, 'no name in a hundred rows');
          await connect(host, '127.0.0.2', 1);
          await tool.rowsUntil((seen) => seen.length === made);
        }
      },
      { wrapper },
    );
    assert.equal(rows[0]?.remote_name, null);
    assert.equal(rows.at(-1)?.remote_name, 'cache.example');
  });
});
