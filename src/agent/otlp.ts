/** OTLP over HTTP, protobuf: to a collector of OpenTelemetry, or whoever else takes that. */
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { OtlpConfig } from '../model/agent-config.js';
import { EXIT, Failure } from '../model/failure.js';
import type { NetworkSnapshot } from '../model/network.js';
import { sanitize } from '../model/units.js';
import { BackOff, REAL_SURROUNDINGS, type Surroundings } from './back-off.js';
import { post, type Answer, type Target } from './http-post.js';
import type { OtlpEncoder, OtlpRequest } from './otlp-metrics.js';
import type { Output, OutputTelemetry } from './output.js';
import type { ServiceResource } from './resource.js';
import { growthOf, talliesOf, type Tallies } from './tallies.js';

const compress = promisify(gzip);

/** Answers after which the same must not be sent again: it is malformed, or too long and would only get longer. */
const HOPELESS = [400, 413];

/**
 * Reads the file of certificates, so that it may be called before privileges are given up and needs none afterwards.
 *
 * @throws {Failure} if that cannot be read
 */
export async function createOtlpOutput(
  config: OtlpConfig,
  resource: ServiceResource,
  surroundings: Surroundings = REAL_SURROUNDINGS,
): Promise<Output> {
  const target = {
    url: endpointOf(config.endpoint),
    headers: {
      'user-agent': `tcpscope/${resource.version}`,
      ...config.headers,
      'content-type': 'application/x-protobuf',
      'content-encoding': 'gzip',
    },
    trusted: config.ca === undefined ? undefined : [...rootCertificates, readCertificates(config.ca)],
    timeoutMs: config.timeoutMs,
  };
  const { OtlpEncoder, rejectedPoints } = await import('./otlp-metrics.js');
  const encoder = new OtlpEncoder(resource, config.temporality);
  return new OtlpOutput(target, { encoder, rejectedPoints }, config.temporality === 'delta', surroundings);
}

/** The specification's rule for an endpoint that is a base; one with a path is meant as it is. */
export function endpointOf(endpoint: string): URL {
  const url = new URL(endpoint);
  if (url.pathname === '/') url.pathname = '/v1/metrics';
  return url;
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure(
      EXIT.failure,
      `The certificates of ${sanitize(file)} cannot be read.`,
      `${sanitize((error as Error).message)}.`,
      'Correct `ca` of `otlp` in the configuration.',
    );
  }
}

interface Format {
  readonly encoder: OtlpEncoder;
  readonly rejectedPoints: (answer: Uint8Array) => { points: number; message: string };
}

class OtlpOutput implements Output {
  readonly name = 'otlp';
  readonly #closing = new AbortController();
  readonly #backOff: BackOff;
  #telemetry: OutputTelemetry = { sent: 0, failed: 0, dropped: 0, bytes: 0, lastError: undefined };
  /** What the receiver has, and until when; only needed where differences are sent. */
  #acknowledged: { readonly tallies: Tallies; readonly timeMs: number } | undefined;

  constructor(
    private readonly target: Target,
    private readonly format: Format,
    private readonly sendsGrowth: boolean,
    surroundings: Surroundings,
  ) {
    this.#backOff = new BackOff(surroundings);
  }

  begin(since: NetworkSnapshot): void {
    this.#acknowledge(talliesOf(since), since.timeMs);
  }

  telemetry(): OutputTelemetry {
    return this.#telemetry;
  }

  close(): Promise<void> {
    this.#closing.abort(new Error('closed'));
    return Promise.resolve();
  }

  async publish(snapshot: NetworkSnapshot): Promise<void> {
    if (this.#closing.signal.aborted || this.#backOff.waits) return;
    const tallies = talliesOf(snapshot);
    try {
      const request = this.#request(tallies, snapshot);
      const body = await compress(request.bytes);
      const answer = await post(this.target, body, this.#closing.signal);
      this.#judge(answer, request, body.length);
      const isDone = isAccepted(answer) || HOPELESS.includes(answer.status);
      if (isDone) this.#acknowledge(tallies, snapshot.timeMs);
    } catch (error) {
      this.#fail((error as Error).message);
      this.#backOff.failed();
    }
  }

  #acknowledge(tallies: Tallies, timeMs: number): void {
    if (this.sendsGrowth) this.#acknowledged = { tallies, timeMs };
  }

  #request(tallies: Tallies, snapshot: NetworkSnapshot): OtlpRequest {
    const before = this.#acknowledged;
    if (!before) return this.format.encoder.encode(tallies, snapshot, snapshot.startMs);
    return this.format.encoder.encode(growthOf(tallies, before.tallies), snapshot, before.timeMs);
  }

  #judge(answer: Answer, { points }: OtlpRequest, bytes: number): void {
    const { status, reason, retryAfterMs } = answer;
    if (!isAccepted(answer)) {
      this.#fail(`${status} ${reason}`);
      this.#backOff.failed(retryAfterMs);
      if (HOPELESS.includes(status) && this.sendsGrowth) this.#drop(points);
      return;
    }
    this.#backOff.succeeded();
    const { sent, bytes: before } = this.#telemetry;
    this.#telemetry = { ...this.#telemetry, sent: sent + 1, bytes: before + bytes, lastError: undefined };
    this.#countRejected(answer.body);
  }

  /** A receiver that answers with anything but protobuf has taken the request all the same. */
  #countRejected(answer: Uint8Array): void {
    try {
      const { points, message } = this.format.rejectedPoints(answer);
      if (points === 0) return;
      this.#drop(points);
      this.#telemetry = { ...this.#telemetry, lastError: oneLine(`${points} points refused: ${message}`) };
    } catch {
      return;
    }
  }

  #drop(points: number): void {
    this.#telemetry = { ...this.#telemetry, dropped: this.#telemetry.dropped + points };
  }

  #fail(message: string): void {
    this.#telemetry = { ...this.#telemetry, failed: this.#telemetry.failed + 1, lastError: oneLine(message) };
  }
}

const isAccepted = ({ status }: Answer): boolean => status >= 200 && status < 300;

const oneLine = (text: string): string => sanitize(text).trim().slice(0, 200);
