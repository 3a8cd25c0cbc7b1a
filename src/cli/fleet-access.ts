/** Which server `fleet` asks, and who asks it: flags, and their checked values. */
import * as Flags from '@oclif/core/flags';
import type { Access } from '../fleet/transport.js';
import { readBounded } from '../host/bounded-file.js';
import { parseDuration } from '../model/units.js';

const MOST_FILE_BYTES = 1 << 20;
/** A token of HTTP (RFC 9110), and what may be behind it. */
const HEADER = /^([!#$%&'*+.^`|~\w-]+):[ \t]*([\x20-\x7e\t]*)$/;
const SECRET_HEADERS: readonly string[] = ['authorization', 'proxy-authorization', 'cookie'];
export const MS_OF_A_DAY = 86_400_000;

const SERVER = { helpGroup: 'SERVER' };

/** Which server, and who asks. */
export const serverFlags = {
  prometheus: Flags.string({
    description: 'The server: its URL, with the path that it is behind. Without it TCPSCOPE_PROMETHEUS.',
    helpValue: 'URL',
    env: 'TCPSCOPE_PROMETHEUS',
    ...SERVER,
  }),
  user: Flags.string({
    description: 'User of HTTP basic authentication.',
    helpValue: 'NAME',
    dependsOn: ['password-file'],
    exclusive: ['bearer-token-file'],
    ...SERVER,
  }),
  'password-file': Flags.string({
    description: 'File with the password of --user.',
    helpValue: 'FILE',
    dependsOn: ['user'],
    ...SERVER,
  }),
  'bearer-token-file': Flags.string({
    description: 'File with a bearer token.',
    helpValue: 'FILE',
    ...SERVER,
  }),
  'ca-file': Flags.string({
    description: 'PEM file of the authority that the certificate of the server is from.',
    helpValue: 'FILE',
    ...SERVER,
  }),
  header: Flags.string({
    description: 'One more header of each request, of a tenant: X-Scope-OrgID: a.',
    helpValue: 'HEADER',
    multiple: true,
    multipleNonGreedy: true,
    ...SERVER,
  }),
  timeout: Flags.string({
    description: 'How long to wait for an answer.',
    helpValue: '30s',
    default: '30s',
    ...SERVER,
  }),
};

/** What oclif gives for `serverFlags`. */
export interface ServerFlagValues {
  prometheus?: string | undefined;
  user?: string | undefined;
  'password-file'?: string | undefined;
  'bearer-token-file'?: string | undefined;
  'ca-file'?: string | undefined;
  header?: string[] | undefined;
  timeout: string;
}

/** Reads the files. @throws {RangeError} */
export function toAccess(flags: ServerFlagValues): Access {
  const { user, 'password-file': password, 'bearer-token-file': token, 'ca-file': ca } = flags;
  const headers = Object.fromEntries((flags.header ?? []).map(parseHeader));
  if (user !== undefined && password !== undefined) {
    if (user.includes(':')) throw new RangeError('--user: a name has no colon');
    const secret = secretOf('--password-file', password);
    headers['authorization'] = `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;
  }
  if (token !== undefined) headers['authorization'] = `Bearer ${tokenOf(token)}`;
  return {
    base: parseServer(flags.prometheus),
    headers,
    ...(ca === undefined ? {} : { ca: authorityOf(ca) }),
    timeoutMs: millisecondsOf('--timeout', flags.timeout, 100, 3_600_000),
  };
}

/** Of a duration; the flag is named in what is told. */
export function millisecondsOf(flag: string, text: string, least: number, most: number): number {
  let milliseconds: number;
  try {
    // A day is no unit elsewhere, where nothing takes one.
    const days = /^(\d+)d$/.exec(text)?.[1];
    milliseconds = days === undefined ? parseDuration(text) / 1e6 : Number(days) * MS_OF_A_DAY;
  } catch (error) {
    throw new RangeError(`${flag}: ${(error as RangeError).message}`);
  }
  if (milliseconds >= least && milliseconds <= most) return milliseconds;
  throw new RangeError(`${flag} ${text}: must be from ${least / 1000} s to ${most / 1000} s`);
}

function parseServer(text: string | undefined): URL {
  if (text === undefined)
    throw new RangeError(
      'no server to ask; give --prometheus URL, as in http://127.0.0.1:9090, or set TCPSCOPE_PROMETHEUS',
    );
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new RangeError(
      `--prometheus ${url ? url.protocol : text}: must be a URL, as in http://127.0.0.1:9090 or https://host/prometheus`,
    );
  // What stands on a command line, every process can read.
  if (url.username !== '' || url.password !== '')
    throw new RangeError('--prometheus: the URL has a user or a password; give --user and --password-file');
  url.search = '';
  url.hash = '';
  return url;
}

function parseHeader(text: string): [string, string] {
  const [, name = '', value = ''] = HEADER.exec(text) ?? [];
  if (name === '') throw new RangeError('--header: must be NAME: VALUE, as in X-Scope-OrgID: a');
  if (SECRET_HEADERS.includes(name.toLowerCase()))
    throw new RangeError(
      `--header ${name}: a secret belongs into a file: --bearer-token-file, --password-file`,
    );
  return [name.toLowerCase(), value.trimEnd()];
}

function contentOf(flag: string, path: string): string {
  let content: Buffer | undefined;
  try {
    content = readBounded(path, MOST_FILE_BYTES);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new RangeError(`${flag} ${path}: cannot be read: ${code}`);
  }
  if (content === undefined)
    throw new RangeError(`${flag} ${path}: is longer than a secret or a certificate is`);
  return content.toString('utf8');
}

/** The first line: editors end a file with a line feed. */
function secretOf(flag: string, path: string): string {
  const secret = contentOf(flag, path).replace(/\r?\n$/, '');
  if (secret === '' || /[\r\n]/.test(secret)) throw new RangeError(`${flag} ${path}: must have one line`);
  return secret;
}

function tokenOf(path: string): string {
  const token = secretOf('--bearer-token-file', path);
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new RangeError(`--bearer-token-file ${path}: has what no token has; it should be one word`);
  return token;
}

function authorityOf(path: string): Buffer {
  const text = contentOf('--ca-file', path);
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new RangeError(`--ca-file ${path}: has no certificate in PEM`);
  return Buffer.from(text);
}
