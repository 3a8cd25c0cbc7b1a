/** What doctor finds in a host's files. */
import assert from 'node:assert/strict';
import { surveyHost } from '#tcpscope/host/survey.js';
import { asNobody, hosts, ID, OTHER_ID, POD_UID } from './fake-host.js';

const newHost = hosts();

describe('the survey of a host', () => {
  it('counts containers by the engine that their cgroups are of, and pods, each once', () => {
    const host = newHost()
      .process(1, { cgroup: '0::/init.scope' })
      .process(10, { cgroup: `0::/system.slice/docker-${ID}.scope` })
      .process(11, { cgroup: `0::/system.slice/docker-${ID}.scope` })
      .process(12, { cgroup: `0::/system.slice/docker-${ID}.scope/inner` })
      .process(20, { cgroup: `0::/kubepods/burstable/pod${POD_UID}/${OTHER_ID}` })
      .process(30, { cgroup: '0::/lxc.payload.web' });
    const { containers } = surveyHost(host.root);
    assert.deepEqual(
      containers.byRuntime,
      new Map([
        ['docker', 1],
        ['unknown', 1],
        ['lxc', 1],
      ]),
    );
    assert.equal(containers.pods, 1);
    assert.equal(containers.named, 1, 'a path with a name in it');
    assert.ok(containers.isComplete);
  });

  it('knows the names that the engines have in files', () => {
    const host = newHost()
      .process(10, { cgroup: `0::/system.slice/docker-${ID}.scope` })
      .file(`/var/lib/docker/containers/${ID}/config.v2.json`, { Name: '/web' });
    assert.equal(surveyHost(host.root).containers.named, 1);
  });

  it('names engines that are installed', () => {
    const host = newHost().file('/run/docker.sock').file('/var/lib/kubelet/config.yaml');
    assert.deepEqual(surveyHost(host.root).containers.engines, ['docker', 'kubelet']);
    assert.deepEqual(surveyHost(newHost().root).containers.engines, []);
  });

  it('tells v2, hybrid and v1 cgroups apart', () => {
    const modeOf = (mount: string | null, cgroup: string): object => {
      const host = newHost(mount).process(1, { cgroup });
      const { mount: at, hasV1 } = surveyHost(host.root).cgroups;
      return { v2: at?.slice(host.root.length), hasV1 };
    };
    assert.deepEqual(modeOf('/sys/fs/cgroup', '0::/init.scope'), { v2: '/sys/fs/cgroup', hasV1: false });
    assert.deepEqual(modeOf('/sys/fs/cgroup/unified', '4:memory:/\n0::/init.scope'), {
      ...{ v2: '/sys/fs/cgroup/unified', hasV1: true },
    });
    assert.deepEqual(modeOf(null, '4:memory:/\n1:name=systemd:/'), { v2: undefined, hasV1: true });
  });

  it('tells whose /proc it is', () => {
    const procOf = (namespace: string): boolean | undefined =>
      surveyHost(newHost().process(1, {}).link('/proc/1/ns/pid', namespace).root).proc.isHosts;
    // PROC_PID_INIT_INO of include/linux/proc_ns.h.
    assert.equal(procOf('pid:[4026531836]'), true);
    assert.equal(procOf('pid:[4026532999]'), false);
    const hidden = surveyHost(newHost().process(1, {}).link('/proc/self', '4711').root).proc;
    assert.deepEqual([hidden.isHosts, hidden.selfPid, hidden.showsOthers], [undefined, 4711, false]);
  });

  it('counts processes, and those whose network namespace may not be read', () => {
    const host = newHost()
      .process(1, { netns: 4026531840 })
      .process(2, { startTicks: 7 })
      .file('/proc/stat')
      .folder('/proc/net');
    const { processes, unreadable, isMounted } = surveyHost(host.root).proc;
    assert.deepEqual({ processes, unreadable, isMounted }, { processes: 2, unreadable: 1, isMounted: true });
  });

  it('sees who keeps the time', () => {
    const keeperOf = (comm: string): (string | boolean | undefined)[] => {
      const host = newHost().file('/proc/77/comm', `${comm}\n`).folder('/run/systemd/timesync');
      const { keeper, isSynchronised } = surveyHost(host.root).time;
      return [keeper, isSynchronised];
    };
    assert.deepEqual(keeperOf('chronyd'), ['chronyd', undefined]);
    assert.deepEqual(keeperOf('systemd-timesyn'), ['systemd-timesyncd', false]);
    assert.deepEqual(keeperOf('bash'), [undefined, undefined]);
    const synchronised = newHost()
      .file('/proc/77/comm', 'systemd-timesyn\n')
      .file('/run/systemd/timesync/synchronized');
    assert.equal(surveyHost(synchronised.root).time.isSynchronised, true);
    const elsewhere = newHost().file('/proc/77/comm', 'systemd-timesyn\n');
    assert.equal(surveyHost(elsewhere.root).time.isSynchronised, undefined);
  });

  it('does without what is not there or may not be read', () => {
    const empty = surveyHost(newHost(null).root);
    assert.deepEqual(empty.cgroups, { mount: undefined, hasV1: false, isWhole: false });
    assert.equal(empty.proc.isMounted, false);
    const host = newHost().process(10, { cgroup: `0::/docker/${ID}` });
    // The root of the fake host is a folder that only root may enter.
    assert.equal(asNobody(() => surveyHost(host.root)).proc.processes, 0);
  });
});
