import { CharacterMode, isForeground } from './character-mode.js';

/** Arrows and the like: no key of ours, and not several either. */
// eslint-disable-next-line no-control-regex
const SEQUENCE = /\u001b(\[[0-?]*[ -/]*[@-~]|O.|)/g;

export interface KeyboardEvents {
  key(key: string): void;
  /** Keys work, or no longer do. */
  changed(): void;
}

/**
 * Keys while we are in the foreground of the terminal. In the background its mode is the shell's affair, and reading would stop us.
 */
export class Keyboard {
  private mode: CharacterMode | undefined;
  /** The change of mode that is under way. */
  private changing: Promise<void> | undefined;
  private closed = false;

  private readonly onData = (text: string): void => {
    for (const key of text.replace(SEQUENCE, '')) this.events.key(key);
  };
  private readonly onSuspend = (): void => {
    this.mode?.restore();
    this.leave();
    process.off('SIGTSTP', this.onSuspend);
    process.kill(process.pid, 'SIGTSTP');
  };
  private readonly onExit = (): void => this.mode?.restore();

  constructor(
    private readonly stdin: NodeJS.ReadStream,
    private readonly events: KeyboardEvents,
  ) {
    // A terminal that has gone tells by SIGHUP too.
    stdin.on('error', () => undefined);
    process.on('exit', this.onExit);
  }

  get works(): boolean {
    return this.mode !== undefined;
  }

  /** Begins where the shell has put us into the foreground, ends where it has not. It does not always tell. */
  follow(): void {
    if (this.closed || this.changing) return;
    const foreground = isForeground();
    if (foreground === this.works) return;
    if (!foreground) {
      this.mode?.restore();
      this.leave();
    } else this.changing = this.enter().finally(() => (this.changing = undefined));
  }

  /** At once, for what is the last thing that happens. */
  restore(): void {
    this.mode?.restore();
  }

  async close(): Promise<void> {
    this.closed = true;
    process.off('exit', this.onExit).off('SIGTSTP', this.onSuspend);
    await this.changing;
    const { mode } = this;
    this.leave();
    await mode?.end();
  }

  private async enter(): Promise<void> {
    const mode = await CharacterMode.set(0);
    if (!mode) {
      this.closed = true;
      return;
    }
    this.mode = mode;
    if (!isForeground()) {
      mode.restore();
      this.leave();
      return;
    }
    process.on('SIGTSTP', this.onSuspend);
    this.stdin.setEncoding('utf8').on('data', this.onData).resume();
    this.events.changed();
  }

  private leave(): void {
    if (!this.mode) return;
    this.stdin.off('data', this.onData).pause();
    this.mode = undefined;
    this.events.changed();
  }
}
