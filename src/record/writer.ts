/** Writes a recording beside a live view: cheap for each item, of bounded memory, and never in the view's way. */
import type { FileHandle } from 'node:fs/promises';
import { EXIT, Failure } from '../model/failure.js';
import type { Losses } from '../model/source.js';
import { sanitize } from '../model/units.js';
import { compressedBlock } from './block.js';
import { SYSTEM_CLOCK, type ClockReading } from './clock.js';
import {
  clockLine,
  HEAD_BYTES,
  headBlock,
  NO_PROGRESS,
  redactFacts,
  type HeadFacts,
  type Progress,
} from './head.js';
import type { Meeting, RecordedItem } from './items.js';
import { ItemLines } from './lines.js';
import { createNewFile, UntrustedLinkError } from './new-file.js';
import type { Redactor } from './redact.js';

/** A block is made of this much text, or of what came in this time. */
const BLOCK_BYTES = 256 * 1024;
/** Room for the line that makes a block full, however it is encoded. */
const BUFFER_BYTES = 2 * BLOCK_BYTES;
const MOST_UTF8_BYTES = 3;
const FLUSH_NS = 1e9;
/** Text that waits for the disk; what comes on top is dropped and counted. */
const MAX_WAITING = 16 * 1024 * 1024;

export interface WriterOptions {
  readonly redactor?: Redactor;
  /** Called once, when the recording has to be given up; the file keeps what is whole. */
  readonly onFailure?: (failure: Failure) => void;
  readonly readClock?: () => ClockReading;
}

export class RecordingWriter {
  private readonly lines: ItemLines;
  private progress: Progress = NO_PROGRESS;
  /** Text of the next block; strings would be much work for the garbage collector. */
  private text = Buffer.alloc(0);
  private textBytes = 0;
  private lastFlushNs: number;
  /** Bytes of text handed over to be written, and not yet written. */
  private waiting = 0;
  private work: Promise<void> = Promise.resolve();
  /** End of what is whole. */
  private size = HEAD_BYTES;
  private items = 0;
  /** Of these, the ones in whole blocks of the file. */
  private written = 0;
  private dropped = 0;
  private failed = false;
  private closed = false;

  private constructor(
    private readonly path: string,
    private readonly file: FileHandle,
    private readonly facts: HeadFacts,
    private readonly clock: ClockReading,
    private readonly options: WriterOptions,
    private readonly readClock: () => ClockReading,
  ) {
    this.lines = new ItemLines(options.redactor);
    this.lastFlushNs = clock.monotonicNs;
  }

  /**
   * Begins a new file, which only its owner may read: the user who called sudo, if there is one.
   * @throws {Failure} if there is a file already, or none can be made.
   */
  static async create(path: string, facts: HeadFacts, options: WriterOptions = {}): Promise<RecordingWriter> {
    const readClock = options.readClock ?? SYSTEM_CLOCK.read;
    const written = options.redactor ? redactFacts(facts, options.redactor) : facts;
    return createNewFile(path, async (file) => {
      const writer = new RecordingWriter(path, file, written, readClock(), options, readClock);
      await giveToCaller(file);
      await writer.writeHead();
      return writer;
    }).catch((error: unknown) => {
      throw createFailure(path, error);
    });
  }

  /** Items so far, without those that were dropped. */
  get count(): number {
    return this.items;
  }

  /** Items for which there was no room, because the disk was too slow. */
  get droppedCount(): number {
    return this.dropped;
  }

  add(item: RecordedItem | Meeting): void {
    if (this.failed || this.closed) return;
    if (this.isFull()) {
      this.dropped++;
      return;
    }
    this.items++;
    this.put(this.lines.item(item));
  }

  /** The name of an address, which may be found after the items that have it. */
  name(address: string, name: string): void {
    if (!this.failed && !this.closed && !this.isFull()) this.put(this.lines.name(address, name));
  }

  private isFull(): boolean {
    return this.waiting + this.textBytes >= MAX_WAITING;
  }

  private put(lines: string): void {
    if (this.textBytes === 0) {
      this.text = Buffer.allocUnsafeSlow(Math.max(BUFFER_BYTES, 2 * MOST_UTF8_BYTES * lines.length));
      this.textBytes = this.text.write(`${JSON.stringify({ clock: clockLine(this.readClock()) })}\n`);
    }
    if (this.textBytes + MOST_UTF8_BYTES * lines.length > this.text.length) {
      this.flush();
      this.put(lines);
      return;
    }
    this.textBytes += this.text.write(lines, this.textBytes);
    if (this.textBytes >= BLOCK_BYTES) this.flush();
  }

  /** Hands over what came, once a second. */
  tick(nowNs: number): void {
    if (nowNs - this.lastFlushNs < FLUSH_NS) return;
    this.lastFlushNs = nowNs;
    this.flush();
  }

