/** The text that Prometheus reads. Loaded only where there is a /metrics: it brings prom-client. */
import { Registry, type Metric } from 'prom-client';
import { FAMILIES, type Family, type Measured } from './prometheus-families.js';

/** Puts what was measured into the text format 0.0.4. */
export class PrometheusText {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  private readonly registry = new Registry();
  private measured: Measured | undefined;

  constructor() {
    for (const family of FAMILIES) this.registry.registerMetric(this.metricOf(family));
  }

  of(measured: Measured): Promise<string> {
    this.measured = measured;
    // It asks all metrics for their values before this returns.
    return this.registry.metrics();
  }

  /** Values are counted in the kernel already: prom-client's own metrics would count them once more, one by one. */
  private metricOf({ name, help, type, ...family }: Family): Metric {
    const get = (): object => ({
      name,
      help,
      type,
      aggregator: 'sum',
      values: this.measured ? family.samples(this.measured) : [],
    });
    return { name, get } as unknown as Metric;
  }
}
