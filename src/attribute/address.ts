/** IP addresses and networks as numbers; v4-mapped IPv6 is IPv4. */
import ipaddr from 'ipaddr.js';
import { sanitize } from '../model/units.js';

/** An address in network order as unsigned 32-bit words: one of IPv4, four of IPv6. */
export type Words = readonly number[];

/** A network: the bits of `words` behind the first `length` are 0. */
export interface Prefix {
  readonly words: Words;
  readonly length: number;
}

const WORD_BITS = 32;
const MAPPED_BITS = 96;
const SHOWN_CHARACTERS = 60;

/** Undefined if the text is no address; a zone (`fe80::1%eth0`) makes it none. */
export function parseAddress(text: string): Words | undefined {
  const ipv4 = parseIpv4(text);
  if (ipv4 !== undefined) return [ipv4];
  const words = parseIpv6(text);
  return words && isMapped(words) ? words.slice(3) : words;
}

/**
 * A network as `10.0.0.0/8` or `2001:db8::/32`; an address alone is a network of one.
 * @throws {RangeError} one line: what is wrong and how it would be right.
 */
export function parsePrefix(text: string): Prefix {
  const [, address = '', digits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const ipv4 = parseIpv4(address);
  const words = ipv4 === undefined ? parseIpv6(address) : [ipv4];
  if (!words)
    throw new RangeError(
      `${quote(text)} is no network; write it as in 10.0.0.0/8, 10.1.2.3 or "2001:db8::/32"`,
    );
  const most = words.length * WORD_BITS;
  const length = digits === undefined ? most : Number(digits);
  if (length > most)
    throw new RangeError(`${quote(text)}: the prefix length of this address is at most ${most}`);
  const network = words.map((word, index) => (word & maskOf(length - index * WORD_BITS)) >>> 0);
  if (network.some((word, index) => word !== words[index]))
    throw new RangeError(
      `${quote(text)} has bits behind its prefix; write ${formatPrefix({ words: network, length })} for the network, or ${address} for the address alone`,
    );
  return isMapped(network) && length >= MAPPED_BITS
    ? { words: network.slice(3), length: length - MAPPED_BITS }
    : { words: network, length };
}

/** A word whose first `bits` bits are 1: none below 1, all from 32 on. As JavaScript's operators have it, with a sign. */
export function maskOf(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= WORD_BITS ? -1 : ~(0xffff_ffff >>> bits);
}

/** The first address that is above all of a network; undefined if there is none. */
export function firstBehind({ words, length }: Prefix): Words | undefined {
  const behind = words.map((word, index) => (word | ~maskOf(length - index * WORD_BITS)) >>> 0);
  for (let index = behind.length - 1; index >= 0; index--) {
    behind[index] = (behind[index]! + 1) >>> 0;
    if (behind[index] !== 0) return behind;
  }
  return undefined;
}

/** `10.0.0.0/8`, `2001:db8::/32` (RFC 5952). */
export const formatPrefix = ({ words, length }: Prefix): string => `${formatAddress(words)}/${length}`;

/** As text: IPv6 as RFC 5952 has it. */
export function formatAddress(words: Words): string {
  const bytes = words.flatMap((word) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]);
  return bytes.length === 4 ? bytes.join('.') : new ipaddr.IPv6(bytes).toRFC5952String();
}

/** Text of the user's within a message: safe, and not too long. */
export function quote(text: string): string {
  const safe = sanitize(text);
  return `"${safe.length > SHOWN_CHARACTERS ? `${safe.slice(0, SHOWN_CHARACTERS)}…` : safe}"`;
}

const OCTET = '(0|[1-9]\\d{0,2})';
const IPV4 = new RegExp(`^${OCTET}\\.${OCTET}\\.${OCTET}\\.${OCTET}$`);

/** Four decimal numbers without leading zeros, which some would take for octal. */
function parseIpv4(text: string): number | undefined {
  const match = IPV4.exec(text);
  if (!match) return undefined;
  let word = 0;
  for (let index = 1; index <= 4; index++) {
    const octet = Number(match[index]);
    if (octet > 255) return undefined;
    word = word * 256 + octet;
  }
  return word;
}

const GROUPS = 8;
const GROUP = /^[0-9a-f]{1,4}$/i;

/** Twice as fast as the library's, and rows wait for it. */
function parseIpv6(text: string): Words | undefined {
  const [head = '', tail, more] = text.split('::');
  if (more !== undefined || !text.includes(':')) return undefined;
  const front = groupsOf(head, tail === undefined);
  const back = tail === undefined ? [] : groupsOf(tail, true);
  if (!front || !back) return undefined;
  const left = GROUPS - front.length - back.length;
  if (tail === undefined ? left !== 0 : left < 1) return undefined;
  const groups = [...front, ...Array<number>(left).fill(0), ...back];
  return [0, 2, 4, 6].map((index) => groups[index]! * 65_536 + groups[index + 1]!);
}

/** The last two groups of an address may be written as IPv4. */
function groupsOf(text: string, isEnd: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [at, part] of parts.entries()) {
    const ipv4 = isEnd && at === parts.length - 1 && part.includes('.') ? parseIpv4(part) : undefined;
    if (ipv4 !== undefined) groups.push(ipv4 >>> 16, ipv4 & 0xffff);
    else if (GROUP.test(part)) groups.push(parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

const isMapped = (words: Words): boolean =>
  words.length === 4 && words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
