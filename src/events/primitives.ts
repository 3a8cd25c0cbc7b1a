/** Readers and writers of the fields that generated code meets; the only hand-written file in this folder. */
import ipaddr from 'ipaddr.js';

/** BPF programs write in the byte order of their host, and both x64 and arm64 are little-endian. */
const LITTLE_ENDIAN = true;

/** A 64-bit count or time as a number: exact below 2^53 (104 days in ns), a few units off above. */
export function readU64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, LITTLE_ENDIAN) * 0x1_0000_0000 + view.getUint32(offset, LITTLE_ENDIAN);
}

export function writeU64(view: DataView, offset: number, value: number): void {
  view.setBigUint64(offset, BigInt(Math.round(value)), LITTLE_ENDIAN);
}

/** Kernel addresses all begin with these bits, which a number has no room for; being multiples of 8, they fit without. */
const KERNEL_HALF = 0xff00_0000;

/** A socket_t: the address of a struct sock without its highest 8 bits. */
export function readSocket(view: DataView, offset: number): number {
  const high = view.getUint32(offset + 4, LITTLE_ENDIAN) & ~KERNEL_HALF;
  return high * 0x1_0000_0000 + view.getUint32(offset, LITTLE_ENDIAN);
}

export function writeSocket(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value % 0x1_0000_0000, LITTLE_ENDIAN);
  view.setUint32(offset + 4, (Math.floor(value / 0x1_0000_0000) | KERNEL_HALF) >>> 0, LITTLE_ENDIAN);
}

/**
 * Text of the addresses seen lately. Few hosts talk to more than this many peers, and making the text is the
 * dearest part of decoding; a full cache starts anew.
 */
const CACHE_LIMIT = 16_384;
const ipv4Texts = new Map<number, string>();

/** An ip_t: 16 bytes in network order; v4-mapped becomes IPv4 text, IPv6 is RFC 5952. */
export function readIp(view: DataView, offset: number): string {
  const mapped =
    view.getUint32(offset + 8) === 0xffff && view.getUint32(offset) === 0 && view.getUint32(offset + 4) === 0;
  if (!mapped) {
    const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, 16);
    return new ipaddr.IPv6([...bytes]).toRFC5952String();
  }
  const address = view.getUint32(offset + 12);
  let text = ipv4Texts.get(address);
  if (text === undefined) {
    text = `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
    if (ipv4Texts.size >= CACHE_LIMIT) ipv4Texts.clear();
    ipv4Texts.set(address, text);
  }
  return text;
}

/** @throws {Error} if the text is no address. */
export function writeIp(view: DataView, offset: number, text: string): void {
  const parsed = ipaddr.parse(text);
  const ipv6 = parsed.kind() === 'ipv4' ? (parsed as ipaddr.IPv4).toIPv4MappedAddress() : parsed;
  ipv6.toByteArray().forEach((byte, index) => {
    view.setUint8(offset + index, byte);
  });
}

const utf8 = new TextDecoder();
/** Controls (C0, DEL, C1), line separators, and what reorders or hides text on a terminal (bidi, zero width, BOM). */
// eslint-disable-next-line no-control-regex -- control characters are what it removes
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Text from outside (process names, DNS answers, recordings) without anything that could drive a terminal. */
export function sanitize(text: string): string {
  return text.replace(UNSAFE, '');
}

/** A name of `length` bytes that a zero byte ends, safe to print. */
export function readText(view: DataView, offset: number, length: number): string {
  let text = '';
  for (let index = 0; index < length; index++) {
    const byte = view.getUint8(offset + index);
    if (byte === 0) return text;
    if (byte < 0x20 || byte > 0x7e) return readForeignText(view, offset, length);
    text += String.fromCharCode(byte);
  }
  return text;
}

function readForeignText(view: DataView, offset: number, length: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, length);
  const end = bytes.indexOf(0);
  return sanitize(utf8.decode(end < 0 ? bytes : bytes.subarray(0, end)));
}

/** Writes at most `length` bytes; the rest of a longer name is cut, as the kernel does. */
export function writeText(view: DataView, offset: number, length: number, text: string): void {
  const bytes = new TextEncoder().encode(text).subarray(0, length - 1);
  bytes.forEach((byte, index) => {
    view.setUint8(offset + index, byte);
  });
}

/** @throws {RangeError} if a list is longer than its array in the BPF program. */
export function checkLength(name: string, list: readonly unknown[], limit: number): void {
  if (list.length > limit) throw new RangeError(`${name}: ${list.length} entries, at most ${limit}`);
}

/** `size` bytes, zero but for what `write` puts there. */
export function encode(size: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size);
  write(new DataView(bytes.buffer));
  return bytes;
}
