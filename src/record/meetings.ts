/** A bounded sample of the connections that a recording saw established, to compare with what the other end saw. */
import type { Handshake } from '../model/handshake.js';
import type { Meeting } from './items.js';

/** One end of a connection. */
export interface End {
  /** The connection, called the same at both ends: `10.1.4.7:51822 10.3.0.12:6379`. */
  readonly key: string;
  readonly role: 'client' | 'server';
  readonly timeNs: number;
  /** 0 if it is not known. */
  readonly rttNs: number;
}

const MAX_ENDS = 16_384;
/** The same ports are used again and again. */
const MAX_ENDS_OF_KEY = 32;
/** Every host has these, so they say nothing about another one. */
const OF_EVERY_HOST = /^(127\.|::1$|fe80:|169\.254\.|0\.0\.0\.0$|::$)/i;

/** What an established handshake says of the client's end; undefined if it was not established. */
export function meetingOf(handshake: Handshake): Meeting | undefined {
  const { outcome, endNs, wireUs, localAddress, localPort, remoteAddress, remotePort, netns } = handshake;
  if (outcome !== 'ok') return undefined;
  return {
    type: 'meeting',
    role: 'client',
    timeNs: endNs,
    rttUs: wireUs,
    localAddress,
    localPort,
    remoteAddress,
    remotePort,
    netns,
  };
}

export class MeetingSample {
  private readonly ends = new Map<string, End[]>();
  private count = 0;
  /** Connections whose hash is below are kept: by both ends the same ones, so that pairs stay pairs. */
  private threshold = 2 ** 32;

  add({ role, timeNs, rttUs, localAddress, localPort, remoteAddress, remotePort }: Meeting): void {
    if (localAddress === remoteAddress || OF_EVERY_HOST.test(remoteAddress)) return;
    const [local, remote] = [`${localAddress}:${localPort}`, `${remoteAddress}:${remotePort}`];
    const key = role === 'client' ? `${local} ${remote}` : `${remote} ${local}`;
    if (hash(key) >= this.threshold) return;
    const ends = this.ends.get(key) ?? [];
    if (ends.length >= MAX_ENDS_OF_KEY) return;
    ends.push({ key, role, timeNs, rttNs: rttUs * 1000 });
    this.ends.set(key, ends);
    this.count++;
    while (this.count > MAX_ENDS) this.thin();
  }

  /** By connection. */
  byKey(): ReadonlyMap<string, readonly End[]> {
    return this.ends;
  }

  private thin(): void {
    this.threshold /= 2;
    for (const [key, ends] of this.ends) {
      if (hash(key) < this.threshold) continue;
      this.ends.delete(key);
      this.count -= ends.length;
    }
  }
}

/** FNV-1a, mixed as murmur3 does at its end, since keys that differ in their last digit are many. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
