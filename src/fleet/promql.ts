/** Expressions of PromQL about what the agents of a fleet publish. */

/** Names of the metrics, a contract with `tcpscope agent`. */
export const METRICS = {
  latency: 'tcpscope_tcp_handshake_duration_seconds_bucket',
  attempts: 'tcpscope_tcp_connection_attempts_total',
  failures: 'tcpscope_tcp_connection_failures_total',
  synLost: 'tcpscope_tcp_connection_syn_lost_total',
  retransmits: 'tcpscope_tcp_retransmits_total',
  sent: 'tcpscope_tcp_segments_sent_total',
} as const;

/** Handshakes are not what a retransmit ratio is about: segments sent again of connections that there are. */
export const NO_HANDSHAKES = 'type!~"syn|synack"';

/** A label has one of these values. */
export interface Matcher {
  label: string;
  values: readonly string[];
}

/** What is asked of the fleet: of these series, over this long until then, added up by these labels. */
export interface Question {
  by: readonly string[];
  matchers: readonly Matcher[];
  rangeS: number;
  /** Unix time of the end. */
  atS: number;
}

/** A string of PromQL has the escapes of Go, which understands those of JSON. */
const quoted = JSON.stringify as (text: string) => string;

/** A text as a regular expression of RE2 that matches it alone. */
function escaped(text: string): string {
  return text.replaceAll(/[\\.+*?()|[\]{}^$]/g, String.raw`\$&`);
}

function matcherText({ label, values }: Matcher): string {
  const [only = ''] = values;
  if (values.length === 1) return `${label}=${quoted(only)}`;
  return `${label}=~${quoted(values.map(escaped).join('|'))}`;
}

/** `{region="eu",role=~"db|web"}`, or nothing. */
export function selectorText(matchers: readonly Matcher[], ...more: readonly string[]): string {
  const texts = [...matchers.map(matcherText), ...more];
  return texts.length === 0 ? '' : `{${texts.join(',')}}`;
}

/** `3600s`, `1500ms`. */
export function durationText(seconds: number): string {
  return Number.isInteger(seconds) ? `${seconds}s` : `${Math.round(seconds * 1000)}ms`;
}

/** How much a counter grew, added up over all hosts. */
export function increaseOf(
  metric: string,
  { by, matchers, rangeS }: Question,
  ...more: readonly string[]
): string {
  const range = durationText(rangeS);
  return `sum by (${by.join(', ')}) (increase(${metric}${selectorText(matchers, ...more)}[${range}]))`;
}

/**
 * A quantile of all handshakes: the buckets of all hosts are added up before it is taken. It is right within one bucket, as no
 * average of the hosts' own quantiles is.
 */
export function quantileOf(quantile: number, { by, matchers, rangeS }: Question): string {
  const selected = `${METRICS.latency}${selectorText(matchers)}[${durationText(rangeS)}]`;
  return `histogram_quantile(${quantile}, sum by (${['le', ...by].join(', ')}) (rate(${selected})))`;
}
