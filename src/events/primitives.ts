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

const WORDS = 4;

/**
 * Texts of 16 bytes seen lately, as addresses and names of processes are: to make one takes longer than all the rest of decoding. Each
 * has one slot that it can be in, where the next one for that slot takes its place.
 */
class KeptTexts {
  private readonly words: Int32Array;
  private readonly texts: (string | undefined)[];
  private readonly mask: number;

  /** @param slots a power of two */
  constructor(
    slots: number,
    private readonly make: (view: DataView, offset: number) => string,
  ) {
    this.words = new Int32Array(slots * WORDS);
    this.texts = Array.from({ length: slots });
    this.mask = slots - 1;
  }

  of(view: DataView, offset: number): string {
    const a = view.getInt32(offset, LITTLE_ENDIAN);
    const b = view.getInt32(offset + 4, LITTLE_ENDIAN);
    const c = view.getInt32(offset + 8, LITTLE_ENDIAN);
    const d = view.getInt32(offset + 12, LITTLE_ENDIAN);
    const slot = mix(a, b, c, d) & this.mask;
    const { words } = this;
    const at = slot * WORDS;
    const known = this.texts[slot];
    const isSame = words[at + 3] === d && words[at + 2] === c && words[at + 1] === b && words[at] === a;
    if (known !== undefined && isSame) return known;
    words[at] = a;
    words[at + 1] = b;
    words[at + 2] = c;
    words[at + 3] = d;
    return (this.texts[slot] = this.make(view, offset));
  }
}

/** All bits of a number whose low ones depend on all bits of these: addresses of a network differ only in their last bytes. */
function mix(a: number, b: number, c: number, d: number): number {
  const high = Math.imul(Math.imul(Math.imul(a, MIXER) + b, MIXER) + c, MIXER) + d;
  const sum = Math.imul(high ^ (high >>> 16), MIXER);
  return sum ^ (sum >>> 15);
}

/** 2^32 divided by the golden ratio, as in Fibonacci hashing (Knuth). */
const MIXER = 0x9e37_79b1;

/** Few hosts talk to as many peers. */
const addresses = new KeptTexts(16_384, makeIp);

/** An ip_t: 16 bytes in network order; v4-mapped becomes IPv4 text, IPv6 is RFC 5952. */
export function readIp(view: DataView, offset: number): string {
  return addresses.of(view, offset);
}

function makeIp(view: DataView, offset: number): string {
  const mapped =
    view.getUint32(offset + 8) === 0xffff && view.getUint32(offset) === 0 && view.getUint32(offset + 4) === 0;
  const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, 16);
  return mapped ? bytes.subarray(12).join('.') : new ipaddr.IPv6([...bytes]).toRFC5952String();
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
  for (let at = 0; at < text.length; at++)
    if (!isPrintableAscii(text.charCodeAt(at))) return text.replace(UNSAFE, '');
  return text;
}

function isPrintableAscii(code: number): boolean {
  return code >= 0x20 && code <= 0x7e;
}

/** A name of `length` bytes that a zero byte ends, safe to print. */
export function readText(view: DataView, offset: number, length: number): string {
  let text = '';
  for (let index = 0; index < length; index++) {
    const byte = view.getUint8(offset + index);
    if (byte === 0) return text;
    if (!isPrintableAscii(byte)) return readForeignText(view, offset, length);
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Few hosts run as many programs that talk. */
const comms = new KeptTexts(1024, (view, offset) => readText(view, offset, 16));

/** A comm_t: the name of a process. */
export function readComm(view: DataView, offset: number): string {
  return comms.of(view, offset);
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
