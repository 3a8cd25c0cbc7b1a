/** Network namespaces of the host, and the TCP counters that the kernel keeps in each. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import path from 'node:path';
import { EXIT, Failure } from '../model/failure.js';

const NAMED = '/run/netns';

/** The counters that a handshake moves, of one namespace. */
export interface TcpCounters {
  activeOpens: number;
  attemptFails: number;
}

/**
 * Counters by namespace inode, of every namespace that a process lives in or that `ip netns` has named. One that only an
 * open socket or descriptor keeps alive cannot be found.
 */
export function readTcpCounters(): Map<number, TcpCounters> {
  const counters = new Map<number, TcpCounters>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const inode = namespaceOf(`/proc/${entry}/ns/net`);
    if (inode === undefined || counters.has(inode)) continue;
    const text = attempt(() => readFileSync(`/proc/${entry}/net/snmp`, 'utf8'));
    if (text !== undefined) counters.set(inode, parseSnmp(text));
  }
  for (const name of attempt(() => readdirSync(NAMED)) ?? []) {
    const file = path.join(NAMED, name);
    const inode = attempt(() => statSync(file).ino);
    if (inode === undefined || counters.has(inode)) continue;
    // Nobody lives there, so /proc does not lead to it; entering it does.
    const text = attempt(() =>
      execFileSync('nsenter', [`--net=${file}`, 'cat', '/proc/net/snmp'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    );
    if (text !== undefined) counters.set(inode, parseSnmp(text));
  }
  return counters;
}

/** /proc/net/snmp: a line of names and a line of values for each protocol. */
function parseSnmp(text: string): TcpCounters {
  const [names = [], values = []] = text
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'))
    .map((line) => line.split(' '));
  const value = (name: string): number => Number(values[names.indexOf(name)] ?? 0);
  return { activeOpens: value('ActiveOpens'), attemptFails: value('AttemptFails') };
}

/**
 * The inode of a namespace that the user names: an inode number, a name of `ip netns`, a path, or `self`.
 * @throws {Failure} exit code 2 if there is none.
 */
export function resolveNamespace(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  const file = text === 'self' ? '/proc/self/ns/net' : text.includes('/') ? text : path.join(NAMED, text);
  const inode = attempt(() => statSync(file).ino);
  if (inode !== undefined) return inode;
  const known = attempt(() => readdirSync(NAMED)) ?? [];
  throw new Failure(
    EXIT.usage,
    `--netns ${text}: there is no such network namespace.`,
    `${file} cannot be read.`,
    known.length > 0
      ? `Named here: ${known.join(', ')}. An inode number or a path such as /proc/PID/ns/net works too.`
      : 'Give an inode number, or a path such as /proc/PID/ns/net.',
  );
}

function namespaceOf(link: string): number | undefined {
  const text = attempt(() => readlinkSync(link));
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
