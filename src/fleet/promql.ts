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
  /** Ask for the sums over all hosts that docs/monitoring/recording-rules.yml makes. */
  recorded: boolean;
}

/** How often the recording rules are evaluated. */
const RECORDING_INTERVAL_S = 60;

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

/** What the recording rules call the rates of a metric. */
export function recordedName(metric: string): string {
  return metric.replace(/^tcpscope_(.+?)(?:_total)?$/, 'tcpscope:$1:rate5m');
}

/**
 * How much each series of a counter grew. Of a recorded rate each sample stands for the time to the next one; a second less is as many
 * samples as there are intervals, and not one more.
 */
function growthOf(metric: string, { matchers, rangeS, recorded }: Question, more: readonly string[]): string {
  const selector = selectorText(matchers, ...more);
  if (!recorded) return `increase(${metric}${selector}[${durationText(rangeS)}])`;
  const range = durationText(Math.max(RECORDING_INTERVAL_S, rangeS - 1));
  return `${RECORDING_INTERVAL_S} * sum_over_time(${recordedName(metric)}${selector}[${range}])`;
}

/** How much a counter grew, added up over all hosts. */
export function increaseOf(metric: string, question: Question, ...more: readonly string[]): string {
  return `sum by (${question.by.join(', ')}) (${growthOf(metric, question, more)})`;
}

/**
 * A quantile of all handshakes: the buckets of all hosts are added up before it is taken. It is right within one bucket, as no
 * average of the hosts' own quantiles is.
 */
export function quantileOf(quantile: number, question: Question): string {
  const buckets = growthOf(METRICS.latency, question, []);
  return `histogram_quantile(${quantile}, sum by (${['le', ...question.by].join(', ')}) (${buckets}))`;
}
