import { fstatSync, write } from 'node:fs';
import { TextBytes } from './text-bytes.js';

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

/** Characters that are written at once, which bounds the memory for their bytes; of a longer text all. */
const AT_ONCE = 1 << 20;

/**
 * Texts to a stream, one write at a time, and never waited for: what comes meanwhile is written together with the next one. Node waits
 * for files and terminals, but not for pipes and sockets.
 */
export class Outlet {
  /** Called when everything has been taken, and when writing failed. */
  onIdle: () => void = () => undefined;
  private inFlight: readonly string[] = [];
  private waiting: string[] = [];
  private inFlightLength = 0;
  private waitingLength = 0;
  private readonly bytes = new TextBytes();
  private readonly isFile: boolean;

  constructor(
    private readonly stream: Stream,
    private readonly onError: (error: Error) => void,
  ) {
    this.isFile = stream.fd !== undefined && isFile(stream.fd);
  }

  /** Characters that have not been taken. */
  get backlog(): number {
    return this.inFlightLength + this.waitingLength;
  }

  /** The same, but falls while a write is under way too. */
  get untaken(): number {
    return this.waitingLength + (this.stream._handle?.writeQueueSize ?? this.inFlightLength);
  }

  /** Lines that have not been taken to their end. */
  get untakenLines(): number {
    const bytes = Buffer.from(this.inFlight.join(''));
    const left = this.stream._handle?.writeQueueSize ?? bytes.length;
    return linesIn(bytes.subarray(bytes.length - left)) + linesIn(Buffer.from(this.waiting.join('')));
  }

  write(text: string): void {
    const wasIdle = this.backlog === 0;
    this.waiting.push(text);
    this.waitingLength += text.length;
    if (!wasIdle) return;
    // All texts of a look at the source are one write.
    if (this.isFile)
      queueMicrotask(() => {
        this.next();
      });
    else this.next();
  }

  private next(): void {
    this.take();
    this.deliver((error) => {
      if (error) {
        this.onError(error);
        this.waiting = [];
        this.waitingLength = 0;
      }
      this.inFlight = [];
      this.inFlightLength = 0;
      if (this.waiting.length === 0) this.onIdle();
      else this.next();
    });
  }

  /** Makes texts that wait those that are under way. */
  private take(): void {
    let count = 0;
    let length = 0;
    while (count < this.waiting.length && (count === 0 || length + this.waiting[count]!.length <= AT_ONCE))
      length += this.waiting[count++]!.length;
    this.inFlight = this.waiting.splice(0, count);
    this.inFlightLength = length;
    this.waitingLength -= length;
  }

  private deliver(done: Done): void {
    const bytes = this.bytes.of(this.inFlight);
    if (this.isFile) writeAll(this.stream.fd!, bytes, done);
    // A stream may keep what it has taken.
    else this.stream.write(Buffer.from(bytes), done);
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
