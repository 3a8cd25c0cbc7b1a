/** A small HTTP server of a few paths, for whoever may reach it: everything about a request is bounded. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { addressText, type ListenAddress } from '../model/agent-config.js';
import { EXIT, Failure } from '../model/failure.js';
import { sanitize } from '../model/units.js';

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

export interface Route {
  /** Only for whoever knows the password, if there is one. */
  readonly isProtected: boolean;
  answer(): Answer | Promise<Answer>;
}

/** What may change while it listens. */
export interface Access {
  /** PEM; undefined: plain HTTP. */
  readonly tls: { readonly certificate: Buffer; readonly key: Buffer } | undefined;
  readonly basicAuth: { readonly user: string; readonly password: string } | undefined;
}

export interface ServerOptions {
  readonly listen: ListenAddress;
  readonly access: Access;
  /** By path. */
  readonly routes: Readonly<Record<string, Route>>;
  /** Told of an answer that has left. */
  readonly onSent?: (path: string, bytes: number) => void;
  /** Told of a route that failed. */
  readonly onFailed?: (path: string, error: unknown) => void;
}

/** In ms: to send the head of a request; to send all of it; between two requests; to take an answer. */
const PATIENCE = { head: 5_000, request: 10_000, idle: 90_000, answer: 30_000 };
const MOST_CONNECTIONS = 64;
/** Answers of one path that are made or not taken yet: each may have some MB. */
const MOST_ANSWERS = 4;
const MOST_HEAD_BYTES = 8_192;
/** Smaller texts are not worth it. */
const LEAST_GZIP_CHARACTERS = 1_024;
/** An old certificate and key go on until there are new ones. */
const TLS = { minVersion: 'TLSv1.2' } as const;

const zip = promisify(gzip);

export class HttpServer {
  /** How many answers of each path are made or not taken yet. */
  private readonly answers = new Map<string, number>();
  private expected: Buffer | undefined;

  private constructor(
    private readonly server: Server,
    private readonly options: ServerOptions,
  ) {
    this.expected = digestOf(options.access);
  }

  /** @throws {Failure} if it cannot listen there. */
  static async listen(options: ServerOptions): Promise<HttpServer> {
    const { listen, access } = options;
    const limits = {
      headersTimeout: PATIENCE.head,
      requestTimeout: PATIENCE.request,
      keepAliveTimeout: PATIENCE.idle,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: MOST_HEAD_BYTES,
    };
    const server = access.tls
      ? createTlsServer({ ...limits, ...TLS, cert: access.tls.certificate, key: access.tls.key })
      : createServer(limits);
    server.maxConnections = MOST_CONNECTIONS;
    const http = new HttpServer(server, options);
    server.on('request', (request, response) => {
      void http.serve(request, response);
    });
    server.listen({ host: listen.host, port: listen.port });
    try {
      await once(server, 'listening');
    } catch (error) {
      throw cannotListen(listen, error as NodeJS.ErrnoException);
    }
    // A connection that cannot be accepted, for want of descriptors, is not the end of the others.
    server.on('error', () => undefined);
    return http;
  }

  /** Where it listens; the port is the real one where 0 was asked for. */
  get url(): string {
    const { port } = this.server.address() as AddressInfo;
    const protocol = this.server instanceof TlsServer ? 'https' : 'http';
    return `${protocol}://${addressText({ host: this.options.listen.host, port })}`;
  }

