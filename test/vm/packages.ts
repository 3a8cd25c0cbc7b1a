/** Kernels of other Debian suites, got by apt with a configuration of its own: the system's stays as it is. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import type { Architecture, Kernel } from './kernels.js';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** A kernel is split in several packages from Debian 14 on. */
const KERNEL_PACKAGES = /^linux-(?:image|base|binary|modules)-\d/;
const HEADER_PACKAGES = /^linux-headers-\d/;

const text = (command: string, args: readonly string[], cwd?: string): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], cwd });

/** Where kernels are kept: TCPSCOPE_VM_CACHE, or a folder of the user's cache. */
export function cacheFolder(): string {
  const caches = process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache');
  return process.env['TCPSCOPE_VM_CACHE'] ?? path.join(caches, 'tcpscope/kernels');
}

/** Debian's archives that this system uses itself; those of security updates have other suites. */
export function mirrors(): string[] {
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT)';
  const sources = text('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']).split('\n');
  const uris = sources
    .map((line) => line.split(' '))
    .filter(([, suite = '', component]) => component === 'main' && !suite.includes('-'))
    .map(([uri = '']) => uri);
  return [...new Set(uris)];
}

/** apt, as if this system had one suite and nothing else. */
class Suite {
  readonly #options: string[];

  constructor(
    readonly name: string,
    architecture: string,
    readonly folder: string,
  ) {
    const sources = path.join(folder, 'sources.list');
    for (const each of ['lists/partial', 'cache/archives/partial'])
      mkdirSync(path.join(folder, each), { recursive: true });
    this.#options = [
      `Dir::Etc::sourcelist=${sources}`,
      'Dir::Etc::sourceparts=/dev/null',
      `Dir::State::lists=${path.join(folder, 'lists')}`,
      `Dir::Cache=${path.join(folder, 'cache')}`,
      `APT::Architecture=${architecture}`,
      `APT::Architectures=${architecture}`,
      // The folder may be one that only root can read.
      'APT::Sandbox::User=root',
      'Acquire::Languages=none',
      'APT::Update::Error-Mode=any',
    ].flatMap((option) => ['-o', option]);
    this.#update(sources);
  }

  /** What a package depends on, and itself, by name: those that match. */
  dependencies(of: string, matching: RegExp): string[] {
    const all = this.#apt('apt-cache', 'depends', '--recurse', '--important', of).split('\n');
    return [...new Set(all.filter((name) => matching.test(name)))];
  }

  /** Downloads a package and unpacks it into a folder. */
  unpack(name: string, folder: string): void {
    this.#apt('apt-get', 'download', '-qq', name);
    const file = readdirSync(this.folder).find((each) => each.startsWith(`${name}_`));
    if (file === undefined) throw new Error(`apt-get has not downloaded ${name}`);
    text('dpkg-deb', ['--extract', path.join(this.folder, file), folder]);
  }

  #update(sources: string): void {
    const candidates = mirrors();
    for (const uri of candidates) {
      writeFileSync(sources, `deb [signed-by=${KEYRING}] ${uri} ${this.name} main\n`);
      try {
        this.#apt('apt-get', 'update', '-qq');
        return;
      } catch {
        // apt has said why; the next one may have the suite.
      }
    }
    throw new Error(`no archive in this system's apt sources has the suite ${this.name}`);
  }

  #apt(command: string, ...args: string[]): string {
    return text(command, [...this.#options, ...args], this.folder);
  }
}

/**
 * The folder of an unpacked kernel, with `lib/modules` and `vmlinuz`; downloads it first if need be.
 * Remove the folder to have the newest one again.
 */
export function fetchKernel(
  { name, suite }: Kernel,
  { name: architecture, kernelPackage }: Architecture,
): string {
  const folder = path.join(cacheFolder(), `${name}-${architecture}`);
  if (existsSync(folder)) return folder;
  const choose = (archive: Suite): readonly string[] => {
    const packages = archive.dependencies(kernelPackage, KERNEL_PACKAGES);
    if (!packages.some((each) => each.includes(`-${name}.`)))
      throw new Error(`${suite} has no Linux ${name}, but: ${packages.join(', ') || 'none'}`);
    return packages;
  };
  download(folder, suite, architecture, choose, arrange);
  return folder;
}

/** The headers of a fetched kernel, where what compiles in its guest looks for them: in `/lib/modules/VERSION`. */
export function fetchHeaders(folder: string, { suite }: Kernel, { name: architecture }: Architecture): void {
  const version = kernelVersion(folder);
  const headers = path.join(folder, 'headers');
  if (existsSync(headers)) return;
  const choose = (archive: Suite): readonly string[] => {
    const packages = archive.dependencies(`linux-headers-${version}`, HEADER_PACKAGES);
    if (packages.length === 0)
      throw new Error(`${suite} has no headers of Linux ${version} any more: remove ${folder} and try again`);
    return packages;
  };
  download(headers, suite, architecture, choose, (partial) => {
    provideLib(partial);
    const modules = path.join('lib/modules', version);
    for (const link of ['build', 'source']) {
      const target = path.resolve('/usr', modules, readlinkSync(path.join(partial, modules, link)));
      rmSync(path.join(folder, modules, link), { force: true });
      symlinkSync(path.join(headers, target), path.join(folder, modules, link));
    }
  });
}

/** Downloads packages of a suite, and unpacks them into a folder: whole or not at all. */
function download(
  folder: string,
  suite: string,
  architecture: string,
  choose: (archive: Suite) => readonly string[],
  finish: (folder: string) => void,
): void {
  const apt = path.join(cacheFolder(), `apt-${suite}-${architecture}-${process.pid}`);
  const partial = `${folder}.${process.pid}`;
  try {
    const archive = new Suite(suite, architecture, apt);
    const packages = choose(archive);
    mkdirSync(partial, { recursive: true });
    for (const each of packages) archive.unpack(each, partial);
    finish(partial);
    renameSync(partial, folder);
  } finally {
    rmSync(apt, { recursive: true, force: true });
    rmSync(partial, { recursive: true, force: true });
  }
}

/** As Debian 11 to 13 have it, whatever the release: `lib/modules`, and `vmlinuz` on top. */
function arrange(folder: string): void {
  provideLib(folder);
  const version = kernelVersion(folder);
  const images = [`boot/vmlinuz-${version}`, `lib/modules/${version}/vmlinuz`];
  const image = images.find((each) => existsSync(path.join(folder, each)));
  if (image === undefined) throw new Error(`no kernel image in the packages of Linux ${version}`);
  symlinkSync(image, path.join(folder, 'vmlinuz'));
  text('depmod', ['-b', folder, version]);
}

/** Debian 13 has it in `usr` only. */
function provideLib(folder: string): void {
  if (!existsSync(path.join(folder, 'lib'))) symlinkSync('usr/lib', path.join(folder, 'lib'));
}

/** What `uname -r` says there. */
export function kernelVersion(folder: string): string {
  const [version] = readdirSync(path.join(folder, 'lib/modules'));
  if (version === undefined) throw new Error(`no modules in ${folder}`);
  return version;
}
