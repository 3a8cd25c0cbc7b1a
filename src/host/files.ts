/** Reading files of a host that may be mounted elsewhere, of which containers may have written some. */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  statSync,
} from 'node:fs';
import type { Dirent } from 'node:fs';
import path from 'node:path';
import { readAtMost } from './bounded-file.js';
import { sanitize } from '../model/units.js';

/** Larger ones are not what they should be. */
const MOST_BYTES = 1 << 20;
/** As many links as the kernel follows. */
const MOST_LINKS = 40;
/** No name of a pod or a container is longer. */
const MOST_NAME = 253;

/** What `read` gives, or undefined if it fails: files go, and some may not be read. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/**
 * Where a path of the host is here. A link is followed within the root: `/var/run -> /run` of a host below /host means /host/run,
 * and no link leads out of it.
 * @returns undefined if there is no such file, or if links lead around in circles; of the root `/` any path is itself.
 */
export function inRoot(root: string, file: string): string | undefined {
  if (root === '/') return file;
  const rest = file.split('/');
  let done: string[] = [];
  let links = 0;
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      done.pop();
      continue;
    }
    const at = `${root}/${[...done, name].join('/')}`;
    const facts = attempt(() => lstatSync(at, { throwIfNoEntry: false }));
    if (!facts) return undefined;
    if (!facts.isSymbolicLink()) {
      done.push(name);
      continue;
    }
    const target = attempt(() => readlinkSync(at));
    if (target === undefined || ++links > MOST_LINKS) return undefined;
    if (target.startsWith('/')) done = [];
    rest.unshift(...target.split('/'));
  }
  return path.join(root, ...done);
}

/** Text of a regular file of at most 1 MB; never waits, whatever the file is. */
export function readSmall(root: string, file: string): string | undefined {
  return attempt(() => {
    const at = inRoot(root, file);
    // Most that are looked for are not there, and to ask is cheaper than an exception.
    if (at === undefined || !statSync(at, { throwIfNoEntry: false })?.isFile()) return undefined;
    // Opening a FIFO would wait for its other end.
    const descriptor = openSync(at, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      if (!fstatSync(descriptor).isFile()) return undefined;
      return readAtMost(descriptor, MOST_BYTES)?.toString('utf8');
    } finally {
      closeSync(descriptor);
    }
  });
}

/** The object in a JSON file; undefined if there is none. */
export function readJson(root: string, file: string): unknown {
  const text = readSmall(root, file);
  return text === undefined ? undefined : attempt(() => JSON.parse(text) as unknown);
}

/** Member of what may be anything. */
export function member(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

/** A name of at most 253 characters that is safe to print; undefined for none. */
export function cleanName(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  return sanitize(value).slice(0, MOST_NAME) || undefined;
}

/** Names in a folder of the host; none if it cannot be read. */
export function namesIn(root: string, folder: string): string[] {
  return attempt(() => readdirSync(inRoot(root, folder) ?? '')) ?? [];
}

/** Entries of a folder at this very path; none if it cannot be read. */
export function entriesIn(folder: string): Dirent[] {
  return attempt(() => readdirSync(folder, { withFileTypes: true })) ?? [];
}

export interface FolderFacts {
  inode: number;
  links: number;
}

/** Of a folder at this very path that is no link; undefined if it is none. */
export function folderFacts(folder: string): FolderFacts | undefined {
  const found = attempt(() => lstatSync(folder, { throwIfNoEntry: false }));
  return found?.isDirectory() ? { inode: found.ino, links: found.nlink } : undefined;
}

/** Number in the link of a namespace: `net:[4026531840]`, `pid:[4026531836]`. */
export function namespaceIn(link: string): number | undefined {
  const inode = /^(?:net|pid):\[(\d+)\]$/.exec(attempt(() => readlinkSync(link)) ?? '')?.[1];
  return inode === undefined ? undefined : Number(inode);
}
