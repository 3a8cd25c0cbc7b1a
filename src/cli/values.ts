/** Checked values of flags. Each parser throws a RangeError of one line that the user can act on. */
import { readFileSync } from 'node:fs';
import ipaddr from 'ipaddr.js';
import type { Cidr } from '../events/shared.js';
import { resolveNamespace } from '../kernel/namespaces.js';
import { nearest } from '../model/nearest.js';
import { KINDS, type Kind } from '../model/retransmit.js';
import { SENDING_STATES, stateNumber } from '../model/tcp-state.js';

const MAX_PID = 4_194_304;
const MAX_UID = 0xffff_fffe;

export function parseWhole(flag: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new RangeError(`${flag} ${text}: must be a whole number ${range}`);
}

export const parsePort = (flag: string, text: string): number => parseWhole(flag, text, 1, 65_535);
export const parsePid = (text: string): number => parseWhole('--pid', text, 1, MAX_PID);

/** A user id, or a name of /etc/passwd. */
export function parseUid(text: string): number {
  if (/^\d+$/.test(text)) return parseWhole('--uid', text, 0, MAX_UID);
  const users = new Map(
    readPasswd()
      .split('\n')
      .map((line) => line.split(':'))
      .flatMap(([name, , uid]) => (name && uid ? [[name, Number(uid)] as const] : [])),
  );
  const uid = users.get(text);
  if (uid !== undefined) return uid;
  const advice = users.size === 0 ? 'give its number' : `nearest: ${nearest(text, [...users.keys()])}`;
  throw new RangeError(`--uid ${text}: no such user; ${advice}`);
}

function readPasswd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8');
  } catch {
    return '';
  }
}

/** An address or network of either family; v4-mapped IPv6 is IPv4. Bits behind the prefix are ignored. */
export function parseCidr(flag: string, text: string): Cidr {
  const [address = '', length, ...rest] = text.split('/');
  const parsed = parseAddress(address);
  if (!parsed || rest.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length)))
    throw new RangeError(
      `${flag} ${text}: not an address or network; write 10.0.0.0/8, 10.1.2.3 or 2001:db8::/32`,
    );
  const most = parsed.kind() === 'ipv4' ? 32 : 128;
  const prefix = length === undefined ? most : Number(length);
  if (prefix > most)
    throw new RangeError(`${flag} ${text}: the prefix length of this address is at most ${most}`);
  const mask = ipaddr.IPv6.subnetMaskFromPrefixLength(prefix + 128 - most);
  const bytes = (
    parsed.kind() === 'ipv4' ? (parsed as ipaddr.IPv4).toIPv4MappedAddress() : parsed
  ).toByteArray();
  const network = bytes.map((byte, index) => byte & mask.toByteArray()[index]!);
  return {
    network: new ipaddr.IPv6(network).toNormalizedString(),
    mask: mask.toNormalizedString(),
    version: most === 32 ? 4 : 6,
  };
}

function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (!ipaddr.IPv6.isValid(text) || text.includes('%')) return undefined;
  const address = ipaddr.IPv6.parse(text);
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

/** `full`, or how many recorded seconds a second: `1x`, `0.5x`, `10`. */
export function parseSpeed(text: string): 'full' | number {
  if (text === 'full') return 'full';
  const speed = /^\d+(\.\d+)?x?$/.test(text) ? parseFloat(text) : NaN;
  if (speed >= 0.01 && speed <= 1000) return speed;
  throw new RangeError(`--speed ${text}: must be full, or from 0.01x to 1000x`);
}

/** Share of one core: `5%` is 0.05. */
export function parseCpuShare(text: string): number {
  const number = /^\d*\.?\d+%?$/.test(text) ? parseFloat(text) : NaN;
  if (text.endsWith('%') && number >= 0.1 && number <= 100) return number / 100;
  const percent = text.endsWith('%') || number >= 1 ? number : number * 100;
  const nearest = Number(Math.min(Math.max(percent, 0.1), 100).toPrecision(4));
  throw new RangeError(
    `--max-cpu ${text}: must be from 0.1% to 100% of one core${Number.isNaN(nearest) ? ', as in 5%' : `; nearest: ${nearest}%`}`,
  );
}

/** A probability: `0.01`. */
export function parseAlpha(text: string): number {
  const alpha = /^\d*\.?\d+(e-\d+)?$/.test(text) ? Number(text) : NaN;
  if (alpha > 0 && alpha < 1) return alpha;
  throw new RangeError(`--alpha ${text}: must be between 0 and 1, as in 0.01`);
}

export function parseComm(text: string): string {
  if (text !== '') return text;
  throw new RangeError('--comm: the name is empty');
}

export function parseNetns(text: string): number {
  if (text !== '') return resolveNamespace(text);
  throw new RangeError('--netns: the name is empty');
}

export function parseKind(text: string): Kind {
  return requireChoice('--kind', text.toLowerCase(), KINDS) as Kind;
}

/** The number of a TCP state, by the kernel's name or by ss's: `FIN_WAIT1`, `fin-wait-1`, `ESTAB`. */
export function parseState(text: string): number {
  const name = text
    .toUpperCase()
    .replaceAll('-', '_')
    .replace(/_(?=[12]$)/, '')
    .replace(/^ESTAB$/, 'ESTABLISHED');
  return stateNumber(requireChoice('--state', name, SENDING_STATES))!;
}

/** @throws {RangeError} naming the nearest valid choice. */
export function requireChoice(flag: string, text: string, choices: readonly string[]): string {
  if (choices.includes(text)) return text;
  throw new RangeError(
    `${flag} ${text}: unknown; nearest: ${nearest(text, choices)}; valid: ${choices.join(', ')}`,
  );
}
