/** Traffic that comes and goes: network namespaces, processes, connections that are made, refused, abandoned, or lose a SYN. */
import { Namespace, Network, SERVER, connect, listen, storm } from '#tcpscope/lab/network.js';
import type { ConnectSummary } from '#tcpscope/lab/network.js';

/** Namespaces that live at the same time. */
const LANES = 2;
/** Processes that connect in the life of a namespace, and the connections of each. */
const BATCHES = 20;
const BATCH = 250;
const REFUSED = 20;
/** To a full queue, so that the SYNs are dropped. */
const ABANDONED = { count: 7, concurrent: 7, timeoutMs: 50 };
/** What a paced connect() takes longer than its gap: the kernel's timer slack and the handshake. */
const LATE_US = 60;

const PORT = { open: 9000, full: 9001, silent: 9002, losesFirstSyn: 9003, nobody: 9 };
/** Connects that lose every SYN, of which one is sent again. */
const STORM = { perSecond: 50, seconds: 5 };
const UNLUCKY = { count: 40, concurrent: 40, reset: true };

/** What the traffic came to: as its programs say, and as the kernel's counters of its namespaces do. */
export interface Traffic {
  attempts: number;
  ok: number;
  refused: number;
  abandoned: number;
  processes: number;
  namespaces: number;
  kernel: { activeOpens: number; attemptFails: number; synRetrans: number; retransSegs: number };
}

export interface ChurnOptions {
  /** Of the processes that connect. */
  name: string;
  /** Connections a second, at the most. */
  rate: number;
  /** Different remote addresses. */
  remotes: number;
}

export class Churn {
  readonly traffic: Traffic = {
    ...{ attempts: 0, ok: 0, refused: 0, abandoned: 0, processes: 0, namespaces: 0 },
    kernel: { activeOpens: 0, attemptFails: 0, synRetrans: 0, retransSegs: 0 },
  };
  #ending = false;
  #nextRemote = 0;
  readonly #lanes: Promise<void>;

  constructor(private readonly options: ChurnOptions) {
    this.#lanes = Promise.all([this.#lossy(), ...Array.from({ length: LANES }, () => this.#lane())]).then(
      () => undefined,
    );
    this.#lanes.catch(() => undefined); // told by end()
  }

  /** Lets what is under way come to its end. Rejects where traffic failed. */
  async end(): Promise<void> {
    this.#ending = true;
    await this.#lanes;
  }

  /** Rejects when traffic fails. */
  async failure(): Promise<never> {
    await this.#lanes;
    throw new Error('the traffic has ended by itself');
  }

  async #lane(): Promise<void> {
    while (!this.#ending) {
      const namespace = this.#begun(await Namespace.create('soak'));
      await this.#live(namespace);
      await this.#count(namespace);
      await namespace.destroy();
    }
  }

  /** One life of a namespace. */
  async #live(namespace: Namespace): Promise<void> {
    const { name, rate } = this.options;
    await listen(namespace, '0.0.0.0', PORT.open, { close: true, name });
    await listen(namespace, '127.0.0.1', PORT.full, { noAccept: true, backlog: 1, name });
    const gapUs = Math.max(0, Math.round((LANES * 1e6) / rate) - LATE_US);
    for (let batch = 0; batch < BATCHES && !this.#ending; batch++) {
      const options = { name, count: BATCH, gapUs, reset: true };
      this.#add(await connect(namespace, this.#remote(), PORT.open, options));
    }
    this.#add(await connect(namespace, '127.0.0.1', PORT.nobody, { name, count: REFUSED }));
    this.#add(await connect(namespace, '127.0.0.1', PORT.full, { name, ...ABANDONED }));
  }

  async #lossy(): Promise<void> {
    const { name } = this.options;
    const drop = [`all-syn:${PORT.silent}`, `first-syn:${PORT.losesFirstSyn}`];
    const network = await Network.create({ name: 'soak', drop });
    this.#begun(network.client);
    this.#begun(network.server);
    await listen(network.server, SERVER.ipv4, PORT.losesFirstSyn, { close: true, name });
    while (!this.#ending) {
      const { perSecond, seconds } = STORM;
      const [{ connections }, unlucky] = await Promise.all([
        storm(network.client, perSecond, seconds, SERVER.ipv4, PORT.silent, { name }),
        connect(network.client, SERVER.ipv4, PORT.losesFirstSyn, { name, ...UNLUCKY }),
      ]);
      this.traffic.processes++;
      this.traffic.attempts += connections;
      this.traffic.abandoned += connections;
      this.#add(unlucky);
    }
    await this.#count(network.client);
    await this.#count(network.server);
    await network.destroy();
  }

  /** Every address of 127.0.0.0/8 is this host's; each comes again after all others. */
  #remote(): string {
    const number = this.#nextRemote++ % this.options.remotes;
    return `127.1.${number >> 8}.${number & 255}`;
  }

  #begun(namespace: Namespace): Namespace {
    this.traffic.namespaces++;
    return namespace;
  }

  #add({ attempts, ok, abandoned, errors }: ConnectSummary): void {
    const refused = errors['ECONNREFUSED'] ?? 0;
    if (ok + abandoned + refused !== attempts) throw new Error(`connects failed: ${JSON.stringify(errors)}`);
    this.traffic.processes++;
    this.traffic.attempts += attempts;
    this.traffic.ok += ok;
    this.traffic.abandoned += abandoned;
    this.traffic.refused += refused;
  }

  /** Takes the counters of a namespace that is about to end. */
  async #count(namespace: Namespace): Promise<void> {
    const counters = await namespace.snmp();
    const { kernel } = this.traffic;
    kernel.activeOpens += counters['Tcp.ActiveOpens']!;
    kernel.attemptFails += counters['Tcp.AttemptFails']!;
    kernel.synRetrans += counters['TcpExt.TCPSynRetrans']!;
    kernel.retransSegs += counters['Tcp.RetransSegs']!;
  }
}
