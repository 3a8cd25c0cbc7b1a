/** The cgroup that a user names. */
import path from 'node:path';
import { closest } from 'fastest-levenshtein';
import { EXIT, Failure } from '../model/failure.js';
import { sanitize } from '../model/units.js';
import { entriesIn, folderFacts } from './files.js';

/** Where distributions mount hierarchies of either version. */
const CGROUPS = '/sys/fs/cgroup';

/**
 * @param text a path below the mount point or with it, or a number
 * @param mount where the cgroup v2 hierarchy is mounted here, if it is
 * @returns the inode number of the cgroup's folder, which the kernel numbers it by
 * @throws {Failure} exit code 2 if there is no such cgroup, naming the nearest; or no cgroup v2 hierarchy.
 */
export function resolveCgroup(text: string, mount: string | undefined, hostRoot: string): number {
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  const shown = sanitize(text);
  if (text === '') throw new Failure(EXIT.usage, '--cgroup needs a value.', 'It is empty.', SHAPE);
  if (mount === undefined)
    throw new Failure(
      EXIT.usage,
      `--cgroup ${shown}: this host has no cgroup v2 hierarchy.`,
      'Only its cgroups have a number that the kernel tells of sockets.',
      'Filter by --pid, --comm or --netns here, or mount a cgroup2 file system.',
    );
  const steps = stepsBelow(text, mount, hostRoot);
  if (!steps)
    throw new Failure(
      EXIT.usage,
      `--cgroup ${shown}: it is not in the cgroup v2 hierarchy.`,
      `That is mounted at ${sanitize(mount)}; sockets have no place in cgroup v1.`,
      SHAPE,
    );
  const inode = folderFacts(path.join(mount, ...steps))?.inode;
  if (inode !== undefined) return inode;
  throw noSuchCgroup(shown, mount, steps);
}

const SHAPE = 'Give a path such as /system.slice/nginx.service, or the number of a cgroup.';

/** Names of folders from the mount point on; undefined if the path does not lead there. */
function stepsBelow(text: string, mount: string, hostRoot: string): string[] | undefined {
  const plain = path.posix.normalize(`/${text}`);
  const asOfHost = hostRoot === '/' ? mount : mount.slice(hostRoot.length);
  const prefix = [mount, asOfHost].find((each) => plain === each || plain.startsWith(`${each}/`));
  if (prefix === undefined && plain.startsWith(`${CGROUPS}/`)) return undefined;
  return plain
    .slice(prefix?.length ?? 0)
    .split('/')
    .filter((step) => step !== '');
}

function noSuchCgroup(shown: string, mount: string, steps: readonly string[]): Failure {
  let depth = 0;
  while (depth < steps.length && folderFacts(path.join(mount, ...steps.slice(0, depth + 1)))) depth++;
  const parent = steps.slice(0, depth);
  const missing = steps[depth] ?? '';
  const siblings = entriesIn(path.join(mount, ...parent))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  const nearest = siblings.length > 0 ? closest(missing, siblings) : undefined;
  return new Failure(
    EXIT.usage,
    `--cgroup ${shown}: there is no such cgroup.`,
    `/${sanitize(parent.join('/'))} has no "${sanitize(missing)}".`,
    nearest === undefined ? SHAPE : `The nearest is /${sanitize([...parent, nearest].join('/'))}.`,
  );
}
