/**
 * Blocks of a recording: gzip members that say their own size, so that a reader takes them one by one, knows at once
 * whether one is whole, and never needs more memory than one of them. `zcat` sees an ordinary gzip file.
 */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** RFC 1952: magic, deflate, FEXTRA, no time, no hint, unknown system; then the extra field, its subfield `TS` of 4 bytes. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 8, 0, 0x54, 0x53, 4, 0]);
const SIZE_OFFSET = HEADER.length;
/** Bytes before the deflate stream, and after it: CRC and length of the text. */
export const HEADER_BYTES = SIZE_OFFSET + 4;
const TRAILER_BYTES = 8;
/** What zlib begins a member with. */
const PLAIN_HEADER_BYTES = 10;
/** A stored deflate block begins with its type and twice its length. */
const STORED_BYTES = 5;

/** Blocks above these are no work of ours: damage, or a bomb. */
export const MAX_BLOCK_BYTES = 4 * 1024 * 1024;
export const MAX_TEXT_BYTES = 4 * 1024 * 1024;

/**
 * Level 1 to 9 of zlib. Of handshakes, 3 makes 15 % more bytes than 6 and takes half the time
 * (docs/recording-format.md has the numbers).
 */
const LEVEL = 3;

/** zlib goes to its thread once for each of these; a block's text is seldom more than a few. */
const CHUNK_BYTES = 128 * 1024;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc >>> 0;
});

/** CRC-32 of RFC 1952; node:zlib has one only from Node 20.15 on. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let index = 0; index < bytes.length; index++)
    crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ bytes[index]!) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}

function header(blockBytes: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  HEADER.copy(bytes);
  bytes.writeUInt32LE(blockBytes, SIZE_OFFSET);
  return bytes;
}

/** A compressed block; the work is done by another thread. */
export async function compressedBlock(text: Uint8Array): Promise<Buffer> {
  const member = (await compress(text, { level: LEVEL, chunkSize: CHUNK_BYTES })).subarray(
    PLAIN_HEADER_BYTES,
  );
  return Buffer.concat([header(HEADER_BYTES + member.length), member]);
}

/** Bytes of text that a stored block of `size` bytes has room for. */
export function storedRoom(size: number): number {
  return size - HEADER_BYTES - STORED_BYTES - TRAILER_BYTES;
}

/** An uncompressed block, whose size is known beforehand: text of the same length makes a block of the same length. */
export function storedBlock(text: Uint8Array): Buffer {
  const stored = Buffer.alloc(STORED_BYTES + text.length);
  stored.writeUInt8(1, 0);
  stored.writeUInt16LE(text.length, 1);
  stored.writeUInt16LE(text.length ^ 0xffff, 3);
  stored.set(text, STORED_BYTES);
  const trailer = Buffer.alloc(TRAILER_BYTES);
  trailer.writeUInt32LE(crc32(text), 0);
  trailer.writeUInt32LE(text.length, 4);
  const size = HEADER_BYTES + stored.length + TRAILER_BYTES;
  return Buffer.concat([header(size), stored, trailer]);
}

export type BlockStart =
  | { readonly kind: 'ours'; readonly bytes: number }
  /** Too little to tell, and so far one of ours. */
  | { readonly kind: 'short' }
  /** gzip, but not one of our blocks. */
  | { readonly kind: 'gzip' }
  /** Neither, or a size that cannot be. */
  | { readonly kind: 'foreign' };

/** What the first HEADER_BYTES of a block say. */
export function readBlockStart(bytes: Buffer): BlockStart {
  const isOurs = bytes.subarray(0, SIZE_OFFSET).equals(HEADER.subarray(0, bytes.length));
  if (isOurs && bytes.length < HEADER_BYTES) return { kind: 'short' };
  if (!isOurs) return { kind: bytes.subarray(0, 3).equals(HEADER.subarray(0, 3)) ? 'gzip' : 'foreign' };
  const size = bytes.readUInt32LE(SIZE_OFFSET);
  return size > HEADER_BYTES + TRAILER_BYTES && size <= MAX_BLOCK_BYTES
    ? { kind: 'ours', bytes: size }
    : { kind: 'foreign' };
}

/** The text of a whole block; undefined if it is damaged. */
export async function blockText(block: Buffer): Promise<string | undefined> {
  const length = block.readUInt32LE(block.length - 4);
  if (length > MAX_TEXT_BYTES) return undefined;
  try {
    const text = await decompress(block, { maxOutputLength: Math.max(1, length), chunkSize: CHUNK_BYTES });
    return text.length === length ? text.toString('utf8') : undefined;
  } catch {
    return undefined;
  }
}
