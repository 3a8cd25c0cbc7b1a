import { closeSync, openSync, readSync } from 'node:fs';

/** Most files fit the first; the others are few reads. */
const CHUNKS = { first: 16_384, next: 262_144 };

/** A buffer for each file would be more work for the garbage collector than all that is read. Contents are copied out of it. */
const first = Buffer.allocUnsafe(CHUNKS.first);

/**
 * What is left of an open file up to `limit` bytes; undefined if there is more. Files of /proc say that they are empty, so the
 * size is what can be read.
 */
export function readAtMost(descriptor: number, limit: number): Buffer | undefined {
  const chunks: Buffer[] = [];
  for (let size = 0; size <= limit;) {
    const chunk = chunks.length === 0 ? first : Buffer.allocUnsafe(CHUNKS.next);
    const count = readSync(descriptor, chunk);
    if (count === 0) return Buffer.concat(chunks);
    size += count;
    chunks.push(chunk.subarray(0, count));
  }
  return undefined;
}

/**
 * The content of a file, a pipe or a device up to `limit` bytes; undefined if there is more.
 * @throws the error of the system, with its code.
 */
export function readBounded(path: string, limit: number): Buffer | undefined {
  const descriptor = openSync(path, 'r');
  try {
    return readAtMost(descriptor, limit);
  } finally {
    closeSync(descriptor);
  }
}
