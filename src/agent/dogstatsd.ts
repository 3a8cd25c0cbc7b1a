/** DogStatsD: to an Agent of Datadog, or whoever else takes that, by UDP or by a socket of the file system. */
import { Writable } from 'node:stream';
import type { StatsD } from 'hot-shots';
import type { DogStatsdConfig } from '../model/agent-config.js';
import type { NetworkSnapshot } from '../model/network.js';
import { sanitize } from '../model/units.js';
import { BackOff, REAL_SURROUNDINGS, type Surroundings } from './back-off.js';
import { openDatagrams } from './datagrams.js';
import { Ledger, type Line } from './dogstatsd-lines.js';
import { METRICS_OF } from './dogstatsd-metrics.js';
import type { Output, OutputTelemetry } from './output.js';

/** What the Agent reads at once, and what is not cut to pieces on the way in an Ethernet. */
const MOST_BYTES = { path: 8_192, udp: 1_432 };

export async function createDogStatsdOutput(
  config: DogStatsdConfig,
  surroundings: Surroundings = REAL_SURROUNDINGS,
): Promise<Output> {
  const { StatsD } = await import('hot-shots');
  return new DogStatsdOutput(config, new Packer(StatsD, config), surroundings);
}

declare module 'hot-shots' {
  interface StatsD {
    /** Not among its types. Its methods for distributions take a rate only to leave out values at random. */
    send(message: string, tags: readonly string[]): void;
  }
}

interface Packet {
  readonly bytes: Uint8Array;
  readonly lines: readonly Line[];
}

/** hot-shots, which writes tags and fills packets, and does not say what became of a line: so it writes to us. */
class Packer {
  readonly #client: StatsD;
  #packets: Buffer[] = [];

  constructor(Client: typeof StatsD, { address, tags }: DogStatsdConfig) {
    const stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.#packets.push(chunk);
        done();
      },
    });
    this.#client = new Client({
      protocol: 'stream',
      stream,
      maxBufferSize: 'path' in address ? MOST_BYTES.path : MOST_BYTES.udp,
      globalTags: [...tags],
      // Otherwise variables of the environment would add tags, and metrics of its own.
      datadog: false,
      includeDataDogTags: false,
      includeDatadogTelemetry: false,
    });
  }

  pack(lines: readonly Line[]): Packet[] {
    for (const { message, tags } of lines) this.#client.send(message, tags);
    this.#client.flush();
    const packets = this.#packets;
    this.#packets = [];
    let at = 0;
    return packets.map((bytes) => {
      // Each line ends with one.
      const count = bytes.toString('latin1').split('\n').length - 1;
      return { bytes: bytes.subarray(0, -1), lines: lines.slice(at, (at += count)) };
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#client.close(() => {
        resolve();
      });
    });
  }
}

class DogStatsdOutput implements Output {
  readonly name = 'dogstatsd';
  readonly #backOff: BackOff;
  readonly #ledger = new Ledger();
  #closed = false;
  #telemetry: OutputTelemetry = { sent: 0, failed: 0, dropped: 0, bytes: 0, lastError: undefined };

  constructor(
    private readonly config: DogStatsdConfig,
    private readonly packer: Packer,
    surroundings: Surroundings,
  ) {
    this.#backOff = new BackOff(surroundings);
  }

  begin(since: NetworkSnapshot): void {
    for (const { taken } of this.#lines(since)) taken();
  }

  telemetry(): OutputTelemetry {
    return this.#telemetry;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.packer.close();
  }

  async publish(snapshot: NetworkSnapshot): Promise<void> {
    if (this.#closed || this.#backOff.waits) return;
    const packets = this.packer.pack(this.#lines(snapshot));
    try {
      await this.#send(packets);
      this.#backOff.succeeded();
      this.#telemetry = { ...this.#telemetry, lastError: undefined };
    } catch (error) {
      this.#backOff.failed();
      const lastError = sanitize((error as Error).message).slice(0, 200);
      this.#telemetry = { ...this.#telemetry, failed: this.#telemetry.failed + 1, lastError };
    }
  }

  #lines(snapshot: NetworkSnapshot): Line[] {
    return this.#ledger.lines(METRICS_OF[this.config.preset](snapshot));
  }

  async #send(packets: readonly Packet[]): Promise<void> {
    const socket = await openDatagrams(this.config.address);
    try {
      for (const { bytes, lines } of packets) {
        if (this.#closed) return;
        await socket.send(bytes);
        for (const { taken } of lines) taken();
        const { sent, bytes: before } = this.#telemetry;
        this.#telemetry = { ...this.#telemetry, sent: sent + 1, bytes: before + bytes.length };
      }
    } finally {
      socket.close();
    }
  }
}
