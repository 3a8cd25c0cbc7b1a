/** Replaces addresses and names: the same ones by the same words, in all files made with the same key. */
import { createCipheriv, createHash, createHmac, randomBytes, type Cipher } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import type { Place, Workload } from '../model/attribution.js';

export type NameKind =
  | 'comm'
  | 'container'
  | 'pod'
  | 'namespace'
  | 'unit'
  | 'cgroup'
  | 'netns'
  | 'name'
  | 'host'
  | 'region'
  | 'role';

export interface Redactor {
  /** Two addresses that begin with the same n bits still do. Loopback, unspecified and link-local ones stay of their kind. */
  address(text: string): string;
  /** `pod-3f9a2c41d0`; empty text stays empty. */
  name(kind: NameKind, text: string): string;
  /** As many hexadecimal digits as were there. */
  hex(text: string): string;
  /** Another number for a socket. */
  socket(number: number): number;
  workload(workload: Workload): Workload;
  place(place: Place): Place;
  /** `host`, the name of the first network namespace of any host, stays. */
  netnsName(name: string): string;
}

/** 40 bits: among 100,000 names, two are called the same with a probability of half a percent. */
const NAME_DIGITS = 10;
const AES_BLOCK = 16;
const CACHE_LIMIT = 16_384;
const FIRST_NETNS = 'host';

/** Ranges that stay as they are, as bytes and bits: what follows the bits is replaced. */
type Range = readonly [bytes: readonly number[], bits: number];
const KEPT_IPV4: readonly Range[] = [
  [[0, 0, 0, 0], 32],
  [[127], 8],
  [[169, 254], 16],
];
const ZEROS = new Array<number>(15).fill(0);
const KEPT_IPV6: readonly Range[] = [
  [[...ZEROS, 0], 128],
  [[...ZEROS, 1], 128],
  [[0xfe, 0x80], 10],
];

const bitOf = (bytes: ArrayLike<number>, index: number): number =>
  ((bytes[index >> 3] ?? 0) >> (7 - (index & 7))) & 1;

/** How many leading bits both have in common, at most `most`. */
function commonBits(a: ArrayLike<number>, b: ArrayLike<number>, most: number): number {
  let bits = 0;
  while (bits < most && bitOf(a, bits) === bitOf(b, bits)) bits++;
  return bits;
}

/** Remembers answers, and starts anew when it is full. */
function cached<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const known = new Map<Key, Value>();
  return (key) => {
    let value = known.get(key);
    if (value === undefined) {
      value = make(key);
      if (known.size >= CACHE_LIMIT) known.clear();
      known.set(key, value);
    }
    return value;
  };
}

/**
 * Replaces addresses as Crypto-PAn does (Xu, Fan, Ammar, Moon: Prefix-preserving IP address anonymization, 2002): whether a bit
 * is flipped depends on the bits before it and the key. There a pad follows the bits, so that prefixes of different length can be
 * the same input and whole runs of bits stay as they are; here a 1 and zeros do, which tells all prefixes apart.
 */
class AddressCipher {
  private readonly cipher: Cipher;

  constructor(
    key: Buffer,
    private readonly kept: readonly Range[],
  ) {
    this.cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  }

  replace(address: readonly number[]): number[] {
    const bits = address.length * 8;
    const flips = this.cipher.update(this.prefixes(address));
    const result = [...address];
    for (let index = 0; index < bits; index++)
      if (flips[index * AES_BLOCK]! & 0x80 && !this.leadsToKept(address, index))
        result[index >> 3]! ^= 0x80 >> (index & 7);
    return result;
  }

  /** A block of input for each bit: the bits before it, a 1, and zeros. */
  private prefixes(address: readonly number[]): Buffer {
    const bits = address.length * 8;
    const blocks = Buffer.alloc(bits * AES_BLOCK);
    for (let index = 0; index < bits; index++) {
      const start = index * AES_BLOCK;
      const whole = index >> 3;
      for (let byte = 0; byte < whole; byte++) blocks[start + byte] = address[byte]!;
      const mask = (0xff00 >> (index & 7)) & 0xff;
      blocks[start + whole] = (address[whole]! & mask) | (0x80 >> (index & 7));
    }
    return blocks;
  }

