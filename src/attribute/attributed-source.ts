import type { Flow } from '../model/flow.js';
import { isMeeting, type Meeting } from '../model/meeting.js';
import type { Recorder } from '../model/recorder.js';
import type { KernelCost } from '../model/self-cost.js';
import type { Losses, Source } from '../model/source.js';

export interface AttributedSourceOptions<Item> {
  attribute(flow: Flow, nowNs: number): void;
  /** What the user asked for and the source could not decide. */
  wants(item: Item): boolean;
  recorder?: Recorder<Item> | undefined;
}

/** A source whose items say whose they are; what is not wanted is left out, and meetings go to the recorder alone. */
export class AttributedSource<Item extends Flow & { type: string }> implements Source<Item> {
  constructor(
    private readonly source: Source<Item | Meeting>,
    private readonly options: AttributedSourceOptions<Item>,
  ) {}

  drain(nowNs: number): Item[] {
    const { options } = this;
    const { recorder } = options;
    const wanted: Item[] = [];
    for (const item of this.source.drain(nowNs)) {
      if (isMeeting(item)) {
        recorder?.add(item);
        continue;
      }
      options.attribute(item, nowNs);
      if (!options.wants(item)) continue;
      wanted.push(item);
    }
    recorder?.checkpoint(nowNs, this.source.losses());
    return wanted;
  }

  get restNs(): number | undefined {
    return this.source.restNs;
  }

  get ended(): boolean {
    return this.source.ended ?? false;
  }

  get keeps(): boolean {
    return this.source.keeps ?? false;
  }

  stop(): void {
    this.source.stop();
  }

  losses(): Losses {
    return this.source.losses();
  }

  kernelCost(): KernelCost | undefined {
    return this.source.kernelCost?.();
  }

  close(): void {
    this.source.close();
  }
}
