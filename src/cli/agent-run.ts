/** The agent: what is measured, where it goes, and what the configuration may change of both while it runs. */
import { NetworkSeriesReducer, type SeriesOptions } from '../aggregate/network-series.js';
import { runAgent } from '../agent/agent.js';
import { HangUps } from '../agent/hang-ups.js';
import { judge } from '../agent/health.js';
import { AgentLog } from '../agent/log.js';
import { Measurement } from '../agent/measurement.js';
import { Pages } from '../agent/pages.js';
import { PushedOutputs } from '../agent/pushed.js';
import { AttributedSource } from '../attribute/attributed-source.js';
import { placeNetworks } from '../attribute/place-networks.js';
import type { Places } from '../attribute/places.js';
import { loadConfig, type LoadedConfig } from '../host/config-file.js';
import { NetworkSource } from '../kernel/network.js';
import { renouncePrivileges } from '../kernel/renounce.js';
import { DEFAULT_AGENT, type AgentConfig } from '../model/agent-config.js';
import { Failure } from '../model/failure.js';
import type { NetworkItem } from '../model/network.js';
import { monotonicNs } from '../session/clock.js';
import { readAccess } from './agent-access.js';
import { agentMakers } from './agent-makers.js';
import { toFilter } from './filter-flags.js';
import { regionOfThisHost } from './host-region.js';
import { openLiveAttribution, type LiveAttribution } from './live-attribution.js';

export interface AgentFlags {
  config: string | undefined;
  netns: string[] | undefined;
  'host-root': string;
}

/** Between two looks at what all open sockets have sent. */
const SAMPLE_NS = 5e9;
/** For what is published at the end. */
const LAST_MS = 5_000;

/** Runs until a signal ends it. @throws {Failure} or {RangeError} if it cannot begin. */
export async function runConfiguredAgent(flags: AgentFlags, version: string): Promise<void> {
  const hangUps = new HangUps();
  // Whoever reads the log may go: that is not the end of the measurement.
  process.stderr.on('error', () => undefined);
  let source: NetworkSource | undefined;
  const attribution = await openLiveAttribution(
    { ...flags, external: false, internal: false, dns: false, numeric: false },
    { newCgroupPath: (id) => source?.cgroupPath(id), onName: () => undefined },
  );
  let agent: Agent | undefined;
  try {
    const config = attribution.config.agent ?? DEFAULT_AGENT;
    source = NetworkSource.start({
      filter: toFilter({ netns: flags.netns }),
      transport: 'auto',
      byRemote: config.topRemotes > 0,
      byProcess: attribution.hasCgroupV1,
      sampleNs: SAMPLE_NS,
      places: placeNetworks(attribution.places),
      hostRoot: flags['host-root'],
    });
    agent = new Agent(source, attribution, config, version);
    await agent.open();
    await agent.run(flags.config, hangUps);
  } finally {
    await agent?.close();
    source?.close();
    attribution.close();
    hangUps.close();
  }
}

class Agent {
  private readonly log = new AgentLog();
  private readonly counts: NetworkSeriesReducer;
  private readonly measurement: Measurement;
  private readonly pages: Pages;
  private readonly pushed: PushedOutputs;

  constructor(
    private readonly source: NetworkSource,
    private readonly attribution: LiveAttribution,
    private config: AgentConfig,
    version: string,
  ) {
    const { log } = this;
    this.counts = new NetworkSeriesReducer(seriesOptions(config, attribution.places), monotonicNs());
    const attribute = attribution.attribute.bind(attribution);
    const attributed = new AttributedSource<NetworkItem>(source, { attribute, wants: () => true });
    this.measurement = new Measurement({ source: attributed, counts: this.counts, version });
    const snapshot = this.measurement.fresh.bind(this.measurement);
    this.pushed = new PushedOutputs({ makers: agentMakers(version), snapshot, log });
    this.pages = new Pages({
      snapshot,
      health: () =>
        judge({
          intervalNs: this.intervalNs,
          sinceDrainNs: monotonicNs() - this.measurement.lastDrainNs,
          outputs: this.pushed.ages(),
        }),
      outputs: () => {
        const prometheus = this.pages.telemetry();
        return { ...(prometheus && { prometheus }), ...this.pushed.telemetry() };
      },
      access: readAccess,
      log,
    });
  }

  /** @throws {Failure} if an output cannot be opened */
  async open(): Promise<void> {
    await this.pages.serve(this.config);
    await this.pushed.publishTo(this.config);
  }

  async run(configFile: string | undefined, hangUps: HangUps): Promise<void> {
    const { log, source, measurement, attribution } = this;
    for (const warning of attribution.warnings) log.tell(warning);
    const warning = renouncePrivileges({ entersNamespaces: false, ...attribution });
    if (warning !== undefined) log.tell(warning);
    await runAgent({
      measurement,
      source,
      log,
      hangUps,
      intervalNs: () => this.intervalNs,
      began: () => {
        log.tell(`Tracing TCP of this host; ${this.destinations()}.`);
      },
      reload: () => this.reload(configFile),
      end: () => this.pushed.end(LAST_MS),
    });
  }

  async close(): Promise<void> {
    await this.pushed.close();
    await this.pages.close();
  }

  private get intervalNs(): number {
    return this.config.intervalMs * 1e6;
  }

  private destinations(): string {
    const pushed = Object.keys(this.pushed.telemetry()).map((name) => `publishing by ${name}`);
    return [...this.pages.urls(), ...pushed].join(', ');
  }

  /** What of a new configuration cannot be had stays as it was; the rest changes. */
  private async reload(file: string | undefined): Promise<void> {
    await this.attempt(async () => {
      const loaded = await loadConfig(file);
      const config = this.reachable(loaded.config.agent ?? DEFAULT_AGENT);
      this.replacePlaces(loaded, config);
      this.config = config;
      await this.attempt(() => this.pages.serve(config));
      await this.attempt(() => this.pushed.publishTo(config));
      this.log.tell(`the configuration was read again; ${this.destinations()}`);
    });
  }

  private replacePlaces({ places }: LoadedConfig, config: AgentConfig): void {
    // What has been counted is where it was.
    this.measurement.drain();
    this.source.replacePlaces(placeNetworks(places));
    this.attribution.replacePlaces(places);
    this.counts.relabel(seriesOptions(config, places));
  }

  /** The kernel keeps remote addresses apart from the start on, or never. */
  private reachable(config: AgentConfig): AgentConfig {
    if (this.config.topRemotes > 0 || config.topRemotes === 0) return config;
    this.log.tell('agent.remotes takes effect with the next start');
    return { ...config, topRemotes: 0 };
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const { what, why } =
        error instanceof Failure ? error : { what: 'The configuration was not changed.', why: String(error) };
      for (const line of [what, ...why.split('\n')]) this.log.tell(line);
    }
  }
}

const seriesOptions = (config: AgentConfig, places: Places): SeriesOptions => ({
  source: config.source,
  sourceRegion: config.region ?? regionOfThisHost(places),
  maxSeries: config.maxSeries,
  topRemotes: config.topRemotes,
});