  /**
   * Certificate and password from now on; whether there is a certificate cannot change.
   * @throws {Error} if certificate and key are none or do not fit; then nothing changes.
   */
  replaceAccess(access: Access): void {
    if (access.tls && this.server instanceof TlsServer)
      this.server.setSecureContext({ ...TLS, cert: access.tls.certificate, key: access.tls.key });
    this.expected = digestOf(access);
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('X-Content-Type-Options', 'nosniff');
    if (hasBody(request)) refuse(response, 413, 'A request has no body here.');
    else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      refuse(response, 405, 'Only GET and HEAD.');
    } else await this.answer(request, response);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.split('?', 1)[0] ?? '';
    const route = Object.hasOwn(this.options.routes, path) ? this.options.routes[path] : undefined;
    if (!route) {
      refuse(response, 404, 'There is no such page.');
      return;
    }
    if (route.isProtected && !this.isAllowed(request.headers.authorization)) {
      response.setHeader('WWW-Authenticate', 'Basic realm="tcpscope", charset="UTF-8"');
      refuse(response, 401, 'User and password are wanted.');
      return;
    }
    const others = this.answers.get(path) ?? 0;
    if (others >= MOST_ANSWERS) {
      response.setHeader('Retry-After', '1');
      refuse(response, 503, 'Too many ask at once.');
      return;
    }
    this.answers.set(path, others + 1);
    const deadline = setTimeout(() => response.destroy(), PATIENCE.answer);
    response.once('close', () => {
      clearTimeout(deadline);
      this.answers.set(path, this.answers.get(path)! - 1);
    });
    await this.send(path, route, request, response);
  }

  private async send(
    path: string,
    route: Route,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    try {
      const { status, contentType, text } = await route.answer();
      const isZipped = text.length >= LEAST_GZIP_CHARACTERS && acceptsGzip(request);
      const body = isZipped ? await zip(text, { level: 1 }) : Buffer.from(text);
      response.writeHead(status, {
        'Content-Type': contentType,
        'Content-Length': body.length,
        'Cache-Control': 'no-store',
        Vary: 'Accept-Encoding',
        ...(isZipped && { 'Content-Encoding': 'gzip' }),
      });
      response.once('finish', () => this.options.onSent?.(path, body.length));
      response.end(body);
    } catch (error) {
      this.options.onFailed?.(path, error);
      if (response.headersSent) response.destroy();
      else refuse(response, 500, 'It failed.');
    }
  }

  private isAllowed(authorization: string | undefined): boolean {
    if (!this.expected) return true;
    const [, encoded = ''] = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(authorization ?? '') ?? [];
    // Digests have one length, whatever was sent.
    return timingSafeEqual(sha256(Buffer.from(encoded, 'base64')), this.expected);
  }
}

/** @throws {Error} of OpenSSL if they are none, or do not fit each other. */
export function requireKeyPair({ certificate, key }: { certificate: Buffer; key: Buffer }): void {
  createSecureContext({ ...TLS, cert: certificate, key });
}

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

const digestOf = ({ basicAuth }: Access): Buffer | undefined =>
  basicAuth && sha256(Buffer.from(`${basicAuth.user}:${basicAuth.password}`));

function hasBody({ headers }: IncomingMessage): boolean {
  return (
    headers['transfer-encoding'] !== undefined ||
    (headers['content-length'] !== undefined && headers['content-length'] !== '0')
  );
}

/** Ends the connection too: what follows on it may be a body. */
function refuse(response: ServerResponse, status: number, why: string): void {
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' };
  response.writeHead(status, headers).end(`${why}\n`);
}

/** `gzip`, not with `q=0`. */
function acceptsGzip({ headers }: IncomingMessage): boolean {
  const accepted = headers['accept-encoding']?.toString() ?? '';
  return accepted.split(',').some((each) => /^ *gzip *(?:; *q=(?!0(?:\.0*)?$)[\d.]+)? *$/i.test(each));
}

function cannotListen(listen: ListenAddress, { code, message }: NodeJS.ErrnoException): Failure {
  const what = `The agent cannot listen on ${sanitize(addressText(listen))}.`;
  const [why, advice] = REASONS[code ?? ''] ?? [
    sanitize(message),
    'Choose another address in the section agent.',
  ];
  return new Failure(EXIT.failure, what, why, advice);
}

const REASONS: Readonly<Record<string, readonly [why: string, advice: string]>> = {
  EADDRINUSE: [
    'Another program listens there already (EADDRINUSE); it may be another agent.',
    'End that program, which ss -ltnp shows, or choose another port: agent: {prometheus: {listen: 127.0.0.1:9470}}',
  ],
  EADDRNOTAVAIL: [
    'This host has no such address (EADDRNOTAVAIL).',
    'Choose one that ip address shows, or 0.0.0.0 for all.',
  ],
  EACCES: [
    'Ports below 1024 are for root, or for CAP_NET_BIND_SERVICE (EACCES).',
    'Choose a port from 1024 on.',
  ],
  ENOTFOUND: ['No address is known for that name (ENOTFOUND).', 'Write an address in its place.'],
};