  /** No bit on the way to a range that stays is flipped, so that nothing else comes to lie there. */
  private leadsToKept(address: readonly number[], index: number): boolean {
    return this.kept.some(([bytes, bits]) => index < bits && commonBits(address, bytes, index) === index);
  }
}

/** What a key gives for one purpose. */
function derive(key: Uint8Array, purpose: string): Buffer {
  return createHmac('sha256', key).update(purpose).digest();
}

class KeyedRedactor implements Redactor {
  private readonly names: Buffer;
  private readonly ipv4: AddressCipher;
  private readonly ipv6: AddressCipher;
  private readonly words = new Map<NameKind, (text: string) => string>();

  constructor(key: Uint8Array) {
    const secret = createHash('sha256').update(key).digest();
    this.names = derive(secret, 'names');
    this.ipv4 = new AddressCipher(derive(secret, 'ipv4'), KEPT_IPV4);
    this.ipv6 = new AddressCipher(derive(secret, 'ipv6'), KEPT_IPV6);
  }

  readonly address = cached((text: string): string => {
    // What is no address could be anything.
    if (!ipaddr.isValid(text)) return '0.0.0.0';
    const parsed = ipaddr.parse(text);
    if (parsed instanceof ipaddr.IPv4) return this.ipv4.replace(parsed.octets).join('.');
    if (parsed.isIPv4MappedAddress())
      return `::ffff:${this.ipv4.replace(parsed.toIPv4Address().octets).join('.')}`;
    return new ipaddr.IPv6(this.ipv6.replace(parsed.toByteArray())).toRFC5952String();
  });

  name(kind: NameKind, text: string): string {
    let word = this.words.get(kind);
    if (!word) {
      word = cached((original) => `${kind}-${this.digits(kind, original).slice(0, NAME_DIGITS)}`);
      this.words.set(kind, word);
    }
    return text === '' ? '' : word(text);
  }

  readonly hex = cached((text: string): string => this.digits('hex', text).slice(0, text.length));

  readonly socket = cached((number: number): number =>
    number === 0 ? 0 : parseInt(this.digits('socket', String(number)).slice(0, 12), 16),
  );

  workload({ name, cgroup, containerId, container, pod, namespace, unit }: Workload): Workload {
    const part = (kind: NameKind, text: string | undefined): string | undefined =>
      text === undefined ? undefined : this.name(kind, text);
    const replaced = {
      containerId: containerId === undefined ? undefined : this.hex(containerId),
      container: part('container', container),
      pod: part('pod', pod),
      namespace: part('namespace', namespace),
      unit: part('unit', unit),
    };
    const word = (segment: string): string => {
      if (segment === '') return '';
      if (segment === namespace) return replaced.namespace!;
      if (segment === pod) return replaced.pod!;
      if (segment === container) return replaced.container!;
      if (segment === unit) return replaced.unit!;
      if (containerId?.startsWith(segment) === true) return replaced.containerId!.slice(0, segment.length);
      return this.name('name', segment);
    };
    return {
      name: name.split('/').map(word).join('/'),
      cgroup: cgroup
        .split('/')
        .map((segment) => this.name('cgroup', segment))
        .join('/'),
      ...replaced,
    };
  }

  place({ region, role, external }: Place): Place {
    return {
      region: region === undefined ? undefined : this.name('region', region),
      role: role === undefined ? undefined : this.name('role', role),
      external,
    };
  }

  netnsName(name: string): string {
    return name === FIRST_NETNS ? name : this.name('netns', name);
  }

  private digits(purpose: string, text: string): string {
    return createHmac('sha256', this.names).update(`${purpose}\0${text}`).digest('hex');
  }
}

/**
 * @param key makes files comparable: with the same key, the same addresses and names are replaced by the same words. Without one,
 *   nobody can ever tell what was replaced, and files cannot be compared.
 */
export function createRedactor(key: Uint8Array = randomBytes(32)): Redactor {
  return new KeyedRedactor(key);
}
