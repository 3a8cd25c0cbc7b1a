/** The output of commands that say it all at once. */
import { EXIT, Failure } from '../model/failure.js';

/**
 * Resolves once it is written, or nobody reads any more, as after `| head`.
 * @throws {Failure} if it cannot be written: a full disk.
 */
export async function print(text: string): Promise<void> {
  const { stdout } = process;
  const error = await new Promise<NodeJS.ErrnoException | null | undefined>((resolve) => {
    // oclif's own listener throws whatever is not EPIPE.
    stdout.removeAllListeners('error').on('error', resolve);
    stdout.write(text, resolve);
  });
  if (!error || error.code === 'EPIPE') return;
  throw new Failure(
    EXIT.failure,
    'The output cannot be written.',
    error.message,
    'Free some space or write elsewhere.',
  );
}
