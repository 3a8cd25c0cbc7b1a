/** Answers of the HTTP API of Prometheus, and of what speaks the same. */

/** A series at one time, or its points of a range. */
export interface Series {
  labels: Readonly<Record<string, string>>;
  /** Unix seconds and value; of an instant query one. */
  points: readonly (readonly [number, number])[];
}

export interface Answer {
  series: Series[];
  /** Samples that the server read for it, where it says so. */
  samples: number | undefined;
  /** That a part of the data is missing, say: Thanos answers without a store that is down. */
  warnings: string[];
}

/** What a server says that refuses a query. */
export interface Refusal {
  errorType: string;
  error: string;
}

type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws {SyntaxError} if the text is neither an answer nor a refusal. */
export function parseAnswer(text: string): Answer | Refusal {
  const body: unknown = JSON.parse(text);
  if (!isObject(body)) throw new SyntaxError('it is no object');
  if (body['status'] === 'error') return refusalOf(body);
  const { data } = body;
  if (body['status'] !== 'success' || !isObject(data)) throw new SyntaxError('it has no status and data');
  const { resultType, result } = data;
  if ((resultType !== 'vector' && resultType !== 'matrix') || !Array.isArray(result))
    throw new SyntaxError('its result is neither a vector nor a matrix');
  return {
    series: result.map(seriesOf),
    samples: samplesOf(data),
    warnings: textsOf(body['warnings']),
  };
}

export function isRefusal(answer: Answer | Refusal): answer is Refusal {
  return 'error' in answer;
}

function refusalOf({ errorType, error }: Json): Refusal {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return { errorType: text(errorType), error: text(error) };
}

function seriesOf(each: unknown): Series {
  if (!isObject(each) || !isObject(each['metric'])) throw new SyntaxError('a series has no labels');
  const { metric, value, values } = each;
  const points: unknown = value === undefined ? values : [value];
  if (!Array.isArray(points)) throw new SyntaxError('a series has no values');
  const labels = Object.entries(metric).filter(
    (label): label is [string, string] => typeof label[1] === 'string',
  );
  return { labels: Object.fromEntries(labels), points: points.map(pointOf) };
}

function pointOf(point: unknown): [number, number] {
  if (!Array.isArray(point) || typeof point[0] !== 'number' || typeof point[1] !== 'string')
    throw new SyntaxError('a value is no pair of a time and a number');
  return [point[0], numberOf(point[1])];
}

/** Go writes infinity in another way than JavaScript. */
function numberOf(text: string): number {
  return Number(text.replace(/Inf$/, 'Infinity'));
}

function samplesOf({ stats }: Json): number | undefined {
  if (!isObject(stats) || !isObject(stats['samples'])) return undefined;
  const { totalQueryableSamples: total } = stats['samples'];
  return typeof total === 'number' ? total : undefined;
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
