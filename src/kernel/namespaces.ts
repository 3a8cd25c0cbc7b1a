/** The network namespace that a user names. Needs no addon. */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { EXIT, Failure } from '../model/failure.js';

/** Where `ip netns` keeps its own. */
export const NAMED = '/run/netns';

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

/** Processes and namespaces end while they are looked at. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
