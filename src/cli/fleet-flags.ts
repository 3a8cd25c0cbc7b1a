/** Flags of `fleet`, and their checked values. */
import * as Flags from '@oclif/core/flags';
import { USUAL_LIMITS, type Limits, type MatrixMetric } from '../fleet/matrix.js';
import type { Matcher, Question } from '../fleet/promql.js';
import type { Access } from '../fleet/transport.js';
import { readBounded } from '../host/bounded-file.js';
import { parseDuration, sanitize } from '../model/units.js';
import { requireChoice } from './values.js';

const MOST_FILE_BYTES = 1 << 20;
/** Places without a name for the label: what the agents are for. */
const DEFAULT_BY = ['source_region', 'region'] as const;
const LABEL = /^[a-zA-Z_]\w*$/;
/** A token of HTTP (RFC 9110). */
const HEADER = /^([!#$%&'*+.^`|~\w-]+):[ \t]*([\x20-\x7e\t]*)$/;
const SECRET_HEADERS: readonly string[] = ['authorization', 'proxy-authorization', 'cookie'];
const MS_OF_A_DAY = 86_400_000;
const LONGEST_RANGE_MS = 400 * MS_OF_A_DAY;

const list = { multiple: true, multipleNonGreedy: true, delimiter: ',' } as const;
const SERVER = { helpGroup: 'SERVER' };
const WHAT = { helpGroup: 'WHAT' };

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

/** What is asked. */
export const questionFlags = {
  by: Flags.string({
    description: `A row for each combination of these labels, as source_namespace, external, role, instance. Default: ${DEFAULT_BY.join(',')}.`,
    helpValue: 'LABEL',
    ...list,
    helpGroup: 'VIEW',
  }),
  range: Flags.string({
    description: 'How long a time to look at.',
    helpValue: '1h',
    default: '1h',
    ...WHAT,
  }),
  at: Flags.string({
    description: 'When it ends: now, 2026-11-28T16:00:00Z, or Unix seconds.',
    helpValue: 'TIME',
    default: 'now',
    ...WHAT,
  }),
  namespace: Flags.string({
    description: 'Namespace of the local side: label source_namespace.',
    helpValue: 'NAMESPACE',
    ...list,
    ...WHAT,
  }),
  region: Flags.string({
    description: 'Region of the remote address.',
    helpValue: 'REGION',
    ...list,
    ...WHAT,
  }),
  'source-region': Flags.string({
    description: 'Region of the local side.',
    helpValue: 'REGION',
    ...list,
    ...WHAT,
  }),
  external: Flags.string({
    description: 'Only external remote addresses, or only internal ones.',
    options: ['yes', 'no'],
    ...WHAT,
  }),
  recorded: Flags.boolean({
    description: 'Ask for the sums of docs/monitoring/recording-rules.yml: cheap for thousands of hosts.',
    ...WHAT,
  }),
  match: Flags.string({
    description: 'Any label: env=production. Repeated with one label: any of its values.',
    helpValue: 'LABEL=VALUE',
    multiple: true,
    multipleNonGreedy: true,
    ...WHAT,
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

/** What oclif gives for `questionFlags`. */
export interface QuestionFlagValues {
  by?: string[] | undefined;
  range: string;
  at: string;
  namespace?: string[] | undefined;
  region?: string[] | undefined;
  'source-region'?: string[] | undefined;
  external?: string | undefined;
  recorded: boolean;
  match?: string[] | undefined;
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

/** @throws {RangeError} for what is no label or no time. */
export function toQuestion(flags: QuestionFlagValues, nowMs: number): Question {
  const { namespace, region, 'source-region': sourceRegion, external } = flags;
  const matchers = [
    ...matcherOf('--namespace', 'source_namespace', namespace),
    ...matcherOf('--region', 'region', region),
    ...matcherOf('--source-region', 'source_region', sourceRegion),
    ...(external === undefined ? [] : [{ label: 'external', values: [external] }]),
    ...parseMatches(flags.match ?? []),
  ];
  return {
    by: (flags.by ?? [...DEFAULT_BY]).map((label) => parseLabel('--by', label)),
    matchers,
    rangeS: millisecondsOf('--range', flags.range, 1000, LONGEST_RANGE_MS) / 1000,
    atS: parseAt(flags.at, nowMs),
    recorded: flags.recorded,
  };
}

/** The labels of the two axes. @throws {RangeError} */
export function axesOf({ by }: Question): [string, string] {
  const [source, destination, ...more] = by;
  if (source === undefined || destination === undefined || more.length > 0)
    throw new RangeError('--heatmap: --by needs two labels, of the rows and of the columns');
  return [source, destination];
}

/** @throws {RangeError} unless both are of the metric's kind, and in order. */
export function parseLimits(
  metric: MatrixMetric,
  flags: { warn?: string | undefined; crit?: string | undefined },
): Limits {
  const parse = metric === 'p99' ? latencyLimit : shareLimit;
  const { warn, crit } = USUAL_LIMITS[metric];
  const limits = {
    warn: flags.warn === undefined ? warn : parse('--warn', flags.warn),
    crit: flags.crit === undefined ? crit : parse('--crit', flags.crit),
  };
  if (limits.warn > limits.crit) throw new RangeError('--warn is above --crit');
  return limits;
}

function latencyLimit(flag: string, text: string): number {
  return millisecondsOf(flag, text, 0, 3_600_000) * 1e6;
}

function shareLimit(flag: string, text: string): number {
  const number = /^\d*\.?\d+(e-\d+)?%?$/.test(text) ? parseFloat(text) : NaN;
  const share = text.endsWith('%') ? number / 100 : number;
  if (share >= 0 && share <= 1) return share;
  throw new RangeError(`${flag} ${text}: must be a share from 0 to 1, as in 1e-3 or 0.1%`);
}

/** Of a duration; the flag is named in what is told. */
function millisecondsOf(flag: string, text: string, least: number, most: number): number {
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

function parseLabel(flag: string, text: string): string {
  const label = text.replaceAll('-', '_');
  if (!LABEL.test(label))
    throw new RangeError(`${flag} ${text}: not a label; write letters, digits and _, as in source_namespace`);
  if (label === 'le' || label === '__name__')
    throw new RangeError(
      `${flag} ${text}: the parts of one histogram have this label; nothing is grouped by it`,
    );
  return label;
}

function matcherOf(flag: string, label: string, values: readonly string[] | undefined): Matcher[] {
  if (values === undefined) return [];
  if (values.includes('')) throw new RangeError(`${flag}: the name is empty`);
  return [{ label, values }];
}

/** Different labels must all match; of one label one value is enough. */
function parseMatches(texts: readonly string[]): Matcher[] {
  const values = new Map<string, string[]>();
  for (const text of texts) {
    const at = text.indexOf('=');
    if (at < 1) throw new RangeError(`--match ${text}: must be LABEL=VALUE, as in env=production`);
    const label = parseLabel('--match', text.slice(0, at));
    values.set(label, [...(values.get(label) ?? []), text.slice(at + 1)]);
  }
  return [...values].map(([label, ofLabel]) => ({ label, values: ofLabel }));
}

/** Unix seconds. */
function parseAt(text: string, nowMs: number): number {
  if (text === 'now') return Math.floor(nowMs) / 1000;
  const isIso = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/.test(text);
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : isIso ? Date.parse(text) / 1000 : NaN;
  if (!Number.isNaN(seconds)) return seconds;
  throw new RangeError(`--at ${text}: must be now, a time as in 2026-11-28T16:00:00Z, or Unix seconds`);
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

/** @throws {RangeError} for another metric. */
export function parseMetric(text: string, metrics: readonly MatrixMetric[]): MatrixMetric {
  return requireChoice('--metric', sanitize(text), metrics) as MatrixMetric;
}
