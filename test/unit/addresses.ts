/** Arbitrary networks and addresses, close enough together that they meet, and a truth about them that shares no code with the program. */
import fc from 'fast-check';

/** The bits of an address from the first on, as a string of 32 or 128 digits 0 and 1. */
export interface Network {
  bits: string;
  /** Digits of `bits` that count. */
  length: number;
  /** `10.0.0.0/8`. */
  text: string;
}

const toBits = (value: number, width: number): string => value.toString(2).padStart(width, '0');
const ipv4Text = (bits: string): string =>
  [0, 8, 16, 24].map((at) => parseInt(bits.slice(at, at + 8), 2)).join('.');
const ipv6Text = (bits: string): string =>
  Array.from({ length: 8 }, (_, at) => parseInt(bits.slice(at * 16, at * 16 + 16), 2).toString(16)).join(':');

export const textOf = (bits: string): string => (bits.length === 32 ? ipv4Text(bits) : ipv6Text(bits));

/** Few values of each byte, so that networks lie within each other; IPv6 never the v4-mapped ones. */
const byte = fc.oneof(fc.constantFrom(0, 1, 10, 127, 128, 255), fc.nat(255));
const bytes = (count: number): fc.Arbitrary<string> =>
  fc
    .array(byte, { minLength: count, maxLength: count })
    .map((values) => values.map((value) => toBits(value, 8)).join(''));

export const ipv4Bits = bytes(4);
export const ipv6Bits = fc.oneof(
  bytes(2).map((low) => `0010000000000001${'0'.repeat(96)}${low}`),
  bytes(15).map((low) => `00100000${low}`),
);
export const anyBits = fc.oneof(ipv4Bits, ipv6Bits);

export const network: fc.Arbitrary<Network> = anyBits.chain((bits) =>
  fc.integer({ min: 0, max: bits.length }).map((length) => {
    const masked = bits.slice(0, length).padEnd(bits.length, '0');
    return { bits: masked, length, text: `${textOf(masked)}/${length}` };
  }),
);

/** An address that is often within one of these networks. */
export const addressNear = (networks: readonly Network[]): fc.Arbitrary<string> =>
  networks.length === 0
    ? anyBits
    : fc.oneof(
        anyBits,
        fc
          .constantFrom(...networks)
          .chain(({ bits, length }) =>
            (bits.length === 32 ? ipv4Bits : ipv6Bits).map(
              (other) => bits.slice(0, length) + other.slice(length),
            ),
          ),
      );

export const holds = ({ bits, length }: Network, address: string): boolean =>
  bits.length === address.length && address.startsWith(bits.slice(0, length));

/** By looking at all of them: the longest that holds the address; of equal ones the last. */
export function longest<Held extends Network>(networks: readonly Held[], address: string): Held | undefined {
  let best: Held | undefined;
  for (const one of networks)
    if (holds(one, address) && (best === undefined || one.length >= best.length)) best = one;
  return best;
}
