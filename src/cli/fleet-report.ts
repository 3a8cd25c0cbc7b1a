/** What `fleet` says beside its answer, on standard error. */
import type { QueryCost } from '../fleet/prometheus.js';
import { selectorText, type Question } from '../fleet/promql.js';
import { EXIT, Failure } from '../model/failure.js';
import { formatCount, formatElapsed, sanitize } from '../model/units.js';

const UNITS = { d: 86_400, h: 3600, m: 60 } as const;

/** As it is typed: `90m`, `1h`. */
function rangeText(seconds: number): string {
  const [unit, length] = Object.entries(UNITS).find(([, each]) => seconds % each === 0) ?? ['s', 1];
  return `${seconds / length}${unit}`;
}

/** `1h until 2026-11-28 16:00:00Z`. */
export function periodText({ rangeS, atS }: Question): string {
  const until = new Date(Math.round(atS) * 1000).toISOString().replace('T', ' ').replace('.000', '');
  return `${rangeText(rangeS)} until ${until}`;
}

/** `8 queries in 214 ms: 72 series returned, 1,234,567 samples read by the server`. */
export function costText({ queries, elapsedMs, series, samples }: QueryCost): string {
  const counted = (count: number, one: string, many: string): string =>
    `${formatCount(count)} ${count === 1 ? one : many}`;
  const read =
    samples === undefined
      ? 'the server does not say how many samples it read'
      : `${counted(samples, 'sample', 'samples')} read by the server`;
  const took = formatElapsed(elapsedMs * 1e6);
  return `${counted(queries, 'query', 'queries')} in ${took}: ${counted(series, 'series', 'series')} returned, ${read}`;
}

/** Labels that no series has: most likely a word that was mistyped. */
export function unknownLabels(by: readonly string[], keys: readonly (readonly string[])[]): string[] {
  return by.filter((_, at) => keys.length > 0 && keys.every((values) => values[at] === ''));
}

/** That nothing matches, of a fleet in which connections never end. */
export function nothingFound(question: Question): Failure {
  const { matchers, recorded } = question;
  const selected = matchers.length === 0 ? '' : ` that match ${sanitize(selectorText(matchers))}`;
  return new Failure(
    EXIT.failure,
    `No connection attempts in ${periodText(question)}.`,
    `The server has no series of tcpscope${selected} that grew in that time.`,
    recorded
      ? 'Check the filters, and that the server has the recording rules; without --recorded it is asked for what it scraped.'
      : 'Check the filters; --range is at least two scrape intervals long, and the server has to scrape tcpscope agent.',
  );
}
