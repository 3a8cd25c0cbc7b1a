/** A release, made of a clone as it would be of the repository. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Version } from '@cyclonedx/cyclonedx-library/Spec';
import { JsonStrictValidator } from '@cyclonedx/cyclonedx-library/Validation';
import { onHost } from '../features.js';
import { ROOT } from './prebuilt.js';

const VERSION = '98.7.6';

// A release is made on a build machine, and is the same for every kernel.
onHost.describe('a release', function () {
  this.timeout(1_200_000);
  let folder = '';
  let clone = '';

  const run = (command: string, ...args: string[]): string =>
    execFileSync(command, args, { cwd: clone, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const read = (file: string): string => readFileSync(path.join(clone, file), 'utf8');

  /** The exit code, and what was said. */
  function attempt(script: string, ...args: string[]): [number | null, string] {
    const { status, stderr } = spawnSync(path.join(clone, script), args, { cwd: clone, encoding: 'utf8' });
    return [status, stderr.trim()];
  }

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tcpscope-release-'));
    clone = path.join(folder, 'clone');
    execFileSync('git', ['clone', '-q', ROOT, clone]);
    // What is being worked on, too.
    const changed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    execFileSync(
      'tar',
      ['-C', ROOT, '-cf', path.join(folder, 'tree.tar'), '--ignore-failed-read', '-T', '-'],
      {
        input: changed,
        stdio: ['pipe', 'ignore', 'ignore'],
      },
    );
    run('tar', '-xf', path.join(folder, 'tree.tar'));
    run('git', 'config', 'user.name', 'Test');
    run('git', 'config', 'user.email', 'test@example.com');
    run('git', 'add', '-A');
    run('git', 'commit', '-q', '--allow-empty', '-m', 'The work tree');
    execFileSync('ln', ['-s', path.join(ROOT, 'node_modules'), path.join(clone, 'node_modules')]);
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('has a version that comes after the last one, and something new in it', () => {
    assert.deepEqual(attempt('scripts/release-version.mjs', '1.2'), [2, '"1.2" is not a version; try 0.2.0']);
    assert.deepEqual(attempt('scripts/release-version.mjs', '0.0.1'), [
      2,
      '0.0.1 does not come after 0.1.0.',
    ]);
    const text = read('CHANGELOG.md');
    writeFileSync(path.join(clone, 'CHANGELOG.md'), '## [Unreleased]\n\n## [0.1.0] - 2026-01-01\n\n- It.\n');
    assert.match(attempt('scripts/release-version.mjs', VERSION)[1], /nothing under \[Unreleased\]/);
    writeFileSync(path.join(clone, 'CHANGELOG.md'), text);
    assert.equal(run('git', 'status', '--porcelain'), '');
  });

  it('is made of a commit whose changelog names it', () => {
    assert.match(attempt('scripts/release')[1], /CHANGELOG.md has no section/);
    assert.deepEqual(attempt('scripts/release-version.mjs', VERSION), [0, '']);
    const changed = run('git', 'diff', '--name-only').trim().split('\n');
    assert.deepEqual(changed, ['CHANGELOG.md', 'package-lock.json', 'package.json']);
    assert.match(
      read('CHANGELOG.md'),
      /^## \[Unreleased\]\n\n## \[98\.7\.6\] - \d{4}-\d\d-\d\d\n\n### Added$/m,
    );
    assert.match(attempt('scripts/release')[1], /not committed/);
    run('git', 'commit', '-qam', 'Release');
  });

  it('is built twice with the same bytes, tried, listed and summed', async () => {
    rmSync(path.join(clone, 'node_modules'));
    run('scripts/release', '--without-audit');
    const release = path.join(clone, 'build/release');
    assert.deepEqual(readdirSync(release).sort(), [
      'NOTES.md',
      'SHA256SUMS',
      `tcpscope-${VERSION}-linux-x64.gz`,
      `tcpscope-${VERSION}.cdx.json`,
      `tcpscope-${VERSION}.tgz`,
    ]);
    execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: release });
    assert.match(readFileSync(path.join(release, 'NOTES.md'), 'utf8'), /### Added\n\n- /);

    const bill = readFileSync(path.join(release, `tcpscope-${VERSION}.cdx.json`), 'utf8');
    assert.equal(await new JsonStrictValidator(Version.v1dot6).validate(bill), null);
    const { components } = JSON.parse(bill) as { components: { name: string; licenses: unknown[] }[] };
    const names = components.map(({ name }) => name);
    // What src/ imports and the addon links is a part of it; what only builds and tests is not.
    const imported = execFileSync('grep', ['-rhoE', "from '[a-z@][^'#]*'", path.join(ROOT, 'src')], {
      encoding: 'utf8',
    })
      .split('\n')
      .map((line) => /^from '((?:@[^/]+\/)?[^/:']+)[^:]*'$/.exec(line)?.[1])
      .filter((name) => name !== undefined);
    assert.ok(imported.includes('yaml'));
    for (const name of [...imported, 'libbpf-dev', 'libelf-dev', 'zlib1g-dev'])
      assert.ok(names.includes(name), name);
    for (const name of ['mocha', 'typescript', 'rolldown']) assert.ok(!names.includes(name), name);
    assert.ok(components.every(({ licenses }) => licenses.length > 0));
  });
});
