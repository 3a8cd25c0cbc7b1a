/** The packed tarball, and the standalone executable, on hosts that have nothing of what built them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Namespace, connect, listen, type Child } from '#tcpscope/lab/network.js';
import { onHost } from '../features.js';
import { ROOT, prebuild } from './prebuilt.js';
import { debianRoot, nodeFolder, startInside } from './roots.js';

/** The last release of Node.js 20, which needs glibc 2.28. The oldest glibc of Debian's archive is 2.31, of bullseye. */
const NODE = '20.20.2';
const SUITES = ['bullseye', 'bookworm', 'trixie'];
const PORT = 9000;
const MEBIBYTE = 1024 * 1024;

const run = (command: string, args: readonly string[]): string =>
  execFileSync(command, args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

async function said(child: Child, text: string): Promise<void> {
  for (;;) {
    if (child.stderr.includes(text)) return;
    const ended = await Promise.race([child.exited, new Promise((resolve) => setTimeout(resolve, 20))]);
    if (ended !== undefined) assert.fail(`ended early: ${child.stderr}${child.stdout}`);
  }
}

// A package is the same for every kernel.
onHost.describe('what is published', function () {
  this.timeout(600_000);
  let folder = '';
  let tarball = '';
  let host: Namespace | undefined;

  before(async () => {
    prebuild();
    folder = mkdtempSync(path.join(tmpdir(), 'tcpscope-pack-'));
    const [packed] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', folder])) as [
      { filename: string },
    ];
    tarball = path.join(folder, packed.filename);
    host = await Namespace.create();
    await listen(host, '127.0.0.1', PORT, { close: true });
  });
  after(async () => {
    await host?.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Waits until it traces, makes connections, and reads the rows that it printed of them. */
  async function rowsOf(tool: Child): Promise<{ remote_port: number; result: string }[]> {
    await said(tool, 'Tracing');
    const traffic = connect(host!, '127.0.0.1', PORT, { count: 100, gapUs: 1000, name: 'published' });
    const { stdout } = await tool.output();
    await traffic;
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { remote_port: number; result: string });
  }

  function assertOurs(rows: { remote_port: number; result: string }[]): void {
    assert.equal(rows.length, 5);
    // Whatever else connects on this host meanwhile is traced too.
    const ours = rows.filter(({ remote_port, result }) => remote_port === PORT && result === 'ok');
    assert.ok(ours.length >= 3, JSON.stringify(rows));
  }

  it('has what it needs for both architectures, and nothing else', () => {
    const files = run('tar', ['-tzf', tarball]).trim().split('\n').sort();
    for (const architecture of ['x64', 'arm64'])
      for (const file of [
        `native/prebuilds/linux-${architecture}/bpf.node`,
        `dist/lab/linux-${architecture}/link`,
      ])
        assert.ok(files.includes(`package/${file}`), file);
    const { man } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { man: string[] };
    for (const file of [
      'bin/run.js',
      'dist/bundle/tcpscope.js',
      'dist/bpf/connlat.bpf.o',
      'oclif.manifest.json',
      ...man,
    ])
      assert.ok(files.includes(`package/${file}`), file);
    const strange = files.filter((file) => /\/(src|test|bench|node_modules)\/|\.map$|\.d\.ts$/.test(file));
    assert.deepEqual(strange, []);
  });

  it('is smaller than 8 MiB, depends on nothing, and runs nothing when it is installed', () => {
    assert.ok(statSync(tarball).size < 8 * MEBIBYTE);
    const manifest = JSON.parse(run('tar', ['-xzOf', tarball, 'package/package.json'])) as {
      dependencies?: object;
      optionalDependencies?: object;
      peerDependencies?: object;
      scripts: Record<string, string>;
      os: string[];
      cpu: string[];
    };
    assert.deepEqual(
      { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies },
      {},
    );
    const hooks = [
      'preinstall',
      'install',
      'postinstall',
      'prepare',
      'preprepare',
      'postprepare',
      'dependencies',
    ];
    assert.deepEqual(
      hooks.filter((hook) => hook in manifest.scripts),
      [],
    );
    assert.ok(manifest.os.includes('linux'));
    assert.deepEqual(manifest.cpu, ['x64', 'arm64']);
  });

  for (const suite of SUITES) {
    it(`runs by npx on ${suite}, without network, compiler, libbpf or git`, async () => {
      const root = debianRoot(suite);
      const name = path.basename(tarball);
      const mounts = { '/opt/node': nodeFolder(NODE), [`/tmp/${name}`]: tarball };
      const tool = startInside(
        { netns: host!.path, root, mounts },
        `for program in gcc cc g++ clang make git python3 bpftool; do
           if command -v $program; then echo "$program is here" >&2; exit 1; fi
         done
         if ls /usr/lib/*/libbpf* /usr/include/linux 2>/dev/null; then exit 1; fi
         cd /tmp
         export PATH=$PATH:/opt/node/bin
         node /opt/node/lib/node_modules/npm/bin/npx-cli.js --yes ./${name} connlat --count 5 --json`,
      );
      assertOurs(await rowsOf(tool));
    });
  }

  it('is one executable for hosts without Node.js', async () => {
    const built = run('node', ['scripts/build-standalone.mjs']).trim();
    const root = debianRoot('bullseye');
    const mounts = { '/tmp/tcpscope': path.join(ROOT, built) };
    const tool = startInside(
      { netns: host!.path, root, mounts },
      'command -v node && exit 1; exec /tmp/tcpscope connlat --count 5 --json',
    );
    assertOurs(await rowsOf(tool));
    const noexec = startInside(
      { netns: host!.path, root, mounts },
      'mount -t tmpfs -o noexec none /opt; TMPDIR=/opt exec /tmp/tcpscope connlat',
    );
    assert.equal((await noexec.exited).code, 69);
    assert.match(noexec.stderr, /mounted noexec: name another one in TMPDIR/);
    const left = startInside(
      { netns: host!.path, root, mounts },
      '/tmp/tcpscope --version && echo left: && ls -A /tmp',
    );
    const { stdout } = await left.output();
    assert.match(stdout, /^tcpscope \d+\.\d+\.\d+\n[^]*\nleft:\ntcpscope\n$/);
  });
});
