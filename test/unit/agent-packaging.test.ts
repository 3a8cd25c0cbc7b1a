/** What the agent is given by systemd and Kubernetes, held against what the documentation says that it takes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { parseConfig } from '#tcpscope/attribute/config-parser.js';
import Agent from '#tcpscope/commands/agent.js';
import { daemonSet, type Container, type PodSpec } from '../container/daemon-set.js';
import { documentedPod } from '../container/container.js';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const UNIT = readFileSync(path.join(ROOT, 'packaging/systemd/tcpscope-agent.service'), 'utf8');

/** The values of a key of a unit, in words. */
function unitWords(key: string): string[] {
  return [...UNIT.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].flatMap(([, value = '']) => value.split(' '));
}

const capabilitiesOf = ({ securityContext }: Container): string[] =>
  securityContext.capabilities.add.map((name) => `CAP_${name}`).sort();

describe('the DaemonSet', () => {
  const { config, pod } = daemonSet();
  const [container] = pod.containers as [Container];
  const [documented] = (parse(documentedPod()) as { spec: PodSpec }).spec.containers as [Container];

  it('has what docs/container.md says that it takes, and nothing else of the host', () => {
    assert.deepEqual(container.securityContext.capabilities, documented.securityContext.capabilities);
    assert.deepEqual(container.securityContext.seccompProfile, documented.securityContext.seccompProfile);
    assert.deepEqual(Object.keys(container.securityContext).sort(), [
      ...['allowPrivilegeEscalation', 'capabilities', 'readOnlyRootFilesystem', 'seccompProfile'],
    ]);
    assert.equal(container.securityContext.allowPrivilegeEscalation, false);
    assert.equal(container.securityContext.readOnlyRootFilesystem, true);
    const ofHost = pod.volumes.filter((volume) => volume.hostPath);
    assert.deepEqual(ofHost, [{ name: 'host', hostPath: { path: '/' } }]);
    assert.deepEqual(
      container.volumeMounts.filter(({ name }) => name === 'host'),
      documented.volumeMounts,
    );
    assert.ok(container.volumeMounts.every(({ name, readOnly }) => readOnly || name === 'tmp'));
    assert.deepEqual([pod.hostPID, pod.hostNetwork, pod.hostIPC], [true, undefined, undefined]);
    assert.equal(pod.automountServiceAccountToken, false);
  });

  it('runs the command with flags that it has, and a sound configuration that listens where probes and Prometheus ask', () => {
    const words = container.command;
    const flags = words.filter((word) => word.startsWith('--') && word !== '--yes');
    for (const flag of flags) assert.ok(Object.hasOwn(Agent.flags, flag.slice(2)), flag);
    const file = words[words.indexOf('--config') + 1] ?? '';
    const mounted = container.volumeMounts.find(({ mountPath }) => path.dirname(file) === mountPath);
    assert.equal(pod.volumes.find(({ name }) => name === mounted?.name)?.configMap?.name, config.name);
    const { agent } = parseConfig(config.data[path.basename(file)] ?? '', 'config.yaml');
    assert.equal(agent?.prometheus?.listen.host, '0.0.0.0');
    const [port] = container.ports;
    assert.equal(port?.containerPort, agent.prometheus.listen.port);
    for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe])
      assert.deepEqual(probe.httpGet, { path: '/healthz', port: port.name });
    const { annotations } = daemonSet();
    assert.deepEqual(annotations, {
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': String(port.containerPort),
    });
  });
});

describe('the systemd unit', () => {
  it('gives the capabilities that the DaemonSet gives, and no way to others', () => {
    const [container] = daemonSet().pod.containers as [Container];
    const given = capabilitiesOf(container);
    assert.deepEqual(unitWords('AmbientCapabilities').sort(), given);
    assert.deepEqual(unitWords('CapabilityBoundingSet').sort(), given);
    for (const key of ['NoNewPrivileges', 'DynamicUser', 'RestrictNamespaces', 'RestrictSUIDSGID'])
      assert.deepEqual(unitWords(key), ['yes'], key);
    assert.deepEqual(unitWords('ProtectSystem'), ['strict']);
    assert.deepEqual(unitWords('ExecReload'), ['/bin/kill', '-HUP', '$MAINPID']);
    assert.deepEqual(unitWords('Restart'), ['on-failure']);
  });

  it('is sound for systemd', function () {
    if (spawnSync('systemd-analyze', ['--version']).error) this.skip();
    const folder = mkdtempSync(path.join(tmpdir(), 'unit-'));
    try {
      const file = path.join(folder, 'tcpscope-agent.service');
      // The program and its page are installed elsewhere.
      writeFileSync(
        file,
        UNIT.replace('/usr/local/bin/tcpscope', '/bin/true').replace(/^Documentation=.*\n/m, ''),
      );
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
      assert.equal(stderr, '');
      assert.equal(status, 0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
