/** The agent with what the DaemonSet gives it, and with what the systemd unit does. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, listen, Namespace } from '#tcpscope/lab/network.js';
import { ROOT } from '../features.js';
import { parseMetrics, sumOf } from '../kernel/agent-tool.js';
import { Tool } from '../kernel/tool.js';
import { Containers } from './container.js';
import { daemonSet, type Container } from './daemon-set.js';

const ATTEMPTS = 'tcpscope_tcp_connection_attempts_total';

describe('the agent with the least privileges', function () {
  this.timeout(120_000);
  let host: Namespace;
  let folder: string;
  before(async () => {
    host = await Namespace.create('agent-contained');
    await listen(host, '127.0.0.1', 9000);
    folder = mkdtempSync(path.join(tmpdir(), 'agent-'));
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await host.destroy();
  });

  it('of the DaemonSet measures connections of the host, and is well', async () => {
    const { config, pod } = daemonSet();
    const [container] = pod.containers as [Container];
    const { securityContext, volumeMounts, command, ports } = container;
    for (const [name, text] of Object.entries(config.data)) writeFileSync(path.join(folder, name), text);
    const sources: Record<string, string> = { host: '/', config: folder };
    const volumes = volumeMounts.flatMap(({ name, mountPath, readOnly, mountPropagation }) => {
      const source = sources[name];
      if (source === undefined) return ['--tmpfs', mountPath];
      const propagation = mountPropagation === 'HostToContainer' ? ',rslave' : '';
      return ['-v', `${source}:${mountPath}:${readOnly ? 'ro' : 'rw'}${propagation}`];
    });
    const containers = new Containers();
    // Podman makes mount points in the root folder, which the program sees as one that cannot be written to.
    mkdirSync(path.join(containers.rootFolder, 'etc/tcpscope'));
    const flags = [
      ...['--rm', ...(pod.hostPID ? ['--pid=host'] : [])],
      ...securityContext.capabilities.drop.map((name) => `--cap-drop=${name}`),
      ...securityContext.capabilities.add.map((name) => `--cap-add=${name}`),
      `--security-opt=seccomp=${securityContext.seccompProfile.type.toLowerCase()}`,
      ...(securityContext.allowPrivilegeEscalation ? [] : ['--security-opt=no-new-privileges']),
      ...(securityContext.readOnlyRootFilesystem ? ['--read-only'] : []),
      ...volumes,
    ];
    try {
      const args = command.slice(command.indexOf('agent'));
      const tool = await Tool.start([...args, '--netns', String(host.inode)], {
        wrapper: containers.wrapper(flags),
        program: containers.program,
      });
      assert.doesNotMatch(tool.stderr, /warning/);
      await connect(host, '127.0.0.1', 9000, { count: 11 });
      const pid = execFileSync(
        'pgrep',
        ['-f', `${containers.program} agent .*--netns ${host.inode}`, '--newest'],
        {
          encoding: 'utf8',
        },
      ).trim();
      const metrics = parseMetrics(askWithin(pid, `http://127.0.0.1:${ports[0]?.containerPort}/metrics`));
      assert.equal(sumOf(metrics, ATTEMPTS), 11);
      const health = askWithin(pid, `http://127.0.0.1:${ports[0]?.containerPort}/healthz`);
      assert.deepEqual(JSON.parse(health), { status: 'ok', reasons: [] });
      execFileSync('kill', ['-TERM', pid]);
      assert.equal((await tool.wait()).code, 0, tool.stderr);
    } finally {
      containers.remove();
    }
  });

  it('of the systemd unit measures, and reads what only root may', async () => {
    const unit = readFileSync(path.join(ROOT, 'packaging/systemd/tcpscope-agent.service'), 'utf8');
    const [, words = ''] = /^AmbientCapabilities=(.*)$/m.exec(unit) ?? [];
    const capabilities = words
      .split(' ')
      .map((name) => name.replace('CAP_', '+').toLowerCase())
      .join(',');
    const secret = path.join(folder, 'password');
    writeFileSync(secret, 'secret\n', { mode: 0o600 });
    const config = path.join(folder, 'unit.yaml');
    writeFileSync(
      config,
      `agent: {prometheus: {listen: "127.0.0.1:0", basic-auth: {user: a, password-file: ${secret}}}}`,
      { mode: 0o600 },
    );
    const tool = await Tool.start(['agent', '--config', config, '--netns', String(host.inode)], {
      wrapper: [
        ...['unshare', '-m', 'sh', '-c', `mount --bind '${ROOT}' /mnt; exec "$@"`, 'sh'],
        ...['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs'],
        ...[`--inh-caps=${capabilities}`, `--ambient-caps=${capabilities}`],
        `--bounding-set=-all,${capabilities}`,
      ],
      program: '/mnt/bin/run.js',
    });
    assert.doesNotMatch(tool.stderr, /warning/);
    await connect(host, '127.0.0.1', 9000, { count: 7 });
    const url = /http:\S+\/metrics/.exec(tool.stderr)?.[0] ?? '';
    const authorization = `Basic ${Buffer.from('a:secret').toString('base64')}`;
    const answer = await fetch(url, { headers: { authorization } });
    assert.equal(sumOf(parseMetrics(await answer.text()), ATTEMPTS), 7);
    assert.equal((await tool.stop('SIGTERM')).code, 0, tool.stderr);
  });
});

/** What a page says, asked for in the network of a process. */
function askWithin(pid: string, url: string): string {
  const script = 'fetch(process.argv[1]).then(async (answer) => process.stdout.write(await answer.text()))';
  return execFileSync('nsenter', ['-t', pid, '-n', process.execPath, '-e', script, url], {
    encoding: 'utf8',
  });
}
