/**
 * What keeps the addon from being used:
 * - 'platform': this is not Linux
 * - 'architecture': it was not built for the processor that this Node.js is for
 * - 'libc': this Node.js uses another C library than glibc, such as musl
 * - 'missing': its file is not there
 * - 'broken': its file cannot be loaded; the message says why
 */
export type AddonErrorReason = 'platform' | 'architecture' | 'libc' | 'missing' | 'broken';

/** The addon cannot be used in this process: every use of this package throws it. */
export class AddonError extends Error {
  override readonly name = 'AddonError';

  constructor(
    readonly reason: AddonErrorReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The architectures that are built for a release. */
const BUILT = ['x64', 'arm64'];

/**
 * Why a file of the addon could not be loaded.
 *
 * @param cause what require() threw
 * @param isOurs the file is one that comes with this package, and not one that the user chose
 */
export function explainLoad(path: string, cause: unknown, isOurs: boolean): AddonError {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'MODULE_NOT_FOUND') {
    if (isOurs && !BUILT.includes(process.arch))
      return new AddonError('architecture', `there is no addon for ${process.platform}-${process.arch}`, {
        cause,
      });
    return new AddonError('missing', `the addon ${path} is not there`, { cause });
  }
  if (!usesGlibc())
    return new AddonError('libc', 'the addon needs glibc, and this Node.js uses another C library', {
      cause,
    });
  return new AddonError('broken', message.split('\n')[0] ?? '', { cause });
}

/** Takes some milliseconds: a question for when loading has failed. */
function usesGlibc(): boolean {
  // Else names of this host's addresses would be looked up. (Newer than the types of Node.js 20.)
  Object.assign(process.report, { excludeNetwork: true });
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime !== undefined;
}
