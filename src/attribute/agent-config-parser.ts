/** The section `agent` of the configuration file. */
import {
  DEFAULT_AGENT,
  PRESETS,
  SOURCES,
  TEMPORALITIES,
  type AgentConfig,
  type DogStatsdConfig,
  type ListenAddress,
  type OtlpConfig,
  type PrometheusConfig,
} from '../model/agent-config.js';
import { formatDuration, parseDuration, sanitize } from '../model/units.js';
import { parseAddress, quote } from './address.js';
import { problemOfName, type ConfigDocument, type Member } from './config-document.js';
import { ConfigFields, type Parse } from './config-fields.js';

const AGENT = {
  region: 'eu-west-1',
  source: 'auto',
  interval: '10s',
  series: '1000',
  remotes: '0',
  health: '127.0.0.1:9470',
  prometheus: '{listen: 127.0.0.1:9469}',
  otlp: '{endpoint: http://127.0.0.1:4318}',
  dogstatsd: '{address: 127.0.0.1:8125}',
} as const;
const PROMETHEUS = {
  listen: '127.0.0.1:9469',
  tls: '{certificate: /etc/tcpscope/tls.crt, key: /etc/tcpscope/tls.key}',
  'basic-auth': '{user: prometheus, password-file: /etc/tcpscope/password}',
} as const;
const TLS = { certificate: '/etc/tcpscope/tls.crt', key: '/etc/tcpscope/tls.key' } as const;
const BASIC_AUTH = { user: 'prometheus', 'password-file': '/etc/tcpscope/password' } as const;
const OTLP = {
  endpoint: 'http://127.0.0.1:4318',
  temporality: 'cumulative',
  headers: '{api-key: secret}',
  ca: '/etc/tcpscope/ca.crt',
  timeout: '10s',
} as const;
const DOGSTATSD = {
  address: '127.0.0.1:8125',
  preset: 'tcpscope',
  tags: '["env:production"]',
} as const;

const DEFAULT_PROMETHEUS: PrometheusConfig = {
  listen: { host: '127.0.0.1', port: 9_469 },
  tls: undefined,
  basicAuth: undefined,
};
const DEFAULT_OTLP: OtlpConfig = {
  endpoint: 'http://127.0.0.1:4318',
  temporality: 'cumulative',
  headers: {},
  ca: undefined,
  timeoutMs: 10_000,
};
const DEFAULT_DOGSTATSD: DogStatsdConfig = {
  address: { host: '127.0.0.1', port: 8_125 },
  preset: 'tcpscope',
  tags: [],
};

/** Where it names no output, it has that of DEFAULT_AGENT. */
export function readAgent(document: ConfigDocument, member: Member, example: string): AgentConfig {
  const fields = ConfigFields.of(document, member, example, AGENT);
  const outputs = {
    prometheus: readPrometheus(fields),
    otlp: readOtlp(fields),
    dogstatsd: readDogStatsd(fields),
  };
  const hasOutput = Object.values(outputs).some((output) => output !== undefined);
  return {
    region: fields.value('region', name, undefined),
    source: fields.choice('source', SOURCES, DEFAULT_AGENT.source),
    intervalMs: fields.value('interval', milliseconds('1s', '1h'), DEFAULT_AGENT.intervalMs),
    maxSeries: fields.value('series', whole(1, 100_000), DEFAULT_AGENT.maxSeries),
    topRemotes: fields.value('remotes', whole(0, 10_000), DEFAULT_AGENT.topRemotes),
    health: fields.value('health', listenAddress, undefined),
    ...(hasOutput ? outputs : { ...outputs, prometheus: DEFAULT_AGENT.prometheus }),
  };
}

function readPrometheus(agent: ConfigFields<keyof typeof AGENT>): PrometheusConfig | undefined {
  const fields = agent.fields('prometheus', PROMETHEUS);
  if (!fields) return undefined;
  const tls = fields.fields('tls', TLS);
  const basicAuth = fields.fields('basic-auth', BASIC_AUTH);
  return {
    listen: fields.value('listen', listenAddress, DEFAULT_PROMETHEUS.listen),
    tls: tls && { certificate: tls.required('certificate', file, ''), key: tls.required('key', file, '') },
    basicAuth: basicAuth && {
      user: basicAuth.required('user', userName, ''),
      passwordFile: basicAuth.required('password-file', file, ''),
    },
  };
}

