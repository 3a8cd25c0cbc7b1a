import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { Child, killChildren, run, type ChildOptions, type Output } from './child.js';

/** Where `ip netns` keeps its namespaces. */
const NAMESPACES = '/run/netns';

/** Names tell whose namespace it is: `tcpscope-PID-NUMBER-LABEL`. */
const NAME_PATTERN = /^tcpscope-(\d+)-/;

let numberOfLabs = 0;

/** A number that makes the names of a laboratory's namespaces unique in this process. */
export function nextLabNumber(): number {
  return ++numberOfLabs;
}

/** Throws one clear sentence when this machine or this user cannot have a laboratory. */
export function checkPrerequisites(): void {
  if (process.getuid?.() !== 0) {
    throw new Error('Making network namespaces needs root: run this as root, for example with sudo.');
  }
  for (const [program, debianPackage] of [
    ['ip', 'iproute2'],
    ['nsenter', 'util-linux'],
  ] as const) {
    if (spawnSync(program, ['-V']).error) {
      throw new Error(`Making network namespaces needs the program ${program}: install ${debianPackage}.`);
    }
  }
}

/** A network namespace with its loopback interface up: a host of its own, as far as TCP can see. */
export class Namespace {
  readonly path: string;
  /** What the kernel calls the namespace: the inode of /proc/PID/ns/net of the processes in it. */
  readonly inode: number;
  readonly #children = new Set<Child>();

  private constructor(readonly name: string) {
    this.path = `${NAMESPACES}/${name}`;
    this.inode = statSync(this.path).ino;
  }

  /** Makes a namespace; the label and number only serve its name. */
  static async create(label = 'host', number = nextLabNumber()): Promise<Namespace> {
    checkPrerequisites();
    removeEverythingAtExit();
    const name = `tcpscope-${String(process.pid)}-${String(number)}-${label}`;
    living.add(name);
    try {
      await run('ip', ['netns', 'add', name]);
      const namespace = new Namespace(name);
      await namespace.ip('link set lo up');
      return namespace;
    } catch (error) {
      removeNamespace(name);
      throw error;
    }
  }

  /**
   * Starts a program in the namespace. Its pid is the program's own: nsenter becomes the program. (So would
   * `ip netns exec`, but that also mounts a new /sys, without the cgroups and the tracing of the host's.)
   */
  spawn(command: string, args: readonly string[] = [], options?: ChildOptions): Child {
    const child = Child.start('nsenter', [`--net=${this.path}`, '--', command, ...args], options);
    this.#children.add(child);
    void child.exited.then(() => this.#children.delete(child));
    return child;
  }

  /** Runs a program in the namespace to its end. Rejects when it fails. */
  exec(command: string, args: readonly string[] = [], options?: ChildOptions): Promise<Output> {
    return this.spawn(command, args, options).output();
  }

  /** Runs commands of the program `ip` in the namespace, such as `link set lo up`. */
  async ip(...commands: string[]): Promise<void> {
    await run('ip', ['-n', this.name, '-batch', '-'], { input: commands.join('\n') });
  }

  /** Sets a kernel parameter of the namespace, such as `net.ipv4.tcp_syn_retries`. */
  async sysctl(key: string, value: string | number): Promise<void> {
    const file = `/proc/sys/${key.replaceAll('.', '/')}`;
    await this.exec('sh', ['-c', 'echo "$1" > "$0"', file, String(value)]);
  }

  /** The kernel's network counters of the namespace, such as `Tcp.ActiveOpens` or `TcpExt.TCPSynRetrans`. */
  async snmp(): Promise<Record<string, number>> {
    const { stdout } = await this.exec('cat', ['/proc/net/snmp', '/proc/net/netstat']);
    return parseSnmp(stdout);
  }

  /** Resolves when packets can leave through the interface. */
  async interfaceReady(name: string): Promise<void> {
    for (let attempt = 0; attempt < 1000; attempt++) {
      const { stdout } = await run('ip', ['-n', this.name, '-json', 'link', 'show', name]);
      const [link] = JSON.parse(stdout) as { operstate: string }[];
      // TUN devices never say more than UNKNOWN, which the kernel treats as UP.
      if (link && ['UP', 'UNKNOWN'].includes(link.operstate)) return;
    }
    throw new Error(`The interface ${name} of the namespace ${this.name} does not come up.`);
  }

  /** Ends every program in the namespace and removes it. Does nothing when it is gone already. */
  async destroy(): Promise<void> {
    await Promise.all([...this.#children].map((child) => child.stop()));
    removeNamespace(this.name);
  }
}

/** Reads pairs of lines, `Tcp: ActiveOpens PassiveOpens` and `Tcp: 12 34`, into `{'Tcp.ActiveOpens': 12, …}`. */
function parseSnmp(text: string): Record<string, number> {
  const counters: Record<string, number> = {};
  const lines = text.trim().split('\n');
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [group = '', ...names] = (lines[i] ?? '').split(' ');
    const [, ...values] = (lines[i + 1] ?? '').split(' ');
    names.forEach((name, index) => {
      counters[`${group.replace(':', '')}.${name}`] = Number(values[index]);
    });
  }
  return counters;
}

/** The names of our namespaces that are not removed yet. */
const living = new Set<string>();

/**
 * Kills what runs in a namespace and removes it. Synchronous, because it has to work while this process ends.
 * The processes are asked for again until none is left, because a killed process takes its time to disappear.
 */
function removeNamespace(name: string): void {
  living.delete(name);
  if (!existsSync(`${NAMESPACES}/${name}`)) return;
  for (let attempt = 0; attempt < 100; attempt++) {
    const pids = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).stdout.trim();
    if (pids === '') break;
    for (const pid of pids.split('\n')) kill(Number(pid));
  }
  spawnSync('ip', ['netns', 'del', name]);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Removes the namespaces of processes that were killed before they could do it. Gives their names. */
export function removeStaleNamespaces(): string[] {
  if (!existsSync(NAMESPACES)) return [];
  const stale = readdirSync(NAMESPACES).filter((name) => {
    const owner = NAME_PATTERN.exec(name)?.[1];
    return owner !== undefined && !isAlive(Number(owner));
  });
  if (stale.length > 0) checkPrerequisites();
  stale.forEach(removeNamespace);
  return stale;
}

function removeEverything(): void {
  killChildren();
  living.forEach(removeNamespace);
}

/** Whoever else listens for a signal decides what it does; then 'exit' comes in time for us. */
function endBySignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  removeEverything();
  process.removeListener(signal, endBySignal);
  process.kill(process.pid, signal);
}

let removingAtExit = false;

/** Arranges that this process leaves nothing behind, however it ends (but for SIGKILL). */
function removeEverythingAtExit(): void {
  if (removingAtExit) return;
  removingAtExit = true;
  process.on('exit', removeEverything); // also comes after an uncaught error
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, endBySignal);
}
