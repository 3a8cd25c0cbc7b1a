/** Where the addon cannot be loaded, tracing says so in three lines, and what needs no addon works. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, addonOf, type Architecture } from './prebuilt.js';

interface Situation {
  what: string;
  says: RegExp[];
  /** The file of the addon, in place of the right one. */
  addon?: () => string;
  /** JavaScript that pretends to be another system, where the real one cannot be had. */
  pretend?: string;
  /** What runs Node.js. */
  wrapper?: () => string[];
}

const MUSL = 'process.report.getReport = () => ({ header: { nodejsVersion: process.version } })';
const pretendArchitecture = (name: string): string =>
  `Object.defineProperty(process, 'arch', { value: '${name}' })`;

describe('tcpscope without a usable addon', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tcpscope-addon-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  /** A file that is no shared object. */
  function garbage(): string {
    const path = join(folder, 'garbage.node');
    writeFileSync(path, 'This is not an ELF file, but long enough to have the header of one.'.repeat(2));
    return path;
  }

  /** An addon that was linked with a glibc of the future. */
  function needsNewerGlibc(): string {
    const write = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return name;
    };
    const link = (...words: string[]): unknown =>
      execFileSync('gcc', ['-shared', '-fPIC', '-nostdlib', ...words], { cwd: folder });
    const versions = write('versions.map', 'GLIBC_2.99 { global: from_the_future; };');
    const future = ['-Wl,-soname,libc.so.6', `-Wl,--version-script=${versions}`, '-o', 'libfuture.so'];
    link(...future, write('future.c', 'void from_the_future(void) {}'));
    const source = 'void from_the_future(void); void use(void) { from_the_future(); }';
    link('-o', 'future.node', write('use.c', source), './libfuture.so');
    return join(folder, 'future.node');
  }

  const situations: Situation[] = [
    {
      what: 'its file is missing',
      addon: () => join(folder, 'nowhere.node'),
      says: [/addon .* is missing/, /not complete: .*nowhere\.node is not there/, /^Install tcpscope again/],
    },
    {
      what: 'its file is damaged',
      addon: garbage,
      says: [/cannot be loaded/, /garbage\.node: invalid ELF header/, /^Install tcpscope again/],
    },
    {
      what: 'glibc is too old',
      addon: needsNewerGlibc,
      says: [/cannot be loaded/, /version `GLIBC_2\.99' not found/, /glibc 2\.28 or newer/],
    },
    {
      what: 'its folder is mounted noexec',
      wrapper: () => {
        const mount = `mount -t tmpfs -o noexec none ${folder} && cp ${addonOf(process.arch as Architecture)} ${folder}`;
        return ['unshare', '--mount', 'sh', '-c', `${mount}/own.node && exec "$@"`, 'sh'];
      },
      addon: () => join(folder, 'own.node'),
      says: [/cannot be loaded/, /failed to map segment/, /mounted noexec: install tcpscope elsewhere/],
    },
    {
      what: 'Node.js uses musl',
      addon: garbage,
      pretend: MUSL,
      says: [/this Node\.js, which uses musl, as in Alpine/, /needs glibc 2\.28/, /image with glibc/],
    },
    {
      what: 'nobody has built it for the processor',
      pretend: `${pretendArchitecture('ppc64')}; (await import('node:os')).default.machine = () => 'ppc64le'; (await import('node:module')).syncBuiltinESMExports()`,
      says: [/Node\.js for ppc64/, /x64 and arm64 only/, /another host, or build it here/],
    },
    {
      what: 'Node.js is a 32-bit one',
      pretend: pretendArchitecture('arm'),
      says: [/Node\.js for arm\./, /x64 and arm64 only/, /64-bit: use a Node\.js for (x64|arm64)/],
    },
  ];

  for (const { what, says, addon, pretend, wrapper } of situations) {
    const run = (...words: string[]): { status: number | null; stdout: string; stderr: string } => {
      const imports = pretend === undefined ? [] : ['--import', `data:text/javascript,${encodeURI(pretend)}`];
      const command = [
        ...(wrapper?.() ?? []),
        process.execPath,
        ...imports,
        join(ROOT, 'bin/run.js'),
        ...words,
      ];
      const env = { ...process.env, DEBUG: '', ...(addon && { BPF_NATIVE_BINDINGS_ADDON: addon() }) };
      return spawnSync('env', command, { encoding: 'utf8', env, timeout: 30_000 });
    };

    it(`says so in three lines where ${what}`, () => {
      for (const command of ['connlat', 'retrans', 'demo']) {
        const { status, stdout, stderr } = run(command);
        assert.equal(status, 69, stderr);
        assert.equal(stdout, '');
        const lines = stderr.trimEnd().split('\n');
        assert.equal(lines.length, 3, stderr);
        says.forEach((pattern, index) => {
          assert.match(lines[index]!, pattern);
        });
        assert.match(lines[2]!, /replay, diff and config check work here\.$/);
      }
    });

    it(`works without it where ${what}`, () => {
      const recording = join(ROOT, 'test/record/fixtures/handshakes.tsr');
      assert.match(run('replay', recording).stdout, /10\.77\.0\.2:9002 +abandoned/);
      assert.equal(run('diff', recording, recording).status, 0);
      assert.match(run('--help').stdout, /connlat/);
    });
  }
});
