/** Whose socket it is: completes what bpf/include/owner.h knew at the time of an event. */
import type { BpfMap } from '#bpf-native-bindings';
import { writeSocket } from '../events/primitives.js';
import { decodeOwner } from '../events/shared.js';
import type { Flow } from '../model/flow.js';
import type { Program } from './program.js';

/** An event about a socket that may not have been seen before. */
export interface Owned extends Flow {
  timeNs: number;
  socket: number;
}

/** Who owned a socket when its events from `sinceNs` to `untilNs` came. */
export interface OwnerAnswer {
  socket: number;
  sinceNs: number;
  untilNs: number;
  pid: number;
  comm: string;
}

/** Searches take at most this share of the time. */
const SEARCH_SHARE = 0.1;
const LEAST_BETWEEN_NS = 100e6;
/** A socket that no search has found is not looked for again for so long. */
const PATIENCE_NS = 10e9;
const MOST_GIVEN_UP = 65_536;

export class SocketOwners {
  /** How often all open files were searched, and how long that took in all. */
  searches = 0;
  searchNs = 0;
  private nextSearchNs = 0;
  /** By socket: until when nobody looks for it. */
  private readonly givenUp = new Map<number, number>();
  private readonly owners: BpfMap;
  private readonly key = new Uint8Array(8);
  private readonly keyView = new DataView(this.key.buffer);

  /** @param program has the map and the iterator of owner.h */
  constructor(private readonly program: Program) {
    this.owners = program.map('owners');
  }

  /**
   * Fills in the owners that can be found; where that takes a search of all open files, with one if it is due.
   * @returns false if a search has to wait: then the events should wait with it.
   */
  complete(events: readonly Owned[], nowNs: number): boolean {
    const unknown = events.filter((event) => event.pid === 0 && !this.lookUp(event));
    const wanted = unknown.filter(({ socket }) => !(this.givenUp.get(socket)! > nowNs));
    if (wanted.length === 0) return true;
    if (nowNs < this.nextSearchNs) return false;
    this.search(nowNs);
    for (const event of wanted) if (!this.lookUp(event)) this.giveUp(event, nowNs);
    return true;
  }

  /** Takes what the kernel side learned after the events. The address of a socket may have been others' before and since. */
  answer(events: readonly Owned[], answers: readonly OwnerAnswer[]): void {
    if (answers.length === 0) return;
    const bySocket = new Map<number, OwnerAnswer[]>();
    for (const answer of answers)
      bySocket.set(answer.socket, [...(bySocket.get(answer.socket) ?? []), answer]);
    for (const event of events) {
      if (event.pid !== 0) continue;
      const own = bySocket
        .get(event.socket)
        ?.find(({ sinceNs, untilNs }) => sinceNs <= event.timeNs && event.timeNs <= untilNs);
      if (own) Object.assign(event, { pid: own.pid, comm: own.comm });
    }
  }

  /** The next search may be at once: nothing comes after it. */
  hurry(): void {
    this.nextSearchNs = 0;
  }

  private lookUp(event: Owned): boolean {
    writeSocket(this.keyView, 0, event.socket);
    const value = this.owners.lookup(this.key);
    if (!value) return false;
    const owner = decodeOwner(new DataView(value.buffer, value.byteOffset, value.byteLength), 0);
    // Younger than the event: its address has become another socket's.
    if (owner.pid === 0 || owner.sinceNs > event.timeNs) return false;
    event.pid = owner.pid;
    event.comm = owner.comm;
    return true;
  }

  private search(nowNs: number): void {
    const startMs = performance.now();
    this.program.iterate('find_owners');
    const tookNs = (performance.now() - startMs) * 1e6;
    this.searches++;
    this.searchNs += tookNs;
    this.nextSearchNs = nowNs + Math.max(LEAST_BETWEEN_NS, tookNs / SEARCH_SHARE);
  }

  private giveUp({ socket }: Owned, nowNs: number): void {
    if (this.givenUp.size >= MOST_GIVEN_UP) this.givenUp.clear();
    this.givenUp.set(socket, nowNs + PATIENCE_NS);
  }
}
