/** A server of the API of Prometheus that answers what a test wants, and the program asking it, through bin/run.js. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { ROOT } from './program.js';

const RUN = path.join(ROOT, 'bin/run.js');
/** Loading the addon, or anything else that is native, is an error. */
const NO_ADDON = 'process.dlopen=()=>{throw new Error("a native addon is loaded")}';

export interface Asked {
  path: string;
  headers: http.IncomingHttpHeaders;
  form: URLSearchParams;
}

export type Answering = (asked: Asked, response: http.ServerResponse) => void;

/** Series of a vector, each with its labels and its value. */
export function vector(...series: [labels: Record<string, string>, value: string][]): object {
  const result = series.map(([metric, value]) => ({ metric, value: [1_767_628_800, value] }));
  return { status: 'success', data: { resultType: 'vector', result } };
}

export function answer(response: http.ServerResponse, body: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

export class FakeServer {
  readonly asked: Asked[] = [];

  private constructor(
    readonly url: string,
    private readonly server: http.Server,
  ) {}

  static async start(answering: Answering, tls?: { key: string; cert: string }): Promise<FakeServer> {
    const server = tls ? https.createServer(tls) : http.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const fake = new FakeServer(`${tls ? 'https' : 'http'}://127.0.0.1:${port}`, server);
    server.on('request', (request, response) => {
      void text(request).then((body) => {
        const asked = { path: request.url ?? '', headers: request.headers, form: new URLSearchParams(body) };
        fake.asked.push(asked);
        answering(asked, response);
      });
    });
    return fake;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export const fleet = (...args: readonly string[]): Promise<Ended> => tcpscope('fleet', ...args);

/** Runs the program, which can load no addon. */
export async function tcpscope(...args: readonly string[]): Promise<Ended> {
  const words = ['--import', `data:text/javascript,${encodeURIComponent(NO_ADDON)}`, RUN, ...args];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return { code: child.exitCode, stdout, stderr };
}
