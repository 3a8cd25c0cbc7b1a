/** Outputs that are published to. */
import { isDeepStrictEqual } from 'node:util';
import type { AgentConfig } from '../model/agent-config.js';
import type { NetworkSnapshot } from '../model/network.js';
import { monotonicNs } from '../session/clock.js';
import type { AgentLog } from './log.js';
import type { Output, OutputTelemetry } from './output.js';
import { Publisher } from './publisher.js';

export const PUSHED = ['otlp', 'dogstatsd'] as const;
type PushedName = (typeof PUSHED)[number];

/** Opens each. Each throws a {Failure} if that cannot be. */
export type Makers = {
  readonly [Name in PushedName]: (config: NonNullable<AgentConfig[Name]>) => Promise<Output>;
};

export interface PushedOptions {
  readonly makers: Makers;
  snapshot(): NetworkSnapshot;
  readonly log: AgentLog;
}

interface Pushed {
  readonly config: unknown;
  readonly publisher: Publisher;
}

/** For what an output that is replaced publishes at its end. */
const REPLACEMENT_MS = 2_000;
const NOTHING: OutputTelemetry = { sent: 0, failed: 0, dropped: 0, bytes: 0, lastError: undefined };

export class PushedOutputs {
  private readonly pushed = new Map<PushedName, Pushed>();
  /** Of outputs that were replaced: counters go on. */
  private readonly before = new Map<PushedName, OutputTelemetry>();
  private begun = false;

  constructor(private readonly options: PushedOptions) {}

  /** Publishes to these from now on. Those that are as before go on. @throws {Failure} if one cannot be opened: then none changes. */
  async publishTo(config: AgentConfig): Promise<void> {
    const opened = new Map<PushedName, Output>();
    try {
      for (const name of PUSHED)
        if (!isDeepStrictEqual(config[name], this.pushed.get(name)?.config))
          await this.open(name, config, opened);
    } catch (error) {
      for (const output of opened.values()) await output.close();
      throw error;
    }
    for (const name of PUSHED) await this.replace(name, config, opened.get(name));
    this.begun = true;
  }

  telemetry(): Record<string, OutputTelemetry> {
    return Object.fromEntries(
      [...this.pushed].map(([name, { publisher }]) => [
        name,
        added(this.before.get(name), publisher.output.telemetry()),
      ]),
    );
  }

  /** Since each output last worked, ns. */
  ages(): { name: string; sinceGoodNs: number }[] {
    const nowNs = monotonicNs();
    return [...this.pushed].map(([name, { publisher }]) => ({
      name,
      sinceGoodNs: nowNs - publisher.lastGoodNs,
    }));
  }

  /** Publishes what is new a last time, and closes, within so long. */
  async end(patienceMs: number): Promise<void> {
    const last = this.options.snapshot();
    await Promise.all([...this.pushed.values()].map(({ publisher }) => publisher.end(last, patienceMs)));
  }

  /** Of what could not be begun. */
  async close(): Promise<void> {
    await Promise.all([...this.pushed.values()].map(({ publisher }) => publisher.close()));
  }

  private async open(name: PushedName, config: AgentConfig, opened: Map<PushedName, Output>): Promise<void> {
    const output = await this.make(name, config);
    if (output) opened.set(name, output);
  }

  private async make(name: PushedName, { otlp, dogstatsd }: AgentConfig): Promise<Output | undefined> {
    const { makers } = this.options;
    if (name === 'otlp') return otlp && makers.otlp(otlp);
    return dogstatsd && makers.dogstatsd(dogstatsd);
  }

  private async replace(name: PushedName, config: AgentConfig, output: Output | undefined): Promise<void> {
    const old = this.pushed.get(name);
    if (old && isDeepStrictEqual(config[name], old.config)) {
      old.publisher.every(config.intervalMs);
      return;
    }
    if (!old && !output) return;
    // The new one has no part in what was before, nor the old one in what comes after.
    const now = this.options.snapshot();
    if (this.begun) output?.begin(now);
    if (old) {
      this.pushed.delete(name);
      await old.publisher.end(now, REPLACEMENT_MS);
      this.before.set(name, added(this.before.get(name), old.publisher.output.telemetry()));
    }
    if (!output) return;
    const { log } = this.options;
    const snapshot = (): NetworkSnapshot => this.options.snapshot();
    const publisher = new Publisher(output, { intervalMs: config.intervalMs, snapshot, log });
    this.pushed.set(name, { config: config[name], publisher });
  }
}

function added(before = NOTHING, now: OutputTelemetry): OutputTelemetry {
  return {
    sent: before.sent + now.sent,
    failed: before.failed + now.failed,
    dropped: before.dropped + now.dropped,
    bytes: before.bytes + now.bytes,
    lastError: now.lastError,
  };
}
