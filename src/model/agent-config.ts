/** What the section `agent` of the configuration says. docs/agent.md has it for users. */

/** Which name of the local side is `source_namespace`; `auto`: the first that is known, in this order. */
export const SOURCES = ['auto', 'namespace', 'container', 'unit'] as const;
export type SourceLabel = (typeof SOURCES)[number];

export const TEMPORALITIES = ['cumulative', 'delta'] as const;
export const PRESETS = ['tcpscope', 'network-monitor'] as const;

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:9469`, `[::1]:9469`. */
export const addressText = ({ host, port }: ListenAddress): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

export interface PrometheusConfig {
  readonly listen: ListenAddress;
  /** PEM files. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined;
  readonly basicAuth: { readonly user: string; readonly passwordFile: string } | undefined;
}

export interface OtlpConfig {
  /** Of the collector: `http://127.0.0.1:4318`; `/v1/metrics` is added where it has no path. */
  readonly endpoint: string;
  readonly temporality: (typeof TEMPORALITIES)[number];
  readonly headers: Readonly<Record<string, string>>;
  /** PEM file of whom to trust beside the system's. */
  readonly ca: string | undefined;
  readonly timeoutMs: number;
}

export interface DogStatsdConfig {
  /** A socket's path, or where it listens by UDP. */
  readonly address: { readonly path: string } | ListenAddress;
  readonly preset: (typeof PRESETS)[number];
  /** Beside the labels: `env:production`. */
  readonly tags: readonly string[];
}

export interface AgentConfig {
  /** Of this host; undefined: that of its addresses. */
  readonly region: string | undefined;
  readonly source: SourceLabel;
  /** Between two publications to those that do not ask themselves. */
  readonly intervalMs: number;
  /** Combinations of labels that are kept; more go to `other`. */
  readonly maxSeries: number;
  /** Remote addresses that get a label of their own: the N with the most attempts; 0: none. */
  readonly topRemotes: number;
  /** Where /healthz is, if not beside /metrics. */
  readonly health: ListenAddress | undefined;
  readonly prometheus: PrometheusConfig | undefined;
  readonly otlp: OtlpConfig | undefined;
  readonly dogstatsd: DogStatsdConfig | undefined;
}

/** Without a section `agent`: /metrics on loopback. */
export const DEFAULT_AGENT: AgentConfig = {
  region: undefined,
  source: 'auto',
  intervalMs: 10_000,
  maxSeries: 1_000,
  topRemotes: 0,
  health: undefined,
  prometheus: { listen: { host: '127.0.0.1', port: 9_469 }, tls: undefined, basicAuth: undefined },
  otlp: undefined,
  dogstatsd: undefined,
};
