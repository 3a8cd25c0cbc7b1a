import { itemTimeNs, type RecordedItem } from './items.js';

/** Items come this late at most: an owner had to be looked for, or a buffer of another CPU was read later. */
const WINDOW_NS = 2e9;
/** More are not held back: then some may stay out of order. */
const MAX_HELD = 65_536;

/** The items of one recording in the order of their times, in bounded memory. */
export class OrderedItems {
  /** In order, and none that comes later belongs between them. */
  private ready: RecordedItem[] = [];
  private next = 0;
  private held: RecordedItem[] = [];
  private ended = false;

  constructor(private readonly batches: AsyncGenerator<RecordedItem[], void>) {}

  /** To call before `nextNs` and `take`. */
  async fill(): Promise<void> {
    while (this.next >= this.ready.length && !this.ended) {
      const batch = await this.batches.next();
      this.ended = batch.done === true;
      if (batch.done !== true) for (const item of batch.value) this.held.push(item);
      this.release();
    }
  }

  /** Time of the first item; Infinity if there is no more. */
  nextNs(): number {
    const item = this.ready[this.next];
    return item ? itemTimeNs(item) : Infinity;
  }

  take(): RecordedItem | undefined {
    return this.ready[this.next++];
  }

  private release(): void {
    this.held.sort((a, b) => itemTimeNs(a) - itemTimeNs(b));
    const latest = this.held.at(-1);
    const settledNs = this.ended ? Infinity : latest ? itemTimeNs(latest) - WINDOW_NS : -Infinity;
    let count = Math.max(0, this.held.length - MAX_HELD);
    while (count < this.held.length && itemTimeNs(this.held[count]!) <= settledNs) count++;
    this.ready = this.held.splice(0, count);
    this.next = 0;
  }
}
