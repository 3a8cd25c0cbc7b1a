/** Whose socket it is: completes what bpf/include/owner.h knew at the time of an event. */
import type { BpfMap } from '#bpf-native-bindings';
import { writeSocket } from '../events/primitives.js';
import { decodeListener, decodeOwner, LISTENER_SIZE, type Listener } from '../events/shared.js';
import type { Flow } from '../model/flow.js';
import type { Program } from './program.js';

/** An event about a socket that may not have been seen before. */
export interface Owned extends Flow {
  timeNs: number;
  socket: number;
}

/** Searches take at most this share of the time. */
const SEARCH_SHARE = 0.1;
const LEAST_BETWEEN_NS = 100e6;
/** A socket that no search has found is not looked for again for so long; and so long listeners are believed. */
const PATIENCE_NS = 10e9;
const MOST_GIVEN_UP = 65_536;

const ANY_ADDRESS = ['0.0.0.0', '::'];

export class SocketOwners<Event extends Owned> {
  /** How often all open files were searched, and how long that took in all. */
  searches = 0;
  searchNs = 0;
  private nextSearchNs = 0;
  private listenersUntilNs = 0;
  /** By namespace, address and port. */
  private readonly listeners = new Map<string, Listener>();
  /** By socket: until when nobody looks for it. */
  private readonly givenUp = new Map<number, number>();
  private readonly owners: BpfMap;
  private readonly key = new Uint8Array(8);
  private readonly keyView = new DataView(this.key.buffer);

  /**
   * @param program has the map and the iterator of owner.h
   * @param isUnaccepted true for a connection that waits in the accept queue: it belongs to the listener
   */
  constructor(
    private readonly program: Program,
    private readonly isUnaccepted: (event: Event) => boolean,
  ) {
    this.owners = program.map('owners');
  }

  /**
   * Fills in the owners that can be found; where that takes a search of all open files, with one if it is due.
   * @returns false if a search has to wait: then the events should wait with it.
   */
  complete(events: readonly Event[], nowNs: number): boolean {
    const unknown = events.filter((event) => event.pid === 0 && !this.find(event, nowNs));
    const wanted = unknown.filter(({ socket }) => !(this.givenUp.get(socket)! > nowNs));
    if (wanted.length === 0) return true;
    if (nowNs < this.nextSearchNs) return false;
    this.search(nowNs);
    for (const event of wanted) if (!this.find(event, nowNs)) this.giveUp(event, nowNs);
    return true;
  }

  /** The next search may be at once: nothing comes after it. */
  hurry(): void {
    this.nextSearchNs = 0;
  }

  private find(event: Event, nowNs: number): boolean {
    return this.lookUp(event) || (this.isUnaccepted(event) && this.useListener(event, nowNs));
  }

  private lookUp(event: Event): boolean {
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

  private useListener(event: Event, nowNs: number): boolean {
    if (nowNs >= this.listenersUntilNs) return false;
    const { netns, localAddress, localPort } = event;
    const listener = [localAddress, ...ANY_ADDRESS]
      .map((address) => this.listeners.get(listenerKey(netns, address, localPort)))
      .find((found) => found !== undefined);
    if (!listener) return false;
    event.pid = listener.pid;
    event.comm = listener.comm;
    return true;
  }

  private search(nowNs: number): void {
    const startMs = performance.now();
    this.readListeners(this.program.iterate('find_owners'));
    const tookNs = (performance.now() - startMs) * 1e6;
    this.searches++;
    this.searchNs += tookNs;
    this.nextSearchNs = nowNs + Math.max(LEAST_BETWEEN_NS, tookNs / SEARCH_SHARE);
    this.listenersUntilNs = nowNs + PATIENCE_NS;
  }

  private readListeners(view: DataView): void {
    this.listeners.clear();
    for (let offset = 0; offset + LISTENER_SIZE <= view.byteLength; offset += LISTENER_SIZE) {
      const listener = decodeListener(view, offset);
      const key = listenerKey(listener.netns, listener.address, listener.port);
      const known = this.listeners.get(key);
      // Of those that share it, the oldest process made it.
      if (!known || listener.startedNs < known.startedNs) this.listeners.set(key, listener);
    }
  }

  private giveUp({ socket }: Event, nowNs: number): void {
    if (this.givenUp.size >= MOST_GIVEN_UP) this.givenUp.clear();
    this.givenUp.set(socket, nowNs + PATIENCE_NS);
  }
}

function listenerKey(netns: number, address: string, port: number): string {
  return `${netns} ${address} ${port}`;
}
