/** One request of HTTP, with a limit for everything that it may take. */
import http from 'node:http';
import https from 'node:https';

export interface Target {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Certificates of whom to trust, PEM; undefined: whom Node.js trusts. */
  readonly trusted: readonly string[] | undefined;
  readonly timeoutMs: number;
}

export interface Answer {
  readonly status: number;
  readonly reason: string;
  /** What the receiver asks to be waited for. */
  readonly retryAfterMs: number | undefined;
  /** Empty if it could not be read whole: the status has said what became of the request. */
  readonly body: Uint8Array;
}

/** More than any answer of OTLP has. */
const MOST_BYTES = 64 * 1024;

/**
 * A connection of its own for each: between two requests a receiver may close one, or go away, and that would look as if a request had failed.
 *
 * @param signal ends it
 * @throws {Error} if there is no status in time
 */
export function post(
  { url, headers, trusted, timeoutMs }: Target,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const client = url.protocol === 'https:' ? https : http;
    const request = client.request(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': body.length },
      agent: false,
      signal,
      ...(trusted && { ca: [...trusted] }),
    });
    const timer = setTimeout(() => {
      request.destroy(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    request.on('close', () => {
      clearTimeout(timer);
    });
    request.on('error', reject);
    request.on('response', (response) => {
      // From here on the status counts, whatever becomes of the rest.
      request.off('error', reject).on('error', () => undefined);
      void bodyOf(response).then((answer) => {
        request.destroy();
        resolve({
          status: response.statusCode ?? 0,
          reason: response.statusMessage ?? '',
          retryAfterMs: waitOf(response.headers['retry-after']),
          body: answer,
        });
      });
    });
    request.end(body);
  });
}

async function bodyOf(response: http.IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > MOST_BYTES) return new Uint8Array();
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch {
    return new Uint8Array();
  }
}

/** Seconds, or a date. */
function waitOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1e3 : Date.parse(header) - Date.now();
  return ms > 0 ? ms : undefined;
}
