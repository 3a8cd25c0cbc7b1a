/**
 * A laboratory of TCP situations: two hosts on one machine, and programs that make connections of every kind
 * between them. This module is all that users of the laboratory import.
 */
import { existsSync } from 'node:fs';
import type { Child } from './child.js';
import { Namespace, nextLabNumber } from './namespace.js';
import { helperProgram } from './programs.js';

export { Child, type ChildOptions, type ExitStatus, type Output } from './child.js';
export { Namespace, removeStaleNamespaces } from './namespace.js';
export * from './traffic.js';

/** The program that is the cable. */
const LINK = helperProgram('link');

/** The addresses of the two hosts, the same in every network: the namespaces keep them apart. */
export const CLIENT = { ipv4: '10.77.0.1', ipv6: 'fd77::1' } as const;
export const SERVER = { ipv4: '10.77.0.2', ipv6: 'fd77::2' } as const;

export interface NetworkOptions {
  /** Part of the names of the namespaces, for whoever looks at `ip netns`. */
  name?: string;
  /** How long a packet takes, one way. */
  delayUs?: number;
  /** TCP segments to lose at random, both ways. */
  lossPercent?: number;
  /** Which random segments: the same seed loses the same ones of the same traffic. */
  seed?: number;
  /**
   * TCP segments to lose by rule: `first-syn`, `first-synack` or `first-data` (of every connection), `all-syn`
   * or `all-synack`, `data-3` (the third data segment that the client of every connection sends) or
   * `server-data-3` (that its server sends; neither counts what is sent again); followed by `:PORT`, only of
   * connections to that port.
   */
  drop?: string[];
  /** A cable for `cut()` and `mend()`; networks with a delay, loss or drop rules have one anyway. */
  cuttable?: boolean;
  /** IPv6 as well; true by default, where the kernel has it. */
  ipv6?: boolean;
}

/** Packets that the link has carried and dropped (by rule, `loss` for the random ones, or while it was `cut`). */
export interface Carried {
  forwarded: number;
  dropped: Record<string, number>;
}

/** Both ways together, and what came from each host. */
export interface LinkCounts extends Carried {
  fromClient: Carried;
  fromServer: Carried;
}

/** Two hosts joined by a cable: directly, or by a link that delays and loses packets when that is asked for. */
export class Network {
  #link: Child | undefined;
  #lastAnswer: Promise<unknown> = Promise.resolve();
  #isCut = false;

  private constructor(
    readonly client: Namespace,
    readonly server: Namespace,
  ) {}

  static async create(options: NetworkOptions = {}): Promise<Network> {
    const number = nextLabNumber();
    const label = options.name === undefined ? '' : `${options.name}-`;
    const client = await Namespace.create(`${label}client`, number);
    let server: Namespace | undefined;
    try {
      server = await Namespace.create(`${label}server`, number);
      const network = new Network(client, server);
      await network.#join(options);
      await network.#configure(kernelHasIpv6() && (options.ipv6 ?? true));
      return network;
    } catch (error) {
      await client.destroy();
      await server?.destroy();
      throw error;
    }
  }

  /** What the link has done so far. */
  async linkCounts(): Promise<LinkCounts> {
    return this.#inTurn(async (link) => {
      link.kill('SIGUSR1');
      const { fromA, fromB, ...both } = JSON.parse(await link.nextLine()) as Carried & {
        fromA: Carried;
        fromB: Carried;
      };
      return { ...both, fromClient: fromA, fromServer: fromB };
    });
  }

  /**
   * Cuts the cable: from now on every TCP segment is lost, both ways, but for those that are under way already.
   * Does nothing when it is cut.
   */
  async cut(): Promise<void> {
    await this.#setCut(true);
  }

  /** Mends the cable, for what is sent from now on. Does nothing when it is whole. */
  async mend(): Promise<void> {
    await this.#setCut(false);
  }

  /** Ends every program in the network and removes it. Does nothing when it is gone already. */
  async destroy(): Promise<void> {
    await Promise.all([this.client.destroy(), this.server.destroy()]);
  }

  async #setCut(cut: boolean): Promise<void> {
    await this.#inTurn(async (link) => {
      if (this.#isCut === cut) return;
      link.kill('SIGUSR2');
      this.#isCut = (await link.nextLine()) === 'cut';
    });
  }

  /** One question at a time: signals that come together are answered once, and all answers come the same way. */
  #inTurn<T>(ask: (link: Child) => Promise<T>): Promise<T> {
    const link = this.#link;
    if (!link) {
      throw new Error('Only a network with a delay, loss, drop rules or `cuttable` has a link to ask.');
    }
    const answer = this.#lastAnswer.then(() => ask(link));
    this.#lastAnswer = answer.catch(() => undefined);
    return answer;
  }

  async #join(options: NetworkOptions): Promise<void> {
    const { delayUs = 0, lossPercent = 0, seed = 1, drop = [], cuttable = false } = options;
    if (delayUs === 0 && lossPercent === 0 && drop.length === 0 && !cuttable) {
      await this.client.ip(`link add eth0 type veth peer name eth0 netns ${this.server.name}`);
      return;
    }
    checkLink();
    const numbers = [
      `--delay-us=${String(delayUs)}`,
      `--loss=${String(lossPercent)}`,
      `--seed=${String(seed)}`,
    ];
    const rules = drop.map((rule) => `--drop=${rule}`);
    // The link lives in the client's namespace: its devices never appear among the host's.
    this.#link = this.client.spawn(LINK, ['eth0', 'peer', ...numbers, ...rules]);
    await this.#link.nextLine(); // "ready"
    await this.client.ip(`link set peer netns ${this.server.name} name eth0`);
  }

  async #configure(ipv6: boolean): Promise<void> {
    for (const [host, addresses] of [
      [this.client, CLIENT],
      [this.server, SERVER],
    ] as const) {
      if (kernelHasIpv6()) await host.sysctl('net.ipv6.conf.eth0.disable_ipv6', ipv6 ? 0 : 1);
      await host.ip(
        'link set eth0 up txqueuelen 10000', // a long queue: only the link may lose packets
        `address add ${addresses.ipv4}/24 dev eth0`,
        ...(ipv6 ? [`address add ${addresses.ipv6}/64 dev eth0 nodad`] : []),
      );
    }
    await Promise.all([this.client.interfaceReady('eth0'), this.server.interfaceReady('eth0')]);
  }
}

function kernelHasIpv6(): boolean {
  return existsSync('/proc/sys/net/ipv6');
}

/** Throws one clear sentence when this machine cannot have a link. */
function checkLink(): void {
  if (!existsSync('/dev/net/tun')) {
    throw new Error(
      'A network with delay, loss or a cable to cut needs /dev/net/tun: load the kernel module tun.',
    );
  }
  if (!existsSync(LINK)) {
    throw new Error(`The helper program ${LINK} is missing: "make -C src/lab" builds it on this machine.`);
  }
}
