import type { Display, View } from '../view/view.js';
import { monotonicNs } from './clock.js';
import { Keyboard } from './keyboard.js';
import type { Output, Streams } from './output.js';
import type { StopSignal } from './stop-signal.js';

const PAUSED = 'paused; space goes on\n';
/** Ctrl-L: what others have written over the frame leaves. */
const REPAINT = '\f';

export interface LiveOptions {
  /** The newest frame. */
  render: () => string;
  key: NonNullable<View<never>['key']>;
  display: Display;
  output: Output;
  stop: StopSignal;
  stdin: Streams['stdin'];
}

/** A view that is drawn over itself on a terminal, and the keys for it. */
export class Live {
  private readonly keyboard: Keyboard | undefined;
  private shown: string | undefined;
  private paused = false;
  /** After Ctrl-Z and fg: what is on the terminal now is not ours. */
  private readonly onContinue = (): void => {
    this.options.output.forget();
    this.draw();
    this.keyboard?.follow();
  };

  constructor(private readonly options: LiveOptions) {
    const { output, stdin } = options;
    output.redraw = () => {
      this.draw();
    };
    process.on('SIGCONT', this.onContinue);
    if (!stdin?.isTTY) return;
    this.keyboard = new Keyboard(stdin, {
      key: (key) => {
        this.key(key);
      },
      changed: () => {
        options.display.keys = this.keyboard?.works === true;
        if (!options.stop.stopped) this.draw();
      },
    });
    this.keyboard.follow();
  }

  /** An interval is over. */
  tick(): void {
    this.keyboard?.follow();
    if (!this.paused && this.options.output.frameDue) this.draw('newest');
  }

  /** For a signal that kills. */
  restore(): void {
    this.keyboard?.restore();
  }

  /** Keys end: the terminal is as it was. */
  async release(): Promise<void> {
    process.off('SIGCONT', this.onContinue);
    await this.keyboard?.close();
    this.options.display.keys = false;
    await this.options.output.settled();
  }

  /** The last frame stays on the screen; after release. */
  async last(frame: string): Promise<void> {
    const { output } = this.options;
    output.over(() => frame);
    await output.settled();
  }

  /** `newest`: the state now; else what is shown, if that is held. */
  private draw(which: 'newest' | 'held' = 'held', clear = false): void {
    const { output, render } = this.options;
    output.over(() => {
      if (which === 'newest' || !this.paused || this.shown === undefined) this.shown = render();
      return this.paused ? this.withPaused(this.shown) : this.shown;
    }, clear);
  }

  /** The line is seen even if there is no room below the frame. */
  private withPaused(frame: string): string {
    const lines = frame.trimEnd().split('\n');
    const room = (this.options.display.height ?? Infinity) - 2;
    return `${lines.slice(0, Math.max(0, room)).join('\n')}\n${PAUSED}`;
  }

  private key(key: string): void {
    const { stop } = this.options;
    if (stop.stopped) return;
    if (key === 'q') stop.now();
    else if (this.options.key(key, monotonicNs())) this.draw('newest');
    else if (key === ' ') {
      this.paused = !this.paused;
      this.draw(this.paused ? 'held' : 'newest');
    } else if (key === REPAINT) this.draw('held', true);
  }
}
