/** docker's own answer, for containers whose files cannot be read: over its local socket, without ever waiting for it. */
import { existsSync } from 'node:fs';
import http from 'node:http';
import { attempt, inRoot } from './files.js';

const SOCKETS = ['/run/docker.sock', '/var/run/docker.sock'];
const LIMIT_MS = 500;
const MOST_BYTES = 1 << 20;
/** Docker's own work must not suffer. */
const MOST_AT_ONCE = 4;

export class DockerSocket {
  private readonly asking = new Map<string, http.ClientRequest>();
  private closed = false;

  constructor(
    private readonly hostRoot: string,
    private readonly limitMs = LIMIT_MS,
  ) {}

  /**
   * Asks for the description of a container, unless that is being asked already or too much is.
   * @param answered gets it in a later turn of the event loop; never called if there is none within 500 ms, or after `close`
   */
  ask(id: string, answered: (description: unknown) => void): void {
    if (this.closed || this.asking.has(id) || this.asking.size >= MOST_AT_ONCE) return;
    this.askAt(0, id, answered);
  }

  /** True if there is one to ask. */
  get isThere(): boolean {
    return SOCKETS.some((place) => {
      const at = inRoot(this.hostRoot, place);
      return at !== undefined && existsSync(at);
    });
  }

  /** Gives up what is being asked. */
  close(): void {
    this.closed = true;
    for (const request of this.asking.values()) request.destroy();
    this.asking.clear();
  }

  private askAt(attemptNumber: number, id: string, answered: (description: unknown) => void): void {
    const place = SOCKETS[attemptNumber];
    if (this.closed || place === undefined) return;
    const socketPath = inRoot(this.hostRoot, place);
    if (socketPath === undefined) {
      this.askAt(attemptNumber + 1, id, answered);
      return;
    }
    // A version in the path would have to be one that this docker still speaks.
    const request = http.request({
      socketPath,
      path: `/containers/${encodeURIComponent(id)}/json`,
      agent: false,
      signal: AbortSignal.timeout(this.limitMs),
      headers: { host: 'docker' },
    });
    this.asking.set(id, request);
    request.on('socket', (socket) => socket.unref());
    request.on('response', (response) => {
      collect(response, (text) => {
        const description = attempt(() => JSON.parse(text) as unknown);
        if (!this.closed && response.statusCode === 200 && description !== undefined) answered(description);
      });
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      const isAbsent = error.code === 'ENOENT' || error.code === 'ECONNREFUSED';
      if (isAbsent)
        queueMicrotask(() => {
          this.askAt(attemptNumber + 1, id, answered);
        });
    });
    request.on('close', () => {
      if (this.asking.get(id) === request) this.asking.delete(id);
    });
    request.end();
  }
}

/** The whole text of a response that is not too long. */
function collect(response: http.IncomingMessage, done: (text: string) => void): void {
  const chunks: Buffer[] = [];
  let length = 0;
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MOST_BYTES) response.destroy();
  });
  response.on('error', () => undefined);
  response.on('end', () => {
    done(Buffer.concat(chunks).toString('utf8'));
  });
}
