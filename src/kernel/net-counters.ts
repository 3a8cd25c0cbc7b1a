/** The TCP counters that the kernel keeps in each network namespace of the host. */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import path from 'node:path';
import { readInNetworkNamespace } from '#bpf-native-bindings';
import { NAMED } from './namespaces.js';

/** The kernel's counters of one namespace, by the names of nstat: `TcpActiveOpens`. */
export type NetCounters = ReadonlyMap<string, number>;

/** Files below /proc/PID/net that hold counters. */
export type CounterFile = 'snmp' | 'netstat';

/** What was read, and whether that took entering a namespace in which nobody lives: to do so again needs CAP_SYS_ADMIN. */
export interface CounterReading {
  readonly byNamespace: ReadonlyMap<number, NetCounters>;
  readonly entered: boolean;
}

/** Counters of a namespace, and a process that lives in it. */
export interface ResidentCounters {
  readonly counters: NetCounters;
  readonly pid: number;
}

/**
 * Counters by namespace inode, of every namespace that a process lives in or that `ip netns` has named. One that only an
 * open socket or descriptor keeps alive cannot be found.
 * @param hostRoot where the root folder of the host is
 */
export function readNetCounters(files: readonly CounterFile[], hostRoot = '/'): CounterReading {
  const byNamespace = new Map<number, NetCounters>();
  for (const [inode, { counters }] of readResidentCounters(files, hostRoot)) byNamespace.set(inode, counters);
  let entered = false;
  const named = path.join(hostRoot, NAMED);
  for (const name of attempt(() => readdirSync(named)) ?? []) {
    const file = path.join(named, name);
    const inode = attempt(() => statSync(file).ino);
    if (inode === undefined || byNamespace.has(inode)) continue;
    // Nobody lives there, so /proc does not lead to it; entering it does.
    const text = attempt(() =>
      files.map((each) => readInNetworkNamespace(file, `/proc/thread-self/net/${each}`)).join(''),
    );
    if (text === undefined) continue;
    entered = true;
    byNamespace.set(inode, parseCounters(text));
  }
  return { byNamespace, entered };
}

/** The same, only of namespaces that a process lives in: these can be read without entering them. */
export function readResidentCounters(
  files: readonly CounterFile[],
  hostRoot: string,
): Map<number, ResidentCounters> {
  const byNamespace = new Map<number, ResidentCounters>();
  for (const entry of readdirSync(path.join(hostRoot, 'proc'))) {
    if (!/^\d+$/.test(entry)) continue;
    const pid = Number(entry);
    const inode = namespaceOf(pid, hostRoot);
    if (inode === undefined || byNamespace.has(inode)) continue;
    const counters = countersOf(pid, files, hostRoot);
    if (counters !== undefined) byNamespace.set(inode, { counters, pid });
  }
  return byNamespace;
}

/** Those of the namespace that a process lives in; undefined if it has ended. */
export function countersOf(
  pid: number,
  files: readonly CounterFile[],
  hostRoot: string,
): NetCounters | undefined {
  const text = attempt(() =>
    files.map((file) => readFileSync(`${hostRoot}/proc/${pid}/net/${file}`, 'utf8')).join(''),
  );
  return text === undefined ? undefined : parseCounters(text);
}

/** A line of names and a line of values for each protocol: `Tcp: ActiveOpens …`, `Tcp: 12 …`. */
function parseCounters(text: string): NetCounters {
  const counters = new Map<string, number>();
  const lines = text.split('\n');
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const [protocol = '', ...names] = lines[at]!.split(' ');
    const [, ...values] = lines[at + 1]!.split(' ');
    const prefix = protocol.replace(':', '');
    if (!prefix.startsWith('Tcp')) continue;
    for (const [index, name] of names.entries()) counters.set(prefix + name, Number(values[index]));
  }
  return counters;
}

/** Inode of the network namespace that a process lives in; undefined if it has ended. */
export function namespaceOf(pid: number, hostRoot: string): number | undefined {
  const text = attempt(() => readlinkSync(`${hostRoot}/proc/${pid}/ns/net`));
  const inode = text === undefined ? undefined : /\[(\d+)\]/.exec(text)?.[1];
  return inode === undefined ? undefined : Number(inode);
}

/** Processes and namespaces end while they are looked at. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
