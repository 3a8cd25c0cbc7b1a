/** What is missing of the host, as a container may see it. */
import assert from 'node:assert/strict';
import { unseenParts, type Viewpoint } from '#tcpscope/host/unseen.js';
import { Workloads } from '#tcpscope/host/workloads.js';
import { CAPABILITY, type Capability } from '#tcpscope/model/capability.js';
import { documentedLacks } from '../container/container.js';
import { hosts, type FakeHost } from './fake-host.js';

const bits = (...names: Capability[]): bigint =>
  names.reduce((set, name) => set | (1n << BigInt(CAPABILITY[name])), 0n);
const ENOUGH = bits('CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH');
/** A mount of the whole hierarchy has inode 1, which no folder of a test can have. */
const CGROUPS = { mount: undefined, hasV1: true };

describe('what is not seen of the host', () => {
  const newHost = hosts();
  const hostsProc = (host: FakeHost): FakeHost =>
    host.file('/proc/1/comm', 'systemd\n').file('/proc/2/comm', 'kthreadd\n');
  const seenFrom = (host: FakeHost, facts: Partial<Viewpoint> = {}): string[] =>
    unseenParts({ hostRoot: host.root, cgroups: CGROUPS, capabilities: ENOUGH, isRoot: true, ...facts });
  const documented = (what: string): string => documentedLacks().get(what)!.line.replace('warning: ', '');

  it('nothing, on a host', () => {
    assert.deepEqual(seenFrom(hostsProc(newHost())), []);
  });

  it('the pids of the host: its own threads are not there', () => {
    const host = newHost().file('/proc/1/comm', 'node\n');
    const [line, ...more] = seenFrom(host);
    assert.equal(line?.replace(host.root, ''), documented("the host's pids"));
    assert.deepEqual(more, []);
    host.file('/proc/2/comm', 'sh\n');
    assert.equal(seenFrom(host).length, 1);
  });

  it('the pids of the host, where hidepid hides all: that is not known', () => {
    assert.deepEqual(seenFrom(newHost().folder('/proc')), []);
  });

  it('cgroups: none, a part, and all that there is with v1', () => {
    const host = hostsProc(newHost());
    const { cgroups } = new Workloads({ hostRoot: host.root });
    assert.notEqual(cgroups.mount, undefined);
    assert.deepEqual(seenFrom(host, { cgroups }), [documented('cgroups')]);
    const [line, ...more] = seenFrom(host, { cgroups: { mount: undefined, hasV1: false } });
    assert.match(line!, /^no cgroups are mounted: containers, pods and units are not known/);
    assert.deepEqual(more, []);
  });

  it('capabilities, for root and for others; where they are not known nothing is said', () => {
    const host = hostsProc(newHost());
    const missing = (capabilities: bigint | undefined, isRoot: boolean): string[] =>
      seenFrom(host, { capabilities, isRoot });
    assert.deepEqual(missing(bits('CAP_SYS_PTRACE'), true), []);
    assert.deepEqual(missing(bits('CAP_SYS_PTRACE'), false), [documented('CAP_DAC_READ_SEARCH')]);
    assert.deepEqual(missing(bits('CAP_DAC_READ_SEARCH'), false), [documented('CAP_SYS_PTRACE')]);
    assert.deepEqual(missing(undefined, false), []);
  });
});

describe('whether only the socket of docker knows names', () => {
  const newHost = hosts();
  const needs = (host: FakeHost): boolean => new Workloads({ hostRoot: host.root }).needsDockerSocket;

  it('not without a socket, nor where the files of docker are there', () => {
    const host = newHost();
    assert.equal(needs(host), false);
    host.file('/run/docker.sock');
    assert.equal(needs(host), true);
    host.folder('/var/lib/docker/containers/1234');
    assert.equal(needs(host), false);
  });

  it('not where its administrator has put the files elsewhere, and says so', () => {
    const host = newHost().file('/run/docker.sock').folder('/data/docker/containers/1234');
    assert.equal(needs(host), true);
    host.file('/etc/docker/daemon.json', { 'data-root': '/data/docker' });
    assert.equal(needs(host), false);
  });
});
