/** What paths of cgroups say. */
import assert from 'node:assert/strict';
import {
  mostTelling,
  parseCgroupPath,
  parseMemberships,
  type CgroupFacts,
} from '#tcpscope/attribute/cgroup-path.js';
import { CONTAINERS, ID, KUBERNETES, UID, UNITS, type Shape } from './cgroup-shapes.js';

const NOTHING: CgroupFacts = {
  runtime: undefined,
  containerId: undefined,
  containerName: undefined,
  podUid: undefined,
  directlyInPod: false,
  unit: undefined,
};
function describeShapes(title: string, shapes: readonly Shape[]): void {
  describe(title, () => {
    for (const { from, path, facts } of shapes)
      it(from, () => {
        assert.deepEqual(parseCgroupPath(path), { ...NOTHING, ...facts });
      });
  });
}

describe('parseCgroupPath', () => {
  describeShapes('Kubernetes', KUBERNETES);
  describeShapes('other containers', CONTAINERS);
  describeShapes('units and the rest', UNITS);
});

describe('/proc/PID/cgroup', () => {
  const telling = (...lines: string[]): string => mostTelling(parseMemberships(`${lines.join('\n')}\n`));

  it('of a cgroup v2 host has one line', () => {
    assert.deepEqual(parseMemberships('0::/system.slice/a:b.service\n'), [
      { controllers: '', path: '/system.slice/a:b.service' },
    ]);
    assert.equal(telling('0::/system.slice/nginx.service'), '/system.slice/nginx.service');
  });

  it('of a cgroup v1 host: the container counts, wherever it is', () => {
    assert.equal(
      telling(
        '12:pids:/system.slice/docker.service',
        `5:memory:/docker/${ID}`,
        '1:name=systemd:/system.slice/docker.service',
        '0::/system.slice/docker.service',
      ),
      `/docker/${ID}`,
    );
    assert.equal(
      telling(`5:memory:/docker/${ID}`, `4:pids:/kubepods/pod${UID}/${ID}`),
      `/kubepods/pod${UID}/${ID}`,
    );
  });

  it('of a cgroup v1 host: a service counts more than its slice', () => {
    assert.equal(
      telling('11:memory:/system.slice', '5:cpu,cpuacct:/', '1:name=systemd:/system.slice/ssh.service'),
      '/system.slice/ssh.service',
    );
  });

  it('of equal lines the one that systemd manages counts', () => {
    assert.equal(telling('0::/a', '9:pids:/b', '3:memory:/c', '2:cpu:/d', '1:name=systemd:/e'), '/e');
    assert.equal(telling('2:cpu:/d', '0::/a', '9:pids:/b'), '/b');
    assert.equal(telling('2:cpu:/d', '0::/a'), '/a');
  });

  it('says nothing where every line is the root, or none can be read', () => {
    assert.equal(telling('2:cpu:/', '1:name=systemd:/', '0::/'), '/');
    assert.equal(telling(), '/');
    assert.deepEqual(parseMemberships('x\n1:cpu\n:::\n'), []);
  });

  it('of a process that has outlived its cgroup has the path without the remark', () => {
    assert.equal(telling('0::/system.slice/gone.service (deleted)'), '/system.slice/gone.service');
  });
});
