/** The one place where this program makes a file: where somebody else has prepared the path, it makes none. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync } from 'node:fs';
import { open, unlink, type FileHandle } from 'node:fs/promises';

/** As many links as the kernel follows. */
const MOST_LINKS = 40;
/** Not on Windows. */
const NO_FOLLOW = (constants as Partial<typeof constants>).O_NOFOLLOW ?? 0;
const CREATE = constants.O_CREAT | constants.O_EXCL | constants.O_RDWR | NO_FOLLOW;
const OWNER_ONLY = 0o600;
/** Linux: a place in the file system, which need not be readable. Node has no name for it. */
const O_PATH = 0o10_000_000;
const STICKY = 0o1000;
const WRITABLE_BY_OTHERS = 0o022;

/** A symbolic link on the way that somebody else may have put there. */
export class UntrustedLinkError extends Error {
  constructor(readonly link: string) {
    super(`${link} is a symbolic link that another user may have put there`);
  }
}

/**
 * Makes a file for its owner only, and has it begun; it is taken away again if that fails. What it makes is always new: no link is
 * followed in the last part of the path, be the folder everybody's. On the way there only links of root and of this user are followed,
 * and only where nobody else can have put them: what fs.protected_symlinks does in folders such as /tmp, wherever that is off, and in
 * folders of others too.
 * @throws what `begin` throws; the error of the system (EEXIST if there is anything of this name); an UntrustedLinkError.
 */
export async function createNewFile<Begun>(
  path: string,
  begin: (file: FileHandle) => Promise<Begun>,
): Promise<Begun> {
  if (process.platform !== 'linux') return createAt(path, begin);
  const end = path.lastIndexOf('/') + 1;
  const folder = openFolder(path.slice(0, end));
  try {
    // Through its descriptor: whatever others rename meanwhile, it stays this folder.
    return await createAt(`/proc/self/fd/${folder}/${path.slice(end)}`, begin);
  } finally {
    closeSync(folder);
  }
}

async function createAt<Begun>(path: string, begin: (file: FileHandle) => Promise<Begun>): Promise<Begun> {
  const file = await open(path, CREATE, OWNER_ONLY);
  try {
    return await begin(file);
  } catch (error) {
    await file.close().catch(() => undefined);
    await unlink(path).catch(() => undefined);
    throw error;
  }
}

/** Goes to a folder step by step. @returns its descriptor */
function openFolder(path: string): number {
  let steps = path.split('/').filter(isStep);
  let folder = openStart(path);
  let done = '';
  let links = 0;
  try {
    for (let name = steps.shift(); name !== undefined; name = steps.shift()) {
      const at = `/proc/self/fd/${folder}/${name}`;
      const target = linkAt(at);
      if (target === undefined) {
        // A link that came to be only now is refused, whoever made it.
        const next = openSync(at, O_PATH | constants.O_DIRECTORY | NO_FOLLOW);
        closeSync(folder);
        folder = next;
        done += `/${name}`;
        continue;
      }
      if (!mayFollow(at, folder)) throw new UntrustedLinkError(shown(path, done, name));
      if (++links > MOST_LINKS) throw Object.assign(new Error('too many symbolic links'), { code: 'ELOOP' });
      steps = [...target.split('/').filter(isStep), ...steps];
      if (!target.startsWith('/')) continue;
      closeSync(folder);
      folder = openStart('/');
      done = '';
    }
    return folder;
  } catch (error) {
    closeSync(folder);
    throw error;
  }
}

const isStep = (name: string): boolean => name !== '' && name !== '.';

const openStart = (path: string): number =>
  openSync(path.startsWith('/') ? '/' : '.', O_PATH | constants.O_DIRECTORY);

/** As the user wrote the path, as far as no link has led elsewhere. */
const shown = (path: string, done: string, name: string): string =>
  path.startsWith('/') ? `${done}/${name}` : `${done}/${name}`.slice(1);

/** Where a symbolic link leads; undefined for anything else. @throws ENOENT */
function linkAt(at: string): string | undefined {
  return lstatSync(at).isSymbolicLink() ? readlinkSync(at) : undefined;
}

/**
 * Root and this user are trusted. In a folder of somebody else's, or one that others may write to, even a link of root may have been
 * moved there, and may be swapped between two looks; but not by others than its owner where the folder is sticky.
 */
function mayFollow(at: string, folder: number): boolean {
  const isTrusted = (uid: number): boolean => uid === 0 || uid === process.geteuid?.();
  const around = fstatSync(folder);
  const isPublic = (around.mode & WRITABLE_BY_OTHERS) !== 0 && (around.mode & STICKY) === 0;
  return isTrusted(lstatSync(at).uid) && isTrusted(around.uid) && !isPublic;
}
