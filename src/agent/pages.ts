/** What the agent answers by HTTP: /metrics for Prometheus, /healthz for whoever keeps it running. */
import { isIPv4 } from 'node:net';
import type { ListenAddress, PrometheusConfig } from '../model/agent-config.js';
import type { NetworkSnapshot } from '../model/network.js';
import { sanitize } from '../model/units.js';
import type { Health } from './health.js';
import { HttpServer, type Access, type Answer, type Route } from './http-server.js';
import type { AgentLog } from './log.js';
import type { OutputTelemetry } from './output.js';
import type { PrometheusText } from './prometheus.js';

export interface PagesConfig {
  readonly prometheus: PrometheusConfig | undefined;
  /** Of /healthz alone. */
  readonly health: ListenAddress | undefined;
}

export interface PagesOptions {
  snapshot(): NetworkSnapshot;
  health(): Health;
  /** Of all outputs, by their names. */
  outputs(): Readonly<Record<string, OutputTelemetry>>;
  /** Reads certificate, key and password. @throws {Failure} */
  access(config: PrometheusConfig): Access;
  readonly log: AgentLog;
}

type PageName = 'metrics' | 'health';

interface Wanted {
  readonly listen: ListenAddress;
  readonly access: Access;
  readonly routes: Readonly<Record<string, Route>>;
}

interface Served extends Wanted {
  readonly server: HttpServer;
}

const OPEN: Access = { tls: undefined, basicAuth: undefined };
const STATUS_CODE = { ok: 200, degraded: 200, failed: 503 } as const;
const INDEX = `<!doctype html>
<title>tcpscope agent</title>
<h1>tcpscope agent</h1>
<ul>
<li><a href="/metrics">/metrics</a>: for Prometheus</li>
<li><a href="/healthz">/healthz</a>: whether it measures</li>
</ul>
`;

export class Pages {
  private readonly served = new Map<PageName, Served>();
  private text: PrometheusText | undefined;
  private latest: { snapshot: NetworkSnapshot; text: Promise<string> } | undefined;
  private counted = { sent: 0, failed: 0, dropped: 0, bytes: 0, lastError: undefined as string | undefined };
  private readonly processStartS = performance.timeOrigin / 1e3;

  constructor(private readonly options: PagesOptions) {}

  /** Serves what is wanted from now on. @throws {Failure} if some of it cannot be: that stays as it was. */
  async serve({ prometheus, health }: PagesConfig): Promise<void> {
    if (prometheus) this.text ??= new (await import('./prometheus.js')).PrometheusText();
    // Read before anything is changed.
    const metrics = prometheus && {
      listen: prometheus.listen,
      access: this.requireAccess(prometheus),
      routes: this.metricsRoutes(),
    };
    await this.replace('metrics', metrics);
    const isBeside = health && prometheus && isSame(health, prometheus.listen);
    const alone = health && !isBeside && { listen: health, access: OPEN, routes: this.healthRoutes() };
    await this.replace('health', alone === false ? undefined : alone);
  }

  /** Of /metrics; undefined if there is none. */
  telemetry(): OutputTelemetry | undefined {
    return this.served.has('metrics') ? this.counted : undefined;
  }

  /** Where its pages are. */
  urls(): string[] {
    return [...this.served].map(
      ([name, { server }]) => `${server.url}${name === 'metrics' ? '/metrics' : '/healthz'}`,
    );
  }

  async close(): Promise<void> {
    const servers = [...this.served.values()].map(({ server }) => server.close());
    this.served.clear();
    await Promise.all(servers);
  }

  private requireAccess(config: PrometheusConfig): Access {
    const access = this.options.access(config);
    if (access.basicAuth && !access.tls && !isLoopback(config.listen))
      this.options.log.tell('basic-auth without tls: whoever is on the way can read the password');
    return access;
  }

  private async replace(name: PageName, wanted: Wanted | undefined): Promise<void> {
    const old = this.served.get(name);
    if (old && wanted && isInPlace(old, wanted)) {
      old.server.replaceAccess(wanted.access);
      this.served.set(name, { ...wanted, server: old.server });
      return;
    }
    // No two can listen there.
    const isInTheWay = old && wanted && isSame(old.listen, wanted.listen);
    if (isInTheWay) await old.server.close();
    try {
      if (wanted) this.served.set(name, await this.listen(wanted));
      else this.served.delete(name);
    } catch (error) {
      if (isInTheWay) this.served.set(name, await this.listen(old));
      throw error;
    }
    if (old && !isInTheWay) await old.server.close();
  }

  private async listen({ listen, access, routes }: Wanted): Promise<Served> {
    const server = await HttpServer.listen({
      listen,
      access,
      routes,
      onSent: (path, bytes) => {
        if (path !== '/metrics') return;
        this.counted = {
          ...this.counted,
          sent: this.counted.sent + 1,
          bytes: this.counted.bytes + bytes,
          lastError: undefined,
        };
      },
      onFailed: (path, error) => {
        const lastError = sanitize(error instanceof Error ? error.message : String(error));
        if (path === '/metrics')
          this.counted = { ...this.counted, failed: this.counted.failed + 1, lastError };
        this.options.log.complain(`${path}: ${lastError}`);
      },
    });
    return { listen, access, routes, server };
  }

  private metricsRoutes(): Record<string, Route> {
    return {
      '/': { isProtected: false, answer: () => html(INDEX) },
      '/metrics': { isProtected: true, answer: () => this.metrics() },
      ...this.healthRoutes(),
    };
  }

  private healthRoutes(): Record<string, Route> {
    return { '/healthz': { isProtected: false, answer: () => healthAnswer(this.options.health()) } };
  }

  private async metrics(): Promise<Answer> {
    const snapshot = this.options.snapshot();
    if (this.latest?.snapshot !== snapshot) {
      const measured = { snapshot, outputs: this.options.outputs(), processStartS: this.processStartS };
      this.latest = { snapshot, text: this.text!.of(measured) };
    }
    return { status: 200, contentType: this.text!.contentType, text: await this.latest.text };
  }
}

function healthAnswer(health: Health): Answer {
  return {
    status: STATUS_CODE[health.status],
    contentType: 'application/json',
    text: `${JSON.stringify(health)}\n`,
  };
}

const html = (text: string): Answer => ({ status: 200, contentType: 'text/html; charset=utf-8', text });

const isSame = (one: ListenAddress, other: ListenAddress): boolean =>
  one.host === other.host && one.port === other.port;

const isInPlace = (one: Wanted, other: Wanted): boolean =>
  isSame(one.listen, other.listen) && (one.access.tls === undefined) === (other.access.tls === undefined);

const isLoopback = ({ host }: ListenAddress): boolean =>
  host === '::1' || host === 'localhost' || (isIPv4(host) && host.startsWith('127.'));
