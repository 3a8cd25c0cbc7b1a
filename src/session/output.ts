import { EXIT, Failure } from '../model/failure.js';
import type { Display } from '../view/view.js';
import { monotonicNs } from './clock.js';
import { areOnePlace, Outlet } from './outlet.js';
import { Screen, type ScreenSize } from './screen.js';
import type { StopSignal } from './stop-signal.js';

/** Where a session writes, and where keys come from: `process` has them. */
export interface Streams {
  stdin?: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WritableStream;
}

/** Characters that may wait to be read: a person wants to see what is now, a program all that there is. */
const ROOM = { terminal: 256 << 10, other: 8 << 20 };
/** The same for stderr. */
const MESSAGES_ROOM = 64 << 10;
/** A replay may have more frames than an eye can see: between two on a terminal there is this much real time. */
const FRAME_GAP_NS = 50e6;
/** Milliseconds for which the end waits: after a signal; for a reader that takes nothing at all. */
const PATIENCE_MS = { signal: 2000, reader: 60_000 };
const LOOK_MS = 100;
const LATER_MS = 200;
/** Of a terminal that does not know its size: a serial console, a container's. */
const USUAL_SIZE: ScreenSize = { columns: 80, rows: 24 };

/** stdout: text one after the other, or frames over each other. It is never waited for, unless somebody asks to. */
export class Output {
  open = true;
  /** Called when the terminal has another size, and when it can take the frame that it had no room for. */
  redraw: () => void = () => undefined;
  /** Lines that were given to it and never read. */
  abandonedLines = 0;
  private error: Error | undefined;
  private readonly outlet: Outlet;
  /** stderr. */
  private readonly messages: Outlet;
  /** True if stderr is the same terminal, pipe or file. */
  readonly hasMessages: boolean;
  /** Lines of the terminal that a view does not get. */
  private keptLines = 0;
  private readonly stdout: NodeJS.WriteStream;
  private readonly screen = new Screen();
  private lastFrameNs = -Infinity;
  private skipped = false;
  private abandoned = false;
  private whenTaken: () => void = () => undefined;
  private readonly onError = (error: NodeJS.ErrnoException): void => {
    if (!this.open) return;
    this.open = false;
    this.stop.now();
    this.whenTaken();
    // A terminal that has gone answers EIO.
    const gone = error.code === 'EPIPE' || (this.stdout.isTTY && error.code === 'EIO');
    if (!gone) this.error = error;
  };
  private readonly onResize = (): void => {
    const { columns, rows } = this.size;
    this.display.width = columns;
    this.display.height = rows - this.keptLines;
    this.redraw();
  };

  constructor(
    private readonly display: Display,
    private readonly stop: StopSignal,
    { stdout, stderr }: Streams,
  ) {
    this.stdout = stdout;
    // oclif's own listener throws whatever is not EPIPE.
    stdout.removeAllListeners('error').on('error', this.onError);
    this.outlet = new Outlet(stdout, this.onError);
    this.outlet.onIdle = () => {
      this.whenTaken();
      if (this.skipped && !this.stop.stopped) this.redraw();
    };
    this.messages = new Outlet(stderr, () => undefined);
    this.hasMessages = areOnePlace(stdout, stderr);
    this.waitForTerminals(false);
    if (stdout.isTTY) {
      this.onResize();
      stdout.on('resize', this.onResize);
    }
  }

  private get size(): ScreenSize {
    const { columns, rows } = this.stdout;
    return columns > 0 && rows > 0 ? { columns, rows } : USUAL_SIZE;
  }

  /** Characters that may wait to be read. */
  get room(): number {
    return this.stdout.isTTY ? ROOM.terminal : ROOM.other;
  }

  /** Characters that have not been read. */
  get backlog(): number {
    return this.outlet.backlog;
  }

  /** False if nobody would read a summary: the reader has gone, or does not read and has stderr too. */
  get wantsSummary(): boolean {
    return this.open || (this.abandoned && !this.hasMessages);
  }

  /** Keeps lines below the frame of a view for something else. */
  keepLines(lines: number): void {
    this.keptLines = lines;
    this.onResize();
  }

  append(text: string): void {
    if (text !== '' && this.open) this.outlet.write(text);
  }

  /** A line for the user, on stderr; between two texts if that is where stdout is. Nobody waits for that one either. */
  tell(line: string): void {
    const text = `${line}\n`;
    if (this.hasMessages) this.append(text);
    else if (this.messages.backlog < MESSAGES_ROOM) this.messages.write(text);
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
    this.skipped = this.backlog > 0;
    if (this.skipped) return;
    this.lastFrameNs = monotonicNs();
    this.append(this.screen.over(frame(), this.size, { trusted: this.display.keys === true, clear }));
  }

  /** Until everything has been read, or so many milliseconds have passed. */
  async taken(ms: number): Promise<void> {
    if (!this.open || this.backlog === 0) return;
    await new Promise<void>((resolve) => {
      const limit = setTimeout(resolve, ms);
      this.whenTaken = () => {
        clearTimeout(limit);
        resolve();
      };
    });
    this.whenTaken = () => undefined;
  }

  /** Until everything has been read, or it is time to stop. */
  async ready(): Promise<void> {
    if (!this.open || this.backlog === 0) return;
    await this.stop.wait((resume) => {
      this.whenTaken = resume;
      return () => (this.whenTaken = () => undefined);
    });
  }

  /** Waits until the frame that is on its way has been taken. A terminal that takes nothing counts as closed. */
  async settled(): Promise<void> {
    await this.taken(PATIENCE_MS.signal);
    if (this.open && this.backlog > 0) this.giveUp();
  }

  /**
   * Until everything has been read. Gives up what is left some time after a signal, or if nothing at all is read; `patient`: only after
   * a signal.
   */
  async finish(patient: boolean): Promise<void> {
    let { untaken } = this.outlet;
    let progressMs = performance.now();
    while (this.open && this.backlog > 0) {
      await this.taken(LOOK_MS);
      const nowMs = performance.now();
      if (this.outlet.untaken !== untaken) progressMs = nowMs;
      ({ untaken } = this.outlet);
      const isStuck = !patient && nowMs > progressMs + PATIENCE_MS.reader;
      if (isStuck || nowMs > this.stop.signalledMs + PATIENCE_MS.signal) this.giveUp();
    }
  }

  private giveUp(): void {
    if (this.backlog === 0) return;
    this.abandonedLines = this.outlet.untakenLines;
    this.open = false;
    this.abandoned = true;
    // Until a later moment this keeps oclif from waiting for a closed stream.
    setTimeout(() => {
      this.outlet.abandon();
      if (this.hasMessages) this.messages.abandon();
    }, LATER_MS);
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
    this.waitForTerminals(true);
  }

  /** Else a terminal that stands still would stop counting and signals. */
  private waitForTerminals(on: boolean): void {
    this.outlet.waitsForTerminal(on);
    this.messages.waitsForTerminal(on);
  }
}
