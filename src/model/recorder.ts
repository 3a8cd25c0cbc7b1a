import type { Meeting } from './meeting.js';
import type { Losses } from './source.js';

/** Keeps what a session sees; it never throws and never waits, and what it had to leave out is counted. */
export interface Recorder<Item> {
  add(item: Item | Meeting): void;
  /** Called after each look at the source, with its losses so far. */
  checkpoint(nowNs: number, losses: Losses): void;
}
