/** The configuration: which networks are which region and role, what is internal, what the agent does (docs/config.md). */
import type { AgentConfig } from '../model/agent-config.js';
import type { Thresholds } from '../model/thresholds.js';
import { formatCount, sanitize } from '../model/units.js';
import { parsePrefix, type Prefix } from './address.js';
import type { Position } from './line-positions.js';
import type { Entry } from './prefix-table.js';

/** Some 200,000 prefixes. Reading more would take seconds at every start. */
export const MAX_CONFIG_BYTES = 4 * 1024 * 1024;
export const MAX_MISTAKES = 10;

/**
 * What is never routed on the Internet: RFC 1918, the shared space of RFC 6598 (carriers, and pods and overlays of clouds), loopback,
 * link-local, unique local addresses of IPv6.
 */
export const INTERNAL_BY_DEFAULT: readonly Prefix[] = [
  ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16'],
  ...['::1/128', 'fe80::/10', 'fc00::/7'],
].map(parsePrefix);

/** Entries in the order of the file. */
export interface Config {
  readonly regions: readonly Entry<string>[];
  readonly roles: readonly Entry<string>[];
  readonly internal: readonly Prefix[];
  /** Carved out of `internal`; where both have the same prefix, this one counts. */
  readonly external: readonly Prefix[];
  /** True if the file does not say what is internal. */
  readonly isInternalDefault: boolean;
  /** Undefined if the file does not say: DEFAULT_AGENT. */
  readonly agent: AgentConfig | undefined;
  /** Undefined if the file does not say: DEFAULT_THRESHOLDS. */
  readonly thresholds: Thresholds | undefined;
}

export const DEFAULT_CONFIG: Config = {
  regions: [],
  roles: [],
  internal: INTERNAL_BY_DEFAULT,
  external: [],
  isInternalDefault: true,
  agent: undefined,
  thresholds: undefined,
};

/** The message says what is wrong and what would be right. */
export interface Mistake extends Position {
  readonly message: string;
}

/** A file with mistakes. The message has a line for each of the first: `FILE:LINE:COLUMN: what; what to do`. */
export class ConfigError extends Error {
  /** The first in the order of the file, at most `MAX_MISTAKES`. */
  readonly mistakes: readonly Mistake[];
  /** How many there are. */
  readonly count: number;

  constructor(
    readonly fileName: string,
    all: readonly Mistake[],
  ) {
    const mistakes = all.toSorted((a, b) => a.line - b.line || a.column - b.column).slice(0, MAX_MISTAKES);
    const lines = mistakes.map(
      ({ line, column, message }) => `${sanitize(fileName)}:${line}:${column}: ${message}`,
    );
    if (all.length > mistakes.length) lines.push(`… and ${formatCount(all.length - mistakes.length)} more`);
    super(lines.join('\n'));
    this.name = 'ConfigError';
    this.mistakes = mistakes;
    this.count = all.length;
  }
}
