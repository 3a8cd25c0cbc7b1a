/** Reverse DNS names of addresses, asked for in the background. */
import { lookupService, Resolver } from 'node:dns/promises';

/** What is used of a resolver of node:dns/promises. */
export interface ReverseResolver {
  reverse(address: string): Promise<string[]>;
  cancel(): void;
}

export interface ReverseNamesOptions {
  /** Default: that of the system, with /etc/hosts and the servers of resolv.conf. */
  readonly resolver?: ReverseResolver;
  /** How long a name counts, since the answer's own TTL is not to be had. */
  readonly ttlNs?: number;
  /** How long it counts that there is no name, or no answer. */
  readonly negativeTtlNs?: number;
  /** How long after its answer a name is given while look-ups fail. */
  readonly staleNs?: number;
  /** Addresses remembered; the oldest answers go first. */
  readonly limit?: number;
  /** Look-ups at once. */
  readonly concurrency?: number;
  /** Addresses that wait for a look-up. One more is not looked up now, but when it is next asked for. */
  readonly queueLimit?: number;
  /** After this a look-up has failed, whatever the resolver does. */
  readonly timeLimitMs?: number;
  readonly onName?: (address: string, name: string) => void;
}

const DEFAULTS = {
  ttlNs: 600e9,
  negativeTtlNs: 60e9,
  staleNs: 3600e9,
  limit: 16_384,
  concurrency: 16,
  queueLimit: 1024,
  timeLimitMs: 5000,
} as const;
/** Of one server and try; a look-up that is late has little use. */
const RESOLVER = { timeout: 1500, tries: 2 };

/** That of the system: /etc/hosts, then the servers of resolv.conf. */
function systemResolver(): ReverseResolver {
  const resolver = new Resolver(RESOLVER);
  return {
    async reverse(address) {
      const names = await resolver.reverse(address);
      if (names.length > 0) return names;
      // An entry of /etc/hosts: Node gives its aliases only. The C library reads the name there, without asking a server.
      return [(await lookupService(address, ANY_PORT)).hostname];
    },
    cancel() {
      resolver.cancel();
    },
  };
}

const ANY_PORT = 80;

interface Known {
  readonly name: string | undefined;
  /** When the name was asked for that was answered with it. */
  readonly answeredNs: number;
  readonly expiresNs: number;
}

/** Never waits: `of` says what is known now. Times are of any clock that does not go back. */
export class ReverseNames {
  private readonly options: Required<Omit<ReverseNamesOptions, 'onName'>>;
  private readonly onName: (address: string, name: string) => void;
  private readonly known = new Map<string, Known>();
  /** Addresses being looked up or waiting for it, with the time of the question. */
  private readonly wanted = new Map<string, number>();
  private readonly queue: string[] = [];
  private running = 0;
  private isClosed = false;

  constructor({ onName, ...options }: ReverseNamesOptions = {}) {
    this.options = { resolver: systemResolver(), ...DEFAULTS, ...options };
    this.onName = onName ?? (() => undefined);
  }

  /** A name out of the cache, also while an expired one is looked up again; undefined if none is known (yet). */
  of(address: string, nowNs: number): string | undefined {
    const known = this.known.get(address);
    if (!known || known.expiresNs <= nowNs) this.want(address, nowNs);
    return known?.name;
  }

  /** Ends look-ups. What is known stays. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.queue.length = 0;
    this.options.resolver.cancel();
  }

  private want(address: string, nowNs: number): void {
    if (this.isClosed || this.wanted.has(address) || this.queue.length >= this.options.queueLimit) return;
    this.wanted.set(address, nowNs);
    this.queue.push(address);
    this.startMore();
  }

  private startMore(): void {
    while (this.running < this.options.concurrency) {
      const address = this.queue.shift();
      if (address === undefined) return;
      this.running += 1;
      void this.lookUp(address);
    }
  }

  private async lookUp(address: string): Promise<void> {
    const askedNs = this.wanted.get(address) ?? 0;
    let names: string[] = [];
    try {
      names = await this.withinTime(this.options.resolver.reverse(address));
    } catch {
      // c-ares says ENOTFOUND of an answer that there is no name, of an error and of silence alike.
    }
    if (!this.isClosed) this.remember(address, names.map(toHostName).find(Boolean), askedNs);
    this.running -= 1;
    this.wanted.delete(address);
    this.startMore();
  }

  /** The signal's timer does not keep the process alive. */
  private withinTime(names: Promise<string[]>): Promise<string[]> {
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(this.options.timeLimitMs);
      signal.addEventListener('abort', () => {
        reject(new Error('no answer in time'));
      });
      names.then(resolve, reject);
    });
  }

  private remember(address: string, name: string | undefined, askedNs: number): void {
    const { ttlNs, negativeTtlNs, staleNs, limit } = this.options;
    const before = this.known.get(address);
    this.known.delete(address); // so that the newest answer is last
    if (this.known.size >= limit) this.known.delete(this.known.keys().next().value ?? '');
    if (name !== undefined) {
      this.known.set(address, { name, answeredNs: askedNs, expiresNs: askedNs + ttlNs });
      if (name !== before?.name) this.onName(address, name);
      return;
    }
    // In an incident the name server may be what fails.
    const isStale = before === undefined || before.answeredNs + staleNs <= askedNs;
    const kept = isStale ? { name: undefined, answeredNs: askedNs } : before;
    this.known.set(address, { ...kept, expiresNs: askedNs + negativeTtlNs });
  }
}

const MAX_NAME = 253;
const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;

/**
 * A name as the answer has it, without the last dot; undefined if it is no name of a host. A server may answer anything: what could
 * drive a terminal, or an address, which ends with digits and would be taken for that of the peer.
 */
export function toHostName(answer: string): string | undefined {
  const name = answer.replace(/\.$/, '');
  const labels = name.split('.');
  const isName = name.length <= MAX_NAME && labels.every((label) => LABEL.test(label));
  return isName && !/^\d+$/.test(labels.at(-1)!) ? name : undefined;
}
