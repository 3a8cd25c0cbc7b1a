import { fstatSync, write } from 'node:fs';

/** Node's own handle of a terminal, a pipe or a socket. */
interface Handle {
  fd?: number;
  /** Bytes that the kernel has not taken. */
  writeQueueSize?: number;
  setBlocking?: (on: boolean) => void;
  close?: () => void;
}

/** A stream as Node makes those of the process. */
type Stream = NodeJS.WritableStream & { fd?: number; _handle?: Handle };

type Done = (error?: Error | null) => void;

/**
 * Texts to a stream, one write at a time, and never waited for: what comes meanwhile is written together with the next one. Node waits
 * for files and terminals, but not for pipes and sockets.
 */
export class Outlet {
  /** Called when everything has been taken, and when writing failed. */
  onIdle: () => void = () => undefined;
  private inFlight = '';
  private waiting = '';
  private readonly deliver: (text: string, done: Done) => void;

  constructor(
    private readonly stream: Stream,
    private readonly onError: (error: Error) => void,
  ) {
    const { fd } = stream;
    this.deliver =
      fd !== undefined && isFile(fd)
        ? (text, done) => {
            writeAll(fd, Buffer.from(text), done);
          }
        : (text, done) => {
            stream.write(text, done);
          };
  }

  /** Characters that have not been taken. */
  get backlog(): number {
    return this.inFlight.length + this.waiting.length;
  }

  /** The same, but falls while a write is under way too. */
  get untaken(): number {
    return this.waiting.length + (this.stream._handle?.writeQueueSize ?? this.inFlight.length);
  }

  /** Lines that have not been taken to their end. */
  get untakenLines(): number {
    const bytes = Buffer.from(this.inFlight);
    const left = this.stream._handle?.writeQueueSize ?? bytes.length;
    return linesIn(bytes.subarray(bytes.length - left)) + linesIn(Buffer.from(this.waiting));
  }

  write(text: string): void {
    if (this.inFlight !== '') {
      this.waiting += text;
      return;
    }
    this.inFlight = text;
    this.deliver(text, (error) => {
      if (error) this.onError(error);
      const next = error ? '' : this.waiting;
      this.inFlight = this.waiting = '';
      if (next === '') this.onIdle();
      else this.write(next);
    });
  }

  /** Makes Node wait for a terminal, as it does unless told otherwise, or not. */
  waitsForTerminal(on: boolean): void {
    const handle = this.stream._handle;
    // Node has opened the terminal anew for itself; if it could not, this would also be the mode of others who have it open.
    if (handle?.fd !== undefined && handle.fd > 2) handle.setBlocking?.(on);
  }

  /** Gives up what has not been taken: else it would keep the process alive. */
  abandon(): void {
    this.stream.on('error', () => undefined);
    this.stream._handle?.close?.();
  }
}

/** True if both are the same terminal, pipe or file. */
export function areOnePlace(one: Stream, other: Stream): boolean {
  if (one.fd === undefined || other.fd === undefined) return false;
  const [a, b] = [fstatSync(one.fd), fstatSync(other.fd)];
  return a.dev === b.dev && a.ino === b.ino;
}

function isFile(fd: number): boolean {
  return fstatSync(fd).isFile();
}

/** In another thread: a disk may be slow. */
function writeAll(fd: number, bytes: Buffer, done: Done): void {
  write(fd, bytes, (error, written) => {
    if (error || written === bytes.length) done(error);
    else writeAll(fd, bytes.subarray(written), done);
  });
}

function linesIn(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
  return lines;
}
