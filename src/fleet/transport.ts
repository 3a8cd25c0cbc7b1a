/** One request to a server that may be slow, wrong or not what it seems. */
import http from 'node:http';
import https from 'node:https';
import { EXIT, Failure } from '../model/failure.js';
import { formatBytes, formatElapsed, sanitize } from '../model/units.js';

const MOST_BYTES = 64 << 20;
const MOST_REDIRECTS = 5;
/** A fleet's server answers many others. */
const MOST_AT_ONCE = 4;
const REDIRECTS: readonly number[] = [301, 302, 307, 308];

/** How a server is reached, and who asks. */
export interface Access {
  /** Without user and password. */
  base: URL;
  headers: Readonly<Record<string, string>>;
  /** PEM of the authority that the server's certificate is from; absent: those that Node.js knows. */
  ca?: Buffer;
  timeoutMs: number;
}

export interface Reply {
  status: number;
  text: string;
}

export class Transport {
  private readonly agent: http.Agent;

  constructor(private readonly access: Access) {
    const options = { keepAlive: true, maxSockets: MOST_AT_ONCE };
    this.agent = access.base.protocol === 'https:' ? new https.Agent(options) : new http.Agent(options);
  }

  /**
   * Posts a form. `path` is appended to that of the base.
   * @throws {Failure} if there is no whole answer.
   */
  async post(path: string, form: URLSearchParams): Promise<Reply> {
    let url = new URL(this.access.base.pathname.replace(/\/*$/, path), this.access.base);
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
      const { location, ...reply } = await this.once(url, form.toString());
      if (location === undefined) return reply;
      url = this.redirected(url, location);
    }
    throw this.failure(`It redirects more than ${MOST_REDIRECTS} times.`, 'Give the URL that it leads to.');
  }

  close(): void {
    this.agent.destroy();
  }

  private async once(url: URL, body: string): Promise<Reply & { location?: string }> {
    const { headers, ca, timeoutMs } = this.access;
    const patience = new AbortController();
    const { signal } = patience;
    let timer: NodeJS.Timeout | undefined;
    // A server may redirect from http to https.
    const isOwn = url.protocol === this.access.base.protocol;
    try {
      const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
        const request = (url.protocol === 'https:' ? https : http).request(url, {
          method: 'POST',
          headers: {
            ...headers,
            accept: 'application/json',
            'content-type': 'application/x-www-form-urlencoded',
          },
          signal,
          ...(isOwn ? { agent: this.agent } : {}),
          ...(ca ? { ca } : {}),
        });
        // Before it has a socket, a request waits for others of ours.
        request.once('socket', () => {
          timer = setTimeout(() => {
            patience.abort();
          }, timeoutMs);
        });
        request.on('response', resolve).on('error', reject).end(body);
      });
      const { statusCode: status = 0 } = response;
      const { location } = response.headers;
      const text = await this.textOf(response);
      return REDIRECTS.includes(status) && location !== undefined
        ? { status, text, location }
        : { status, text };
    } catch (error) {
      if (error instanceof Failure) throw error;
      if (signal.aborted) throw this.timedOut();
      throw this.unreachable(error as NodeJS.ErrnoException);
    } finally {
      clearTimeout(timer);
    }
  }

  private async textOf(response: http.IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MOST_BYTES)
        throw this.failure(
          `Its answer is longer than ${formatBytes(MOST_BYTES)}.`,
          'Ask for less: fewer labels in --by, or filters.',
        );
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  /** Who asks, and what for, is for this host alone. */
  private redirected(from: URL, location: string): URL {
    const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
    const isSame = to?.origin === from.origin;
    const isUpgrade = to?.hostname === from.hostname && to.protocol === 'https:' && from.protocol === 'http:';
    if (to && (isSame || isUpgrade)) return to;
    const target = to ? to.origin : 'something that is no URL';
    throw this.failure(
      `It redirects to ${sanitize(target)}, which is not followed: no password and no query goes to another host.`,
      'It may want a login: see --bearer-token-file and --user. Or give the URL that it leads to.',
    );
  }

  private timedOut(): Failure {
    return this.failure(
      `There was no whole answer within ${formatElapsed(this.access.timeoutMs * 1e6)}.`,
      'Ask for less (a shorter --range, filters), or wait longer: --timeout.',
    );
  }

  private unreachable({ message, code = '' }: NodeJS.ErrnoException): Failure {
    const isCertificate = /CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)|ALTNAME/.test(code);
    return this.failure(
      `${sanitize(message || code)}.`,
      isCertificate
        ? 'Give the authority that its certificate is from: --ca-file.'
        : 'Check the URL, and that the server can be reached from here.',
    );
  }

  private failure(why: string, advice: string): Failure {
    return unanswered(this.access.base, why, advice);
  }
}

/** What is told where there is no answer. */
export function unanswered(base: URL, why: string, advice: string): Failure {
  return new Failure(EXIT.failure, `No answer from ${sanitize(base.href)}.`, why, advice);
}
