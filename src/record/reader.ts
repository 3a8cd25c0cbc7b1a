/** Reads a recording as a stream, also one that is still being written or was cut off. */
import { constants, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, Failure } from '../model/failure.js';
import { formatCount, sanitize } from '../model/units.js';
import { blockText, HEADER_BYTES, readBlockStart } from './block.js';
import { readHead, VERSION, type HeadAnswer, type Progress, type RecordingHead } from './head.js';
import type { RecordedItem } from './items.js';
import { LineReader, type Line } from './parse.js';
import { reason } from './writer.js';

/** A head that is just being written again is whole a moment later. */
const HEAD_ATTEMPTS = 5;
const HEAD_RETRY_MS = 20;
/** Opening a FIFO would wait for a writer; Windows has neither. */
const NO_WAITING = (constants as Partial<typeof constants>).O_NONBLOCK ?? 0;

/** Called when the file has nothing new; resolves when to look again: true to go on, false to end. */
export type Wait = () => Promise<boolean>;

export interface ReadOptions {
  /** Go on as the file grows, until its end is written. */
  readonly follow?: Wait;
  /** Names of remote addresses that are known beforehand: those of `survey`, which has seen the whole file. */
  readonly names?: ReadonlyMap<string, string>;
  /** Gets the names that the file defines. */
  readonly defined?: Map<string, string>;
}

type Block =
  | { readonly kind: 'text'; readonly text: string; readonly bytes: number }
  | { readonly kind: 'end' }
  /** Less is there than the block says, or than a block begins with. */
  | { readonly kind: 'partial'; readonly there: number }
  | { readonly kind: 'gzip' | 'foreign' | 'damaged' };

