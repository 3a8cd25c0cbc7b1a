/** What `config check` says of a configuration and of addresses. */
import { formatPrefix } from '../attribute/address.js';
import type { Config, ConfigError } from '../attribute/config.js';
import type { Explanation } from '../attribute/places.js';
import type { Entry } from '../attribute/prefix-table.js';
import { textWidth } from '../view/width.js';
import { addressText, type AgentConfig } from '../model/agent-config.js';
import { formatLimit, THRESHOLD_NAMES, type Thresholds } from '../model/thresholds.js';
import { formatCount, formatElapsed, sanitize } from '../model/units.js';

/** An address as it was asked for, and what it becomes. */
export interface Answer extends Explanation {
  readonly address: string;
}

const SHOWN_NAMES = 8;

/** Lines for people. */
export function describeConfig(file: string, config: Config): string[] {
  const { regions, roles, internal, external, isInternalDefault, agent, thresholds } = config;
  const carved = external.length > 0 ? `, but not ${listed(external.map(formatPrefix))}` : '';
  return [
    `${file}: no mistakes`,
    ...aligned([
      ['regions', named(regions)],
      ['roles', named(roles)],
      [
        'internal',
        `${listed(internal.map(formatPrefix)) || 'nothing'}${isInternalDefault ? ' (default)' : ''}${carved}`,
      ],
      ...(agent ? [['agent', agentSentence(agent)]] : []),
      ...(thresholds ? [['thresholds', thresholdsSentence(thresholds)]] : []),
    ]),
  ];
}

/** A line for each address, below a header; the prefix that decided stands behind what it decided. */
export function describeAnswers(answers: readonly Answer[]): string[] {
  if (answers.length === 0) return [];
  const lines = answers.map(({ address, place, regionPrefix, rolePrefix, sidePrefix }) => [
    address,
    decided(place.region ?? '-', regionPrefix),
    decided(place.role ?? '-', rolePrefix),
    decided(place.external ? 'external' : 'internal', sidePrefix),
  ]);
  return aligned([['ADDRESS', 'REGION', 'ROLE', 'SIDE'], ...lines]);
}

/** The same for machines. */
export function configToJson(file: string, config: Config, answers: readonly Answer[]): object {
  return {
    file,
    valid: true,
    regions: Object.fromEntries(prefixCounts(config.regions)),
    roles: Object.fromEntries(prefixCounts(config.roles)),
    internal: config.internal.map(formatPrefix),
    internal_is_default: config.isInternalDefault,
    external: config.external.map(formatPrefix),
    agent: config.agent ? agentToJson(config.agent) : null,
    thresholds: config.thresholds ? Object.fromEntries(settingsOf(config.thresholds)) : null,
    addresses: answers.map(({ address, place, regionPrefix, rolePrefix, sidePrefix }) => ({
      address,
      region: place.region ?? null,
      region_prefix: regionPrefix ?? null,
      role: place.role ?? null,
      role_prefix: rolePrefix ?? null,
      external: place.external,
      external_prefix: sidePrefix ?? null,
    })),
  };
}

export const mistakesToJson = (file: string, { mistakes, count }: ConfigError): object => ({
  file,
  valid: false,
  mistake_count: count,
  mistakes,
});

/** Each as it may be written: `['syn-loss', '0.1%']`. */
function settingsOf({ limits, minAttempts }: Thresholds): [name: string, value: string][] {
  const set = THRESHOLD_NAMES.map((name): [string, string] => {
    const limit = limits[name];
    return [name, limit === undefined ? 'off' : formatLimit(name, limit)];
  });
  return [...set, ['min-attempts', String(minAttempts)]];
}

/** What `health` judges by, the defaults included. */
const thresholdsSentence = (thresholds: Thresholds): string =>
  settingsOf(thresholds)
    .filter(([, value]) => value !== 'off')
    .map((setting) => setting.join(' '))
    .join(', ');

/** Where the agent publishes, and how much. */
export function agentSentence(agent: AgentConfig): string {
  const outputs = Object.entries(destinations(agent)).map(([name, to]) => `${name} ${to}`);
  return `${outputs.join(', ')}; every ${formatElapsed(agent.intervalMs * 1e6)}, up to ${formatCount(agent.maxSeries)} series`;
}

/** Without headers, which are secrets. */
const agentToJson = (agent: AgentConfig): object => ({
  region: agent.region ?? null,
  source: agent.source,
  interval_ms: agent.intervalMs,
  series: agent.maxSeries,
  remotes: agent.topRemotes,
  outputs: destinations(agent),
});

/** Where each output goes. */
function destinations({ prometheus, otlp, dogstatsd, health }: AgentConfig): Record<string, string> {
  return {
    ...(prometheus && { prometheus: addressText(prometheus.listen) }),
    ...(otlp && { otlp: otlp.endpoint }),
    ...(dogstatsd && {
      dogstatsd:
        'path' in dogstatsd.address ? sanitize(dogstatsd.address.path) : addressText(dogstatsd.address),
    }),
    ...(health && { health: addressText(health) }),
  };
}

const decided = (what: string, prefix: string | undefined): string =>
  prefix === undefined ? what : `${what} (${prefix})`;

function named(entries: readonly Entry<string>[]): string {
  if (entries.length === 0) return 'none';
  const names = [...prefixCounts(entries)].map(([name, count]) => `${name} (${formatCount(count)})`);
  const networks = `${formatCount(entries.length)} network${entries.length === 1 ? '' : 's'}`;
  return `${formatCount(names.length)} with ${networks}: ${listed(names)}`;
}

function prefixCounts(entries: readonly Entry<string>[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { value } of entries) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

function listed(words: readonly string[]): string {
  const more = words.length - SHOWN_NAMES;
  const shown = words.slice(0, SHOWN_NAMES).join(', ');
  return more > 0 ? `${shown} and ${formatCount(more)} more` : shown;
}

/** Cells of lines below each other, two spaces apart. */
function aligned(lines: readonly (readonly string[])[]): string[] {
  const widths = (lines[0] ?? []).map((_, at) =>
    lines.reduce((most, line) => Math.max(most, textWidth(line[at]!)), 0),
  );
  return lines.map((line) =>
    line
      .map((cell, at) => (at === line.length - 1 ? cell : cell + ' '.repeat(widths[at]! - textWidth(cell))))
      .join('  '),
  );
}