function readOtlp(agent: ConfigFields<keyof typeof AGENT>): OtlpConfig | undefined {
  const fields = agent.fields('otlp', OTLP);
  return (
    fields && {
      endpoint: fields.value('endpoint', endpoint, DEFAULT_OTLP.endpoint),
      temporality: fields.choice('temporality', TEMPORALITIES, DEFAULT_OTLP.temporality),
      headers: fields.record('headers', headerName, headerValue),
      ca: fields.value('ca', file, undefined),
      timeoutMs: fields.value('timeout', milliseconds('100ms', '1m'), DEFAULT_OTLP.timeoutMs),
    }
  );
}

function readDogStatsd(agent: ConfigFields<keyof typeof AGENT>): DogStatsdConfig | undefined {
  const fields = agent.fields('dogstatsd', DOGSTATSD);
  return (
    fields && {
      address: fields.value('address', socketOrAddress, DEFAULT_DOGSTATSD.address),
      preset: fields.choice('preset', PRESETS, DEFAULT_DOGSTATSD.preset),
      tags: fields.list('tags', tag),
    }
  );
}

const name: Parse<string | undefined> = (text) => {
  const problem = problemOfName(text);
  if (problem !== undefined) throw new RangeError(`the name ${problem}`);
  return text;
};

const userName: Parse<string> = (text) => {
  // RFC 7617: the first colon ends it.
  if (text.includes(':')) throw new RangeError(`${quote(text)} has a colon, which a user may not have`);
  return name(text) ?? text;
};

/** Whoever starts the agent may be in any folder. */
const file: Parse<string> = (text) => {
  if (text.startsWith('/') && !text.includes('\0')) return text;
  throw new RangeError(`${quote(text)} is no absolute path; write it from / on`);
};

function milliseconds(least: string, most: string): Parse<number> {
  return (text) => {
    const ns = parseDuration(text);
    if (ns >= parseDuration(least) && ns <= parseDuration(most)) return ns / 1e6;
    throw new RangeError(`${formatDuration(ns)} is out of range; from ${least} to ${most}`);
  };
}

function whole(least: number, most: number): Parse<number> {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    throw new RangeError(`${quote(text)} is no whole number from ${least} to ${most}`);
  };
}

/** `127.0.0.1:9469`, `[::1]:9469`, `localhost:9469`; port 0 is any that is free. */
const listenAddress: Parse<ListenAddress> = (text) => {
  const [, ipv6, plain, digits] = /^(?:\[([^\]]*)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = ipv6 ?? plain ?? '';
  const port = Number(digits);
  const isHost = ipv6 === undefined ? /^[\w.-]+$/.test(host) : parseAddress(ipv6) !== undefined;
  if (isHost && port <= 65_535) return { host, port };
  throw new RangeError(
    `${quote(text)} is no address with a port; write it as in 127.0.0.1:9469 or "[::1]:9469"`,
  );
};

/** An absolute path, with `unix://` before it or not, or an address. */
const socketOrAddress: Parse<DogStatsdConfig['address']> = (text) => {
  const path = text.replace(/^unix:(?:\/\/)?/, '');
  return path.startsWith('/') ? { path: file(path) } : listenAddress(text);
};

const endpoint: Parse<string> = (text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return text;
  throw new RangeError(
    `${quote(text)} is no URL of a collector; write it as in http://127.0.0.1:4318 or https://collector:4318`,
  );
};

/** RFC 9110: a token. */
const headerName: Parse<string> = (text) => {
  if (/^[\w!#$%&'*+.^`|~-]+$/.test(text)) return text;
  throw new RangeError(`${quote(text)} is no name of an HTTP header`);
};

/** The value is a secret, and not told. */
const headerValue: Parse<string> = (text) => {
  if (/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text)) return text;
  throw new RangeError('the value of an HTTP header has visible ASCII characters, and spaces between them');
};

/** DogStatsD ends a tag at a comma, and what stands before a bar. */
const tag: Parse<string> = (text) => {
  if (/^[^\s,|]{1,200}$/.test(text) && sanitize(text) === text) return text;
  throw new RangeError(
    `${quote(text)} is no tag; write it as in env:production, without spaces, commas and bars`,
  );
};
