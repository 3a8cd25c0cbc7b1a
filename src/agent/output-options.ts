import type { NetworkSnapshot } from '../model/network.js';
import type { Surroundings } from './back-off.js';

/** What outputs that send what is new can be told. */
export interface OutputOptions {
  /** What counts as sent already, for an output that comes in while the agent runs; undefined: nothing. */
  readonly since?: NetworkSnapshot;
  readonly surroundings?: Surroundings;
}
