import type { MergedRecording } from '../record/merge.js';
import { itemTimeNs, type RecordedItem } from '../record/items.js';
import type { Losses, Source } from '../model/source.js';
import type { Clock } from '../session/clock.js';
import type { StopSignal } from '../session/stop-signal.js';

/** How often a file that is still being written is looked at again. */
const FOLLOW_MS = 200;

/** Items of recordings, read on before the time at which the session wants them. */
export class ReplaySource<Item extends RecordedItem> implements Source<Item> {
  readonly keeps = true;
  private readonly batches: AsyncGenerator<RecordedItem[], void>;
  private next: Promise<IteratorResult<RecordedItem[], void>> | undefined;
  /** Items that have been read and whose time has not come. */
  private waiting: RecordedItem[] = [];
  private exhausted = false;
  private drainedNs = -Infinity;
  private closed = false;
  /** Resolved when a file that grows has nothing new. */
  private caughtUp = newSignal();

  constructor(
    private readonly recording: MergedRecording,
    private readonly options: { follow: boolean; losses: () => Losses },
  ) {
    this.batches = recording.items(options.follow ? { follow: () => this.waitForMore() } : {});
  }

  /** Reads until an item is younger than this or there is no more; false if more may come later. */
  async readUntil(timeNs: number): Promise<boolean> {
    while (!this.exhausted && !(this.youngestNs > timeNs)) {
      this.next ??= this.batches.next();
      const result = await Promise.race([this.next, this.caughtUp.promise]);
      if (!result) return false;
      this.next = undefined;
      if (result.done) this.exhausted = true;
      else for (const item of result.value) this.waiting.push(item);
    }
    return true;
  }

  private get youngestNs(): number {
    const last = this.waiting.at(-1);
    return last === undefined ? -Infinity : itemTimeNs(last);
  }

  private async waitForMore(): Promise<boolean> {
    this.caughtUp.resolve();
    await new Promise((resolve) => setTimeout(resolve, FOLLOW_MS));
    this.caughtUp = newSignal();
    return !this.closed;
  }

  drain(nowNs: number): Item[] {
    this.drainedNs = nowNs;
    const end = this.waiting.findIndex((item) => itemTimeNs(item) > nowNs);
    return this.waiting.splice(0, end < 0 ? this.waiting.length : end) as Item[];
  }

  get ended(): boolean {
    if (!this.exhausted || this.waiting.length > 0) return false;
    return this.options.follow || this.drainedNs >= this.recording.endedNs;
  }

  /** Time from then to the end of the recording. */
  leftNs(nowNs: number): number {
    return this.options.follow ? Infinity : Math.max(0, this.recording.endedNs - nowNs);
  }

  stop(): void {
    // What has not been shown when the user stops is not shown.
    this.waiting = [];
  }

  losses(): Losses {
    return this.options.losses();
  }

  close(): void {
    this.closed = true;
  }
}

interface Signal {
  promise: Promise<undefined>;
  resolve(): void;
}

function newSignal(): Signal {
  let resolve = (): void => undefined;
  const promise = new Promise<undefined>((done) => {
    resolve = () => {
      done(undefined);
    };
  });
  return { promise, resolve };
}

/** The clock of a replay, which waits until what it passes has been read; a file that grows is followed in real time. */
export function clockOf(source: ReplaySource<RecordedItem>, clock: Clock): Clock {
  return {
    nowNs: () => clock.nowNs(),
    unixOffsetNs: () => clock.unixOffsetNs(),
    async sleep(ns: number, stop: StopSignal) {
      const upToEnd = Math.min(ns, source.leftNs(clock.nowNs()));
      const isRead = await source.readUntil(clock.nowNs() + upToEnd);
      if (!isRead) await stop.sleep(upToEnd / 1e6);
      await clock.sleep(upToEnd, stop);
    },
  };
}