/** Opens a recording. @throws {Failure} if it is none that this version can read. */
export async function openRecording(path: string): Promise<RecordingFile> {
  const file = await openRegular(path);
  try {
    return await RecordingFile.open(path, file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openRegular(path: string): Promise<FileHandle> {
  let file: FileHandle | undefined;
  let stats: Stats;
  try {
    file = await open(path, constants.O_RDONLY | NO_WAITING);
    stats = await file.stat();
  } catch (error) {
    await file?.close();
    throw readFailure(path, readReason(error), 'Give the path of a file that tcpscope --record has written.');
  }
  if (stats.isFile()) return file;
  await file.close();
  throw notRecording(path, stats.isDirectory() ? 'It is a folder' : 'It is not a regular file');
}

export class RecordingFile {
  /** True if it has been read to the end that its writer gave it. */
  complete = false;
  /** Why it was not, once it has been read; undefined if it was. */
  damage: string | undefined;
  /** Lines left out, because they are not what they must be. */
  badLines = 0;
  /** Lines left out, because a later version of tcpscope wrote them for purposes that this one does not know. */
  unknownLines = 0;
  /** What the end says, or else the head: losses, audit, end. */
  progress: Progress;

  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
    readonly head: RecordingHead,
    private readonly headBytes: number,
  ) {
    this.progress = head;
  }

  /** @throws {Failure} if the file does not begin as a recording does. */
  static async open(path: string, file: FileHandle): Promise<RecordingFile> {
    for (let attempt = 1; ; attempt++) {
      const block = await readBlock(file, 0);
      if (block.kind === 'text')
        return new RecordingFile(path, file, headOf(path, readHead(block.text)), block.bytes);
      if (block.kind !== 'damaged' || attempt === HEAD_ATTEMPTS) throw notRecording(path, noHead(block));
      await sleep(HEAD_RETRY_MS);
    }
  }

  /** The path as it may be printed. */
  get label(): string {
    return sanitize(this.path);
  }

  /** What the user should know of the file, once it has been read, a sentence each. */
  get remarks(): string[] {
    const { label, damage, badLines, unknownLines } = this;
    const { dropped } = this.progress;
    const remarks: string[] = [];
    if (damage !== undefined) remarks.push(`${label} is ${damage}`);
    if (dropped > 0)
      remarks.push(`${formatCount(dropped)} events are not in ${label}, because the disk was too slow`);
    if (badLines > 0)
      remarks.push(`${formatCount(badLines)} lines of ${label} make no sense and are left out`);
    if (unknownLines > 0)
      remarks.push(`${formatCount(unknownLines)} lines of ${label} are of a later tcpscope and are left out`);
    return remarks;
  }

  /** Items in the order in which they came, a batch for each block; never more than one block in memory. */
  async *items(options: ReadOptions = {}): AsyncGenerator<RecordedItem[], void> {
    for await (const lines of this.lines(options)) {
      const items = lines.flatMap((line) => (line.kind === 'item' ? [line.item] : []));
      if (items.length > 0) yield items;
    }
  }

  /** What each block says. */
  async *lines({ follow, names, defined }: ReadOptions = {}): AsyncGenerator<Line[], void> {
    const reader = new LineReader(defined ?? new Map(names));
    this.forget();
    let position = this.headBytes;
    let isLastLook = false;
    let block: Block;
    for (;;) {
      block = await readBlock(this.file, position);
      if (block.kind === 'text') {
        position += block.bytes;
        yield this.read(block.text, reader);
        if (this.complete) return;
        continue;
      }
      const mayGrow = block.kind === 'end' || block.kind === 'partial';
      if (!mayGrow || !follow || isLastLook) break;
      // Its end may have come since the last look.
      isLastLook = (await this.wasGivenUp()) || !(await follow());
    }
    this.damage = await this.damageOf(block, position);
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  private forget(): void {
    this.complete = false;
    this.damage = undefined;
    this.badLines = 0;
    this.unknownLines = 0;
  }

  private read(text: string, reader: LineReader): Line[] {
    const lines: Line[] = [];
    for (let start = 0; start < text.length;) {
      const newline = text.indexOf('\n', start);
      const end = newline < 0 ? text.length : newline;
      const line = reader.read(text.slice(start, end));
      start = end + 1;
      if (line.kind === 'bad') this.badLines++;
      else if (line.kind === 'unknown') this.unknownLines++;
      else if (line.kind === 'end') this.finish(line.end);
      lines.push(line);
    }
    return lines;
  }

  private finish(end: Progress): void {
    this.complete = true;
    this.progress = end;
  }

  /** Whether its writer will not go on: it has ended it, or could not write any more. */
  private async wasGivenUp(): Promise<boolean> {
    await this.refresh();
    return this.progress.stopped !== null || this.progress.endedNs !== null;
  }

  /** The head, whose counts grow with the file. */
  private async refresh(): Promise<void> {
    const block = await readBlock(this.file, 0);
    const answer = block.kind === 'text' ? readHead(block.text) : undefined;
    if (answer?.kind === 'head') this.progress = answer.head;
  }

  private async damageOf(block: Exclude<Block, { kind: 'text' }>, position: number): Promise<string> {
    await this.refresh();
    const { size } = await this.file.stat();
    const rest = `${formatCount(Math.max(0, size - position))} bytes`;
    if (block.kind !== 'end' && block.kind !== 'partial')
      return `damaged at byte ${formatCount(position)}: the last ${rest} cannot be read`;
    if (this.progress.stopped !== null) return `given up before its end: ${this.progress.stopped}`;
    const loose = block.kind === 'partial' ? `; the last ${rest} are not a whole block` : '';
    return `without an end: cut off, or still being written${loose}`;
  }
}

/** The block at a place, in bounded memory whatever is there. */
async function readBlock(file: FileHandle, position: number): Promise<Block> {
  const start = await readBytes(file, position, HEADER_BYTES);
  if (start.length === 0) return { kind: 'end' };
  const what = readBlockStart(start);
  if (what.kind === 'short') return { kind: 'partial', there: start.length };
  if (what.kind !== 'ours') return what;
  const { size } = await file.stat();
  if (size < position + what.bytes) return { kind: 'partial', there: size - position };
  const block = await readBytes(file, position, what.bytes);
  if (block.length < what.bytes) return { kind: 'partial', there: block.length };
  const text = await blockText(block);
  return text === undefined ? { kind: 'damaged' } : { kind: 'text', text, bytes: block.length };
}

/** Fewer bytes at the end of the file. */
async function readBytes(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await file.read(bytes, read, length - read, position + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return bytes.subarray(0, read);
}

function noHead(block: Exclude<Block, { kind: 'text' }>): string {
  switch (block.kind) {
    case 'end':
      return 'It is empty';
    case 'partial':
      return `Only its first ${formatCount(block.there)} bytes are there`;
    case 'gzip':
      return 'It is a gzip file of something else';
    case 'damaged':
      return 'Its head is damaged';
    case 'foreign':
      return 'It does not begin as a recording does';
  }
}

function headOf(path: string, answer: HeadAnswer): RecordingHead {
  if (answer.kind === 'head') return answer.head;
  if (answer.kind === 'foreign') throw notRecording(path, 'Its first block is not the head of a recording');
  throw new Failure(
    EXIT.failure,
    `Cannot read ${sanitize(path)}: its format is of version ${answer.version}.`,
    `This tcpscope reads recordings of version ${VERSION}.`,
    `Use tcpscope ${answer.tcpscope} or later, which wrote it.`,
  );
}

function notRecording(path: string, why: string): Failure {
  return new Failure(
    EXIT.failure,
    `${sanitize(path)} is not a tcpscope recording.`,
    `${why}.`,
    'Give a file that tcpscope --record has written.',
  );
}

/** A file that is missing is no missing folder here. */
function readReason(error: unknown): string {
  return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'There is no such file' : reason(error);
}

function readFailure(path: string, why: string, advice: string): Failure {
  return new Failure(EXIT.failure, `Cannot read ${sanitize(path)}.`, `${why}.`, advice);
}
