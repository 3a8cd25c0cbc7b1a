import { EXIT, Failure } from '../model/failure.js';
import type { Display } from '../view/view.js';
import { monotonicNs } from './clock.js';
import { Screen, type ScreenSize } from './screen.js';
import type { StopSignal } from './stop-signal.js';

/** Where a session writes, and where keys come from: `process` has them. */
export interface Streams {
  stdin?: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WritableStream;
}

/** A replay may have more frames than an eye can see: between two on a terminal there is this much real time. */
const FRAME_GAP_NS = 50e6;
/** Milliseconds for which the end waits for a terminal that takes nothing. */
const PATIENCE_MS = 2000;
const LATER_MS = 200;
/** Of a terminal that does not know its size: a serial console, a container's. */
const USUAL_SIZE: ScreenSize = { columns: 80, rows: 24 };

/** Node's own handle of a terminal; where it has none, writing waits. */
interface WithHandle {
  _handle?: { fd?: number; setBlocking?: (on: boolean) => void; close?: () => void };
}

/** stdout: text one after the other, or frames over each other. */
export class Output {
  open = true;
  /** Called when the terminal has another size, and when it can take the frame that it had no room for. */
  redraw: () => void = () => undefined;
  private error: Error | undefined;
  private readonly screen = new Screen();
  private lastFrameNs = -Infinity;
  /** A frame is on its way. */
  private writing = false;
  private skipped = false;
  private written: (() => void) | undefined;
  private readonly onError = (error: NodeJS.ErrnoException): void => {
    if (!this.open) return;
    this.open = false;
    this.stop.now();
    // A terminal that has gone answers EIO.
    const gone = error.code === 'EPIPE' || (this.stdout.isTTY && error.code === 'EIO');
    if (!gone) this.error = error;
  };
  private readonly onResize = (): void => {
    const { columns, rows } = this.size;
    this.display.width = columns;
    this.display.height = rows;
    this.redraw();
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

  private get size(): ScreenSize {
    const { columns, rows } = this.stdout;
    return columns > 0 && rows > 0 ? { columns, rows } : USUAL_SIZE;
  }

  append(text: string): void {
    if (text !== '' && this.open) this.stdout.write(text);
  }

  /** False: a frame over the last one would come too fast to be seen. */
  get frameDue(): boolean {
    return monotonicNs() >= this.lastFrameNs + FRAME_GAP_NS;
  }

  /** What is on the terminal is not ours. */
  forget(): void {
    this.screen.forget();
  }

  /**
   * Draws a frame over the last one in one write. While the terminal has not taken that one there is none: it is skipped, and
   * redraw is called as soon as there is room. `frame` is asked only if it will be drawn.
   */
  over(frame: () => string, clear = false): void {
    if (!this.open) return;
    this.skipped = this.writing;
    if (this.writing) return;
    this.lastFrameNs = monotonicNs();
    const text = this.screen.over(frame(), this.size, { trusted: this.display.keys === true, clear });
    if (text === '') return;
    this.writing = true;
    this.stdout.write(text, () => {
      this.writing = false;
      this.written?.();
      if (this.skipped && !this.stop.stopped) this.redraw();
    });
  }

  /** Makes writes to a terminal wait in the background, so that a slow one stops neither counting nor signals. */
  waitInBackground(on: boolean): void {
    const handle = (this.stdout as WithHandle)._handle;
    // Node has opened the terminal anew for itself; if it could not, this would also be the mode of others who have it open.
    if (handle?.fd !== undefined && handle.fd > 2) handle.setBlocking?.(!on);
  }

  /** Waits until the frame that is on its way has been taken. A terminal that takes nothing counts as closed. */
  async settled(): Promise<void> {
    if (!this.writing || !this.open) return;
    await new Promise<void>((resolve) => {
      const limit = setTimeout(() => {
        this.giveUp();
        resolve();
      }, PATIENCE_MS);
      this.written = () => {
        clearTimeout(limit);
        resolve();
      };
    });
  }

  private giveUp(): void {
    this.open = false;
    // A write that is under way keeps the process alive; and until a later moment it keeps oclif from waiting for a closed stream.
    setTimeout(() => (this.stdout as WithHandle)._handle?.close?.(), LATER_MS);
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
