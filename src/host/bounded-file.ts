import { closeSync, openSync, readSync } from 'node:fs';

const CHUNK = 65_536;

/**
 * The content of a file, a pipe or a device up to `limit` bytes; undefined if there is more.
 * @throws the error of the system, with its code.
 */
export function readBounded(path: string, limit: number): Buffer | undefined {
  const descriptor = openSync(path, 'r');
  try {
    const chunks: Buffer[] = [];
    let size = 0;
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK);
      const count = readSync(descriptor, chunk);
      if (count === 0) return Buffer.concat(chunks);
      size += count;
      if (size > limit) return undefined;
      chunks.push(chunk.subarray(0, count));
    }
  } finally {
    closeSync(descriptor);
  }
}
