/** The prebuilt addons and programs run on every system that Node 20 runs on: read from the files themselves. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readElf, type ElfFile } from './elf.js';
import { ARCHITECTURES, addonOf, helperOf, prebuild, type Architecture } from './prebuilt.js';

const MACHINES: Record<Architecture, string> = {
  x64: 'Advanced Micro Devices X86-64',
  arm64: 'AArch64',
};
/** The largest pages that kernels of the architecture have. */
const PAGE_SIZES: Record<Architecture, number> = { x64: 4096, arm64: 65536 };
const LOADERS: Record<Architecture, string> = { x64: 'ld-linux-x86-64.so.2', arm64: 'ld-linux-aarch64.so.1' };
/** What Node.js 20 itself needs. */
const GLIBC = [2, 28] as const;
/** GCC 4.2 of 2007; GCC_ is the prefix of versions of libgcc_s. */
const LIBGCC = [4, 2] as const;

/** Everything that would keep an addon from loading, or make loading it less safe, a line each. */
function faultsOfAddon(file: ElfFile, architecture: Architecture): string[] {
  const libraries = ['libc.so.6', 'libgcc_s.so.1', LOADERS[architecture]];
  return [
    ...faultsOfMachine(file, architecture),
    ...file.needed.filter((name) => !libraries.includes(name)).map((name) => `needs ${name}`),
    ...file.required
      .filter((symbol) => !isThere(symbol))
      .map(({ name, version }) => `needs ${name} ${version}`),
    ...file.exported.filter((name) => !EXPORTS.includes(name)).map((name) => `exports ${name}`),
    ...EXPORTS.filter((name) => !file.exported.includes(name)).map((name) => `does not export ${name}`),
    ...['RUNPATH', 'RPATH', 'TEXTREL'].filter((tag) => file.dynamic.has(tag)).map((tag) => `has ${tag}`),
    ...(file.dynamic.has('BIND_NOW') ? [] : ['binds lazily']),
    ...(file.segments.has('GNU_RELRO') ? [] : ['keeps relocations writable']),
  ];
}

const EXPORTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];

function faultsOfMachine(file: ElfFile, architecture: Architecture): string[] {
  return [
    ...(file.machine === MACHINES[architecture] ? [] : [`is for ${file.machine}`]),
    ...(file.pageSize >= PAGE_SIZES[architecture] ? [] : [`is for pages of ${file.pageSize} bytes`]),
    ...(file.segments.get('GNU_STACK') === 'RW' ? [] : ['makes the stack executable']),
    ...(file.buildId.length === 40 ? [] : ['has no build id']),
  ];
}

/** Node.js has what begins with napi; the others have the version in which they came. */
function isThere({ name, version, weak }: ElfFile['required'][number]): boolean {
  if (version === '') return weak || /^(napi|node_api)_/.test(name);
  const [library, number] = version.split('_');
  if (library === 'GLIBC') return isAtMost(number!, GLIBC);
  return library === 'GCC' && isAtMost(number!, LIBGCC);
}

function isAtMost(version: string, [major, minor]: readonly [number, number]): boolean {
  const [ours = 0, ourMinor = 0] = version.split('.').map(Number); // NaN of GLIBC_PRIVATE is never at most
  return ours < major || (ours === major && ourMinor <= minor);
}

describe('prebuilt files', function () {
  // Time for the first build, with the cross compiler to install.
  this.timeout(300_000);
  before(prebuild);

  for (const architecture of ARCHITECTURES) {
    it(`the addon of linux-${architecture} needs no more than Node.js 20 does`, () => {
      const file = readElf(addonOf(architecture));
      assert.deepEqual(faultsOfAddon(file, architecture), []);
      assert.ok(file.required.some(({ version }) => version.startsWith('GLIBC_')));
    });

    for (const name of ['link', 'traffic'] as const) {
      it(`${name} of linux-${architecture} needs no library at all`, () => {
        const file = readElf(helperOf(architecture, name));
        assert.deepEqual(faultsOfMachine(file, architecture), []);
        assert.ok(file.isStatic);
        assert.deepEqual([file.needed, file.required], [[], []]);
      });
    }
  }
});

describe('the check of prebuilt files', () => {
  const LIKE_OURS = ['-shared', '-fPIC', '-Wl,-z,relro,-z,now', '-Wl,--build-id'];
  const ENTRIES = EXPORTS.map((name) => `extern "C" int ${name}() { return 0; }`).join('\n');
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tcpscope-elf-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  function faultsOf(source: string, ...flags: string[]): string[] {
    const [from, to] = [join(folder, 'bad.cc'), join(folder, 'bad.node')];
    writeFileSync(from, source);
    execFileSync('g++', [...LIKE_OURS, '-o', to, from, ...flags]);
    return faultsOfAddon(readElf(to), process.arch as Architecture);
  }

  it('finds nothing wrong with an addon that needs nothing', () => {
    assert.deepEqual(faultsOf(ENTRIES), []);
  });

  const BAD: [what: string, fault: RegExp, source: string, ...flags: string[]][] = [
    ['a function of glibc 2.36', /^needs arc4random GLIBC_2\.36$/, '#include <stdlib.h>\nint f() { return arc4random(); }'],
    ['a function whose version changed', /^needs pthread_create GLIBC_2\.34$/, '#include <pthread.h>\nvoid *f = (void *)pthread_create;'],
    ['the C++ runtime', /^needs \w+ (GLIBCXX|CXXABI)_/, '#include <string>\nstd::string f(int n) { return std::to_string(n) + std::string(n, 0); }'],
    ['another library', /^needs libz\.so\.1$/, '#include <zlib.h>\nconst char *f() { return zlibVersion(); }', '-lz'],
    ['a function that nobody has', /^needs nowhere $/, 'extern "C" void nowhere(); void f() { nowhere(); }'],
    ['another exported function', /^exports secret$/, 'extern "C" int secret() { return 0; }'],
    ['a search path', /^has RUNPATH$/, '', '-Wl,-rpath,/tmp'],
    ['lazy binding', /^binds lazily$/, '', '-Wl,-z,lazy'],
    ['writable relocations', /^keeps relocations writable$/, '', '-Wl,-z,norelro'],
    ['an executable stack', /^makes the stack executable$/, '', '-Wl,-z,execstack'],
    ['no build id', /^has no build id$/, '', '-Wl,--build-id=none'],
  ]; // prettier-ignore

  for (const [what, fault, source, ...flags] of BAD) {
    it(`finds ${what}`, () => {
      const faults = faultsOf(`${source}\n${ENTRIES}`, ...flags);
      assert.ok(
        faults.some((line) => fault.test(line)),
        faults.join('\n'),
      );
    });
  }

  it('finds an entry that is missing, and another machine', () => {
    assert.ok(faultsOf('').includes(`does not export ${EXPORTS[0]!}`));
    const other = process.arch === 'x64' ? 'arm64' : 'x64';
    assert.match(faultsOfAddon(readElf(addonOf(process.arch as Architecture)), other)[0]!, /^is for /);
  });
});
