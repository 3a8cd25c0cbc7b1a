/** `--version`: what it says is what the machine, the addon and the objects say. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { libbpfVersion } from '#bpf-native-bindings';
import { ROOT, said } from './program.js';

const output = (file: string, ...args: string[]): string =>
  execFileSync(file, args, { encoding: 'utf8' }).trim();

describe('tcpscope --version', () => {
  const [first = '', built = '', host = '', ...rest] = said(['--version']).split('\n');

  it('begins with the name and the version of the package', () => {
    const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
      version: string;
    };
    assert.equal(first, `tcpscope ${version}`);
  });

  it('says which libbpf is in the addon', () => {
    const [, libbpf = ''] = /^built with libbpf (\d+\.\d+\.\d+), /.exec(built) ?? [];
    // libbpf itself knows no third number.
    assert.equal(libbpf.replace(/\.\d+$/, ''), libbpfVersion.replace(/^v/, ''));
    assert.equal(libbpf, output('dpkg-query', '-W', '-f', '${source:Upstream-Version}', 'libbpf-dev'));
  });

  it('says which headers of Linux and which compiler the objects are made with', () => {
    const [, linux, clang = ''] = /, headers of Linux ([\d.]+) and clang ([\d.]+),/.exec(built) ?? [];
    assert.equal(linux, output('dpkg-query', '-W', '-f', '${source:Upstream-Version}', 'linux-libc-dev'));
    const object = readFileSync(path.join(ROOT, 'dist/bpf/connlat.bpf.o'));
    assert.ok(object.includes(`clang version ${clang}`), 'the compiler of the debug information is that one');
  });

  it('says what it runs on', () => {
    assert.equal(
      host,
      `runs on ${output('uname', '-s')} ${output('uname', '-r')} (${process.arch}) with Node.js ${process.version}`,
    );
    assert.deepEqual(rest, ['']);
  });
});
