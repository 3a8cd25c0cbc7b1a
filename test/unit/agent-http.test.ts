/** The HTTP server of the agent, with clients that are slow, greedy or hostile. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { HttpServer, type Access, type Route } from '#tcpscope/agent/http-server.js';
import { Failure } from '#tcpscope/model/failure.js';

const LISTEN = { host: '127.0.0.1', port: 0 };
const OPEN: Access = { tls: undefined, basicAuth: undefined };
const LONG = 'a line of metrics 1\n'.repeat(500_000);

const page = (text: string): Route => ({
  isProtected: false,
  answer: () => ({ status: 200, contentType: 'text/plain', text }),
});

/** All that the server says until it ends the connection. */
async function talk(server: HttpServer, text: string): Promise<string> {
  const socket = open(server);
  socket.write(text);
  let said = '';
  socket.setEncoding('latin1').on('data', (part: string) => (said += part));
  await closed(socket);
  return said;
}

function open(server: HttpServer): Socket {
  const { hostname, port } = new URL(server.url);
  // What it says when the server ends the connection is no failure.
  return connect(Number(port), hostname).on('error', () => undefined);
}

/** Unlike `once`, which fails where the connection was reset. */
const closed = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once('close', resolve));

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);

describe('the HTTP server of the agent', function () {
  this.timeout(30_000);
  let server: HttpServer;
  let sent: [path: string, bytes: number][];
  let failed: string[];
  /** Ends answers of /held. */
  let release: (() => void)[];
  let held: number;
  beforeEach(async () => {
    [sent, failed, release, held] = [[], [], [], 0];
    server = await HttpServer.listen({
      listen: LISTEN,
      access: OPEN,
      routes: {
        '/short': page('short'),
        '/long': page(LONG),
        '/secret': { ...page('secret'), isProtected: true },
        '/broken': {
          isProtected: false,
          answer: () => Promise.reject(new Error('out of order')),
        },
        '/held': {
          isProtected: false,
          answer: async () => {
            held++;
            await new Promise<void>((resolve) => release.push(resolve));
            return { status: 200, contentType: 'text/plain', text: 'held' };
          },
        },
      },
      onSent: (path, bytes) => sent.push([path, bytes]),
      onFailed: (path, error) => failed.push(`${path} ${String(error)}`),
    });
  });
  afterEach(() => server.close());

  const get = (path: string, more = ''): string =>
    `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}Connection: close\r\n\r\n`;

  it('answers, and counts what it has sent', async () => {
    const answer = await talk(server, get('/short?query=1'));
    assert.equal(statusOf(answer), 200);
    assert.ok(answer.endsWith('\r\n\r\nshort'));
    assert.deepEqual(sent, [['/short', 5]]);
  });

  it('has the head alone for HEAD', async () => {
    const answer = await talk(server, get('/short').replace('GET', 'HEAD'));
    assert.match(answer, /^HTTP\/1\.1 200 .*\r\nContent-Length: 5\r\n/s);
    assert.ok(answer.endsWith('\r\n\r\n'));
  });

  it('compresses for those who take gzip, and nobody else', async () => {
    const socket = open(server);
    socket.write(get('/long', 'Accept-Encoding: deflate, gzip;q=0.5\r\n'));
    const parts: Buffer[] = [];
    socket.on('data', (part: Buffer) => parts.push(part));
    await closed(socket);
    const answer = Buffer.concat(parts);
    const at = answer.indexOf('\r\n\r\n');
    assert.match(answer.toString('latin1', 0, at), /\r\nContent-Encoding: gzip/);
    assert.equal(gunzipSync(answer.subarray(at + 4)).toString(), LONG);
    assert.ok(answer.length < LONG.length / 10);
    for (const accepted of ['', 'Accept-Encoding: gzip;q=0\r\n', 'Accept-Encoding: xgzip\r\n'])
      assert.doesNotMatch(await talk(server, get('/long', accepted)), /Content-Encoding/);
  });

  it('refuses what is neither GET nor HEAD, has a body, or asks for another page, and ends the connection', async () => {
    const cases: [text: string, status: number][] = [
      [get('/short').replace('GET', 'DELETE'), 405],
      [get('/short').replace('GET', 'OPTIONS'), 405],
      ['POST /short HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello', 413],
      ['GET /short HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n', 413],
      ['POST /short HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', 413],
      ['GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n', 404],
      ['GET /__proto__ HTTP/1.1\r\nHost: a\r\n\r\n', 404],
      ['GET /toString HTTP/1.1\r\nHost: a\r\n\r\n', 404],
      ['GET //short HTTP/1.1\r\nHost: a\r\n\r\n', 404],
      [get('/short', `X: ${'y'.repeat(10_000)}\r\n`), 431],
      ['no HTTP at all\r\n\r\n', 400],
    ];
    for (const [text, status] of cases)
      assert.equal(statusOf(await talk(server, text)), status, text.slice(0, 60));
    assert.deepEqual(sent, []);
  });

  it('tells of a page that fails, but not the client why', async () => {
    const answer = await talk(server, get('/broken'));
    assert.equal(statusOf(answer), 500);
    assert.doesNotMatch(answer, /out of order/);
    assert.deepEqual(failed, ['/broken Error: out of order']);
  });

  it('makes four answers of a page at once, and no more', async () => {
    const waiting = Array.from({ length: 4 }, () => talk(server, get('/held')));
    while (held < 4) await new Promise((resolve) => setImmediate(resolve));
    const answer = await talk(server, get('/held'));
    assert.equal(statusOf(answer), 503);
    assert.match(answer, /\r\nRetry-After: 1\r\n/);
    // Who asks for something else has no part in that.
    assert.equal(statusOf(await talk(server, get('/short'))), 200);
    for (const resolve of release) resolve();
    for (const each of await Promise.all(waiting)) assert.equal(statusOf(each), 200);
  });

  it('gives the place of a client that has gone to the next', async () => {
    const gone = Array.from({ length: 4 }, () => open(server));
    for (const socket of gone) socket.write(get('/held'));
    while (held < 4) await new Promise((resolve) => setImmediate(resolve));
    for (const socket of gone) socket.destroy();
    const taken = async (): Promise<string> => {
      while (held < 5) await new Promise((resolve) => setImmediate(resolve));
      return 'taken';
    };
    let next: Promise<string>;
    // Until the server has noticed.
    do next = talk(server, get('/held'));
    while ((await Promise.race([next, taken()])) !== 'taken');
    for (const resolve of release) resolve();
    assert.equal(statusOf(await next), 200);
  });

  it('lets go of who sends a head too slowly', async () => {
    const socket = open(server);
    let said = '';
    socket.setEncoding('latin1').on('data', (part: string) => (said += part));
    const began = performance.now();
    const drip = setInterval(() => socket.write('X: y\r\n'), 500);
    socket.write('GET /short HTTP/1.1\r\nHost: a\r\n');
    await closed(socket);
    clearInterval(drip);
    assert.equal(statusOf(said), 408);
    assert.ok(performance.now() - began < 15_000);
  });

  it('takes 64 connections, and more when some have gone', async () => {
    const idle = Array.from({ length: 64 }, () => open(server));
    await Promise.all(idle.map((socket) => once(socket, 'connect')));
    assert.equal(await talk(server, get('/short')), '');
    for (const socket of idle) socket.destroy();
    let answer = '';
    while (answer === '') answer = await talk(server, get('/short'));
    assert.equal(statusOf(answer), 200);
  });

  it('asks for the password where there is one, and takes another from then on', async () => {
    const login = (text: string): string =>
      `Authorization: Basic ${Buffer.from(text).toString('base64')}\r\n`;
    const status = async (more = ''): Promise<number> => statusOf(await talk(server, get('/secret', more)));
    assert.equal(await status(), 200);
    server.replaceAccess({ tls: undefined, basicAuth: { user: 'ä', password: 'p:w' } });
    assert.match(await talk(server, get('/secret')), /^HTTP\/1\.1 401 .*\r\nWWW-Authenticate: Basic realm=/s);
    for (const wrong of [
      '',
      login('ä:p'),
      login('ä:p:w:x'),
      login('a:p:w'),
      'Authorization: Basic ???\r\n',
      'Authorization: Bearer x\r\n',
    ])
      assert.equal(await status(wrong), 401, wrong);
    assert.equal(await status(login('ä:p:w')), 200);
    assert.equal(statusOf(await talk(server, get('/short'))), 200);
    server.replaceAccess(OPEN);
    assert.equal(await status(), 200);
  });

  it('says in three lines why it cannot listen', async () => {
    const taken = { host: '127.0.0.1', port: Number(new URL(server.url).port) };
    await assert.rejects(HttpServer.listen({ listen: taken, access: OPEN, routes: {} }), (error) => {
      assert.ok(error instanceof Failure);
      assert.equal(error.exitCode, 1);
      assert.match(error.why, /EADDRINUSE/);
      assert.notEqual(error.advice, '');
      return true;
    });
  });
});
