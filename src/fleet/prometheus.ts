/** The HTTP API of Prometheus, which Thanos, Mimir, Cortex and VictoriaMetrics have as well. */
import { EXIT, Failure } from '../model/failure.js';
import { sanitize } from '../model/units.js';
import { isRefusal, parseAnswer, type Answer, type Refusal, type Series } from './answer.js';
import { durationText } from './promql.js';
import { Transport, unanswered, type Access, type Reply } from './transport.js';

/** Of a foreign text that explains something. */
const MOST_CHARACTERS = 300;

/** What the answers have cost. */
export interface QueryCost {
  queries: number;
  /** From the first question to the last answer. */
  elapsedMs: number;
  /** That were sent to us. */
  series: number;
  /** That the server read; undefined where it does not say. */
  samples: number | undefined;
}

const shortened = (text: string): string => sanitize(text.slice(0, MOST_CHARACTERS).trim());

export class PrometheusClient {
  private readonly transport: Transport;
  private readonly spent = { queries: 0, series: 0, samples: 0 };
  private readonly saidWarnings = new Set<string>();
  private startedMs: number | undefined;
  private endedMs = 0;
  private saysSamples = true;
  /** Whether to ask for statistics: until a server refuses to understand that. */
  private wantsStats = true;

  constructor(private readonly access: Access) {
    this.transport = new Transport(access);
  }

  get cost(): QueryCost {
    const { queries, series, samples } = this.spent;
    const elapsedMs = this.endedMs - (this.startedMs ?? this.endedMs);
    return { queries, elapsedMs, series, samples: this.saysSamples ? samples : undefined };
  }

  /** What servers said beside their answers, each once. */
  get warnings(): string[] {
    return [...this.saidWarnings];
  }

  /** Values at a time. @throws {Failure} */
  query(expression: string, atS: number): Promise<Series[]> {
    return this.ask('/api/v1/query', { query: expression, time: String(atS) });
  }

  /** Values every so many seconds. @throws {Failure} */
  queryRange(
    expression: string,
    { startS, endS, stepS }: { startS: number; endS: number; stepS: number },
  ): Promise<Series[]> {
    const parameters = { query: expression, start: String(startS), end: String(endS), step: String(stepS) };
    return this.ask('/api/v1/query_range', parameters);
  }

  close(): void {
    this.transport.close();
  }

  private async ask(path: string, parameters: Readonly<Record<string, string>>): Promise<Series[]> {
    this.startedMs ??= performance.now();
    const timeout = durationText(this.access.timeoutMs / 1000);
    const withStats = this.wantsStats;
    const stats = withStats ? { stats: 'all' } : {};
    const reply = await this.transport.post(path, new URLSearchParams({ ...parameters, timeout, ...stats }));
    const answer = this.answerOf(reply);
    if (isRefusal(answer)) {
      if (!withStats || reply.status !== 400 || !/\bstats\b/.test(answer.error)) throw this.refused(answer);
      this.wantsStats = false;
      return this.ask(path, parameters);
    }
    this.account(answer);
    return answer.series;
  }

  private account({ series, samples, warnings }: Answer): void {
    this.endedMs = performance.now();
    this.spent.queries++;
    this.spent.series += series.length;
    if (samples === undefined) this.saysSamples = false;
    else this.spent.samples += samples;
    for (const warning of warnings) this.saidWarnings.add(shortened(warning));
  }

  private answerOf({ status, text }: Reply): Answer | Refusal {
    try {
      return parseAnswer(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      if (status !== 200) throw this.failedStatus(status, text);
      throw unanswered(
        this.access.base,
        `What it says is no answer of Prometheus: ${shortened(error.message)}.`,
        'Check the URL; of a server behind a path give that too, as in https://host/prometheus.',
      );
    }
  }

  /** The server's own words are the best there are. */
  private refused({ errorType, error }: Refusal): Failure {
    return new Failure(
      EXIT.failure,
      `${sanitize(this.access.base.href)} refuses the query.`,
      `${shortened(errorType)}: ${shortened(error)}`,
      errorType === 'bad_data'
        ? 'Check the labels of --by and of the filters; it may also be a mistake in tcpscope: please report it then.'
        : 'Ask for less (a shorter --range, filters, fewer labels in --by), or try again later.',
    );
  }

  private failedStatus(status: number, text: string): Failure {
    // A page for people says no more than the number.
    const words = text.trimStart().startsWith('<') ? '' : shortened(text);
    const why = `It answers with HTTP status ${status}${words === '' ? '' : `: ${words}`}.`;
    return unanswered(this.access.base, why, statusAdvice(status));
  }
}

function statusAdvice(status: number): string {
  if (status === 401 || status === 403)
    return 'Say who asks: --user with --password-file, --bearer-token-file, or --header for a tenant.';
  if (status === 404)
    return 'Check the URL; of a server behind a path give that too, as in https://host/prometheus.';
  if (status === 429 || status >= 500)
    return 'Try again later, or ask for less: a shorter --range, or filters.';
  return 'Check the URL.';
}
