import type { Meeting } from '../model/meeting.js';
import type { Losses, Source } from '../model/source.js';

/** Items of a recording, read on before the time at which the session wants them. */
export class ReplaySource<Item> implements Source<Item | Meeting> {
  /** Items that have been read and whose time has not come. */
  private waiting: (Item | Meeting)[] = [];
  private exhausted = false;
  private drainedNs = -Infinity;

  /**
   * @param batches items in the order of their times
   * @param endNs when the recording ended, if it says so
   */
  constructor(
    private readonly batches: AsyncIterator<readonly (Item | Meeting)[]>,
    private readonly timeOf: (item: Item | Meeting) => number,
    private readonly endNs: () => number,
    private readonly recordedLosses: () => Losses,
  ) {}

  /** Reads until an item is younger than this, or there is no more. */
  async readUntil(timeNs: number): Promise<void> {
    while (!this.exhausted && !(this.youngestNs > timeNs)) {
      const { value, done } = await this.batches.next();
      if (done) this.exhausted = true;
      else this.waiting.push(...value);
    }
  }

  private get youngestNs(): number {
    const last = this.waiting.at(-1);
    return last === undefined ? -Infinity : this.timeOf(last);
  }

  drain(nowNs: number): (Item | Meeting)[] {
    this.drainedNs = nowNs;
    const end = this.waiting.findIndex((item) => this.timeOf(item) > nowNs);
    return this.waiting.splice(0, end < 0 ? this.waiting.length : end);
  }

  get ended(): boolean {
    return this.exhausted && this.waiting.length === 0 && this.drainedNs >= this.endNs();
  }

  stop(): void {
    // What has not been shown when the user stops is not shown.
    this.waiting = [];
  }

  losses(): Losses {
    return this.recordedLosses();
  }

  close(): void {
    void this.batches.return?.();
  }
}
