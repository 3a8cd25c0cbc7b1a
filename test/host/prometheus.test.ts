/** The server that other tests ask: it starts on a free port, answers, and leaves nothing. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { onHost } from '../features.js';
import { prometheusPrograms, promtool, PrometheusServer } from './prometheus.js';

const NOTHING_TO_SCRAPE = 'global: {}\n';

// Guests have no network to get it from.
onHost.describe('Prometheus for tests', function () {
  this.timeout(120_000);

  before(() => prometheusPrograms());

  it('starts, answers and is gone after its end', async () => {
    const server = await PrometheusServer.start(NOTHING_TO_SCRAPE);
    const [{ value } = { value: [0, ''] }] = await server.query('vector(6 * 7)');
    assert.equal(value[1], '42');
    await assert.rejects(server.query('sum('), /parse error/);
    await server.stop();
    assert.equal(existsSync(server.folder), false);
    await assert.rejects(fetch(`${server.url}/-/ready`));
  });

  it('may be behind a path', async () => {
    const flags = ['--web.external-url=http://monitoring.example/prometheus'];
    const server = await PrometheusServer.start(NOTHING_TO_SCRAPE, { flags });
    assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+\/prometheus$/);
    await server.stop();
  });

  it('tells why it does not start', async () => {
    await assert.rejects(PrometheusServer.start('nonsense: 1\n'), /field nonsense not found/);
  });

  it('has promtool', () => {
    assert.match(promtool('--version'), /^promtool, version 2\./);
  });
});