  /** Brings the head up to date, so that a recording that is cut off says what it lost until then. */
  checkpoint({ losses, nowNs }: { losses: Losses; nowNs: number }): void {
    this.lastFlushNs = nowNs;
    this.flush();
    if (this.closed || this.waiting >= MAX_WAITING) return;
    this.enqueue(async () => {
      this.progress = { ...this.progress, losses, items: this.written, dropped: this.dropped };
      await this.writeHead();
    });
  }

  /** Ends the recording; resolves when all of it is in the file. A failure goes to `onFailure`. */
  async close({
    losses,
    audit,
    endedNs,
  }: {
    losses: Losses;
    audit?: string | undefined;
    endedNs: number;
  }): Promise<void> {
    if (this.closed) return this.work;
    this.closed = true;
    const { items, dropped } = this;
    const end = { ...NO_PROGRESS, items, dropped, losses, audit: audit ?? null, endedNs };
    if (!this.failed) this.put(`${JSON.stringify({ end })}\n`);
    this.flush();
    // Checkpoints before it may still be on their way.
    this.enqueue(async () => {
      this.progress = end;
      await this.writeHead();
    });
    await this.work;
    if (this.failed) {
      this.progress = { ...end, stopped: this.progress.stopped };
      await this.writeStopped();
    }
    await this.file.close().catch((error: unknown) => {
      this.fail(error);
    });
  }

  private flush(): void {
    if (this.textBytes === 0 || this.failed) return;
    const text = this.text.subarray(0, this.textBytes);
    this.textBytes = 0;
    this.waiting += text.length;
    const { items } = this;
    this.enqueue(async () => {
      await this.append(await compressedBlock(text));
      this.written = items;
      this.waiting -= text.length;
    });
  }

  /** Everything that touches the file happens one after the other. */
  private enqueue(step: () => Promise<void>): void {
    this.work = this.work.then(async () => {
      if (this.failed) return;
      try {
        await step();
      } catch (error) {
        await this.giveUp(error);
      }
    });
  }

  private async append(block: Buffer): Promise<void> {
    await writeAll(this.file, block, this.size);
    this.size += block.length;
  }

  private async writeHead(): Promise<void> {
    const redacted = this.options.redactor !== undefined;
    await writeAll(this.file, headBlock(this.facts, this.clock, redacted, this.progress), 0);
  }

  /** Takes back half a block, and lets the head say what happened; neither needs room on the disk. */
  private async giveUp(error: unknown): Promise<void> {
    this.fail(error);
    this.progress = { ...this.progress, stopped: reason(error) };
    await this.file.truncate(this.size).catch(() => undefined);
    await this.writeStopped();
  }

  private async writeStopped(): Promise<void> {
    this.progress = { ...this.progress, items: this.written, dropped: this.dropped };
    await this.writeHead().catch(() => undefined);
  }

  private fail(error: unknown): void {
    if (this.failed) return;
    this.failed = true;
    this.textBytes = 0;
    this.options.onFailure?.(
      new Failure(
        EXIT.failure,
        `The recording ${sanitize(this.path)} ends here: it cannot be written to any more.`,
        `${reason(error)}.`,
        'What was recorded until now can be replayed; make room, and record into another file.',
      ),
    );
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

/** A file made under sudo belongs to who called sudo. */
async function giveToCaller(file: FileHandle): Promise<void> {
  const [uid, gid] = [Number(process.env['SUDO_UID']), Number(process.env['SUDO_GID'])];
  const isSudo =
    process.getuid?.() === 0 && Number.isInteger(uid) && Number.isInteger(gid) && uid > 0 && gid >= 0;
  if (isSudo) await file.chown(uid, gid);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'There is no room left on the disk',
  EDQUOT: 'The quota of the user is used up',
  EFBIG: 'The file would be larger than is allowed',
  EIO: 'The disk reports an error',
  EACCES: 'Permission is denied',
  EPERM: 'It is not permitted',
  EROFS: 'The file system is read-only',
  ENOENT: 'The folder does not exist',
  ENOTDIR: 'A part of the path is no folder',
  ENAMETOOLONG: 'The name is too long',
  EISDIR: 'It is a folder',
};

/** A line that says why, from what the system says. */
export function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const known = code === undefined ? undefined : REASONS[code];
  return known ?? sanitize(error instanceof Error ? error.message : String(error));
}

function createFailure(path: string, error: unknown): Failure {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EEXIST' || code === 'ELOOP')
    return new Failure(
      EXIT.failure,
      `Cannot record into ${sanitize(path)}.`,
      'There is a file of this name already, and a recording never replaces one.',
      'Give another name, or remove the file first.',
    );
  if (error instanceof UntrustedLinkError)
    return new Failure(
      EXIT.failure,
      `Cannot record into ${sanitize(path)}.`,
      `${sanitize(error.message)}.`,
      'Give the path of the folder itself, without links of others.',
    );
  return new Failure(
    EXIT.failure,
    `Cannot record into ${sanitize(path)}.`,
    `${reason(error)}.`,
    'Give a path in a folder that exists, has room and may be written to.',
  );
}
