import { EXIT, Failure } from '../model/failure.js';
import type { Display } from '../view/view.js';
import { monotonicNs } from './clock.js';
import type { StopSignal } from './stop-signal.js';

/** Where a session writes: `process` has them. */
export interface Streams {
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WritableStream;
}

/** A replay may have more frames than an eye can see: between two on a terminal there is this much real time. */
const FRAME_GAP_NS = 50e6;

/** stdout: rows one after the other; frames over each other on a terminal, below each other on a pipe. */
export class Output {
  open = true;
  private error: Error | undefined;
  private frameLines = 0;
  private lastFrameNs = -Infinity;
  private readonly onError = (error: NodeJS.ErrnoException): void => {
    this.open = false;
    this.stop.now();
    if (error.code !== 'EPIPE') this.error = error;
  };
  private readonly onResize = (): void => {
    this.display.width = this.stdout.columns;
    this.display.height = this.stdout.rows;
  };

  constructor(
    private readonly display: Display,
    private readonly stop: StopSignal,
    private readonly stdout: NodeJS.WriteStream,
  ) {
    // oclif's own listener throws whatever is not EPIPE.
    this.stdout.removeAllListeners('error').on('error', this.onError);
    if (this.stdout.isTTY) {
      this.onResize();
      this.stdout.on('resize', this.onResize);
    }
  }

  append(text: string): void {
    if (text !== '' && this.open) this.stdout.write(text);
  }

  /** False: a frame would follow the last one too fast to be seen. On a pipe each is written. */
  get frameDue(): boolean {
    return !this.stdout.isTTY || monotonicNs() >= this.lastFrameNs + FRAME_GAP_NS;
  }

  frame(text: string | undefined): void {
    if (text === undefined) return;
    this.lastFrameNs = monotonicNs();
    this.append(this.stdout.isTTY && !this.display.plain ? this.redrawn(text) : text);
  }

  /** One write a frame: up to where the last one began, each line over the old one, and nothing of it below. */
  private redrawn(text: string): string {
    const lines = text.replace(/\n$/, '').split('\n');
    const up = this.frameLines > 0 ? `\u001b[${this.frameLines}A` : '';
    this.frameLines = lines.length;
    return `${up}\r${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`;
  }

  /** Until the reader has taken what was written; meanwhile events wait in the kernel, where their loss is counted. */
  async ready(): Promise<void> {
    if (!this.open || !this.stdout.writableNeedDrain) return;
    await this.stop.wait((resume) => {
      this.stdout.once('drain', resume);
      return () => this.stdout.off('drain', resume);
    });
  }

  /** @throws {Failure} if writing failed; a reader that has gone is no failure. */
  requireWritten(): void {
    if (!this.error) return;
    throw new Failure(
      EXIT.failure,
      'The output cannot be written.',
      this.error.message,
      'Free some space or write elsewhere.',
    );
  }

  close(): void {
    this.stdout.off('resize', this.onResize);
  }
}
