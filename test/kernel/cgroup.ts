/** Cgroups that a test makes, and connections of processes in them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Where the hierarchy of cgroup v2 is mounted. */
function mountOfCgroup2(): string {
  const line = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .find((each) => each.split(' ')[2] === 'cgroup2');
  const folder = line?.split(' ')[1];
  if (folder === undefined) throw new Error('this host has no hierarchy of cgroup v2 mounted');
  return folder;
}

const ENTER = 'echo $$ > "$0/cgroup.procs" && exec "$@"';
const REFUSED = 'for each in $(seq "$0"); do (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; done; true';
const IN_NAMESPACE = ['unshare', '--net', 'bash', '-c', 'ip link set lo up && exec "$0" "$@"'];

export class TestCgroups {
  private readonly mount = mountOfCgroup2();
  private readonly made: string[] = [];

  /** Makes a cgroup and what is missing above it. @param name path below the root of the hierarchy */
  make(name: string): number {
    const parts = name.split('/').filter((part) => part !== '');
    for (let depth = 1; depth <= parts.length; depth++) {
      const folder = path.join(this.mount, ...parts.slice(0, depth));
      if (this.made.includes(folder)) continue;
      mkdirSync(folder);
      this.made.push(folder);
    }
    return this.id(name);
  }

  id(name: string): number {
    return statSync(path.join(this.mount, name)).ino;
  }

  /** Connections to a port of loopback where nobody listens, from a process in that cgroup that ends with them. */
  refused(name: string, count: number, { port = 1, ownNamespace = false } = {}): void {
    const enter = ['-c', ENTER, path.join(this.mount, name)];
    const wrapper = ownNamespace ? IN_NAMESPACE : [];
    execFileSync('bash', [...enter, ...wrapper, 'bash', '-c', REFUSED, String(count), String(port)]);
  }

  remove(name: string): void {
    const folder = path.join(this.mount, name);
    rmdirSync(folder);
    this.made.splice(this.made.indexOf(folder), 1);
  }

  removeAll(): void {
    for (const folder of this.made.splice(0).reverse()) rmdirSync(folder);
  }
}

const MOUNT = 'mount --rbind /proc "$0/proc" && mount --rbind /sys "$0/sys" && exec "$@"';

/** A folder that looks like the root of this host as a debug container sees it, but for what a test puts below /var. */
export class FakeHostRoot {
  readonly path = mkdtempSync(path.join(tmpdir(), 'host-root-'));
  /** Runs a program where /proc and /sys are mounted there. */
  readonly wrapper = ['unshare', '--mount', 'bash', '-c', MOUNT, this.path];

  constructor() {
    for (const name of ['proc', 'sys']) mkdirSync(path.join(this.path, name));
  }

  /** As kubelet has it: a link for each container. */
  addKubeletLog(namespace: string, pod: string, uid: string, container: string, id: string): void {
    const folder = path.join(this.path, 'var/log/pods', `${namespace}_${pod}_${uid}`, container);
    mkdirSync(folder, { recursive: true });
    const links = path.join(this.path, 'var/log/containers');
    mkdirSync(links, { recursive: true });
    symlinkSync(path.join(folder, '0.log'), path.join(links, `${pod}_${namespace}_${container}-${id}.log`));
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
