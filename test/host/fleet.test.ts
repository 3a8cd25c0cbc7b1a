/** `fleet` and a real Prometheus, with what hosts would have published; the truth is computed from their raw latencies. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { formatCount } from '#tcpscope/model/units.js';
import { fleet } from '../cli/fleet-server.js';
import { ROOT } from '../cli/program.js';
import { onHost } from '../features.js';
import { bucketOf, quantileOf, SCRAPE_S, writeBlocks, type HostTraffic } from './fleet-data.js';
import { newFolder, promtool, PrometheusServer } from './prometheus.js';

const END = '2026-01-05T16:00:00Z';
const END_S = Date.parse(END) / 1000;
const RANGE_S = 600;
/** What rates of the first minutes are made of. */
const BEFORE_S = 600;
const INTERVALS = RANGE_S / SCRAPE_S;

/** So many latencies from `from` to `to` seconds, evenly. */
const spread = (count: number, from: number, to: number): number[] =>
  Array.from({ length: count }, (_, at) => from + ((to - from) * (at + 0.5)) / count);

const labels = (instance: string, sourceRegion: string, region: string): Record<string, string> => ({
  ...{ instance, job: 'tcpscope', source_region: sourceRegion, region },
  ...{ source_namespace: 'shop', external: 'no', role: 'db' },
});

/** A busy host that is fast, and one with a seventh of its traffic that is slow. */
const FAST: HostTraffic = {
  labels: labels('web-1', 'eu', 'eu'),
  latencies: spread(701, 0.0002, 0.0009),
  failures: { refused: 3, timeout: 2 },
  synLost: 5,
  retransmits: { rto: 7, fast: 11, syn: 13, synack: 17 },
  sent: 9973,
};
const SLOW: HostTraffic = {
  labels: labels('web-2', 'eu', 'eu'),
  latencies: spread(101, 0.02, 0.09),
  failures: { refused: 1 },
  synLost: 2,
  retransmits: { tlp: 19 },
  sent: 1009,
};
const FAR: HostTraffic = {
  labels: { ...labels('web-1', 'eu', 'a.b|"c\\'), external: 'yes', source_namespace: 'web' },
  latencies: spread(53, 0.03, 0.04),
};
/** Counts that are no multiple of each other. */
const HOSTS = [FAST, SLOW, FAR];

type Row = Record<string, number | string | null>;

// Guests have no network to get Prometheus from, and no kernel changes what it computes.
onHost.describe('tcpscope fleet and Prometheus', function () {
  this.timeout(120_000);
  let server: PrometheusServer;
  before(async () => {
    const folder = newFolder();
    writeBlocks(folder, HOSTS, END_S - RANGE_S - BEFORE_S, END_S);
    const flags = ['--web.external-url=http://monitoring.example/prometheus'];
    server = await PrometheusServer.start('global: {}\n', { folder, flags });
  });
  after(() => server.stop());

  const ask = async (...args: string[]): Promise<{ stdout: string; stderr: string }> => {
    const { code, ...said } = await fleet('--prometheus', server.url, '--at', END, '--range', '10m', ...args);
    assert.equal(code, 0, said.stderr);
    return said;
  };
  const rows = async (...args: string[]): Promise<Row[]> => {
    const { stdout } = await ask('--json', ...args);
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Row);
  };

  it('gives quantiles of all handshakes of two hosts, and not of their quantiles', async () => {
    const [merged = {}] = await rows('--region', 'eu');
    const byHost = await rows('--region', 'eu', '--by', 'instance');
    for (const [key, share] of [
      ['p50_us', 0.5],
      ['p95_us', 0.95],
      ['p99_us', 0.99],
    ] as const) {
      const truth = quantileOf([...FAST.latencies, ...SLOW.latencies], share);
      const [low, high] = bucketOf(truth);
      const inBucket = (us: number): boolean => us > low * 1e6 && us <= high * 1e6;
      assert.ok(inBucket(Number(merged[key])), `${key} ${merged[key]}, in truth ${truth * 1e6}`);
      const average = byHost.reduce((sum, row) => sum + Number(row[key]), 0) / byHost.length;
      assert.ok(!inBucket(average), `the average ${average} would be wrong`);
    }
  });

  it('counts what happened on all of them, exactly', async () => {
    const [row = {}] = await rows('--region', 'eu');
    assert.deepEqual(
      [row['attempts'], row['fail'], row['lost_syn']],
      [(701 + 101 + 6) * INTERVALS, 6 * INTERVALS, 7 * INTERVALS],
    );
    assert.ok(Math.abs(Number(row['syn_loss_percent']) - (100 * 7) / 808) < 1e-4);
    assert.ok(Math.abs(Number(row['ratio_percent']) - (100 * (7 + 11 + 19)) / (9973 + 1009)) < 1e-4);
  });

  it('groups by any labels', async () => {
    const byHost = await rows('--by', 'instance,external', '--sort', 'instance');
    assert.deepEqual(
      byHost.map(({ instance, external, attempts }) => [instance, external, attempts]),
      [
        ['web-1', 'no', 706 * INTERVALS],
        ['web-1', 'yes', 53 * INTERVALS],
        ['web-2', 'no', 102 * INTERVALS],
      ],
    );
  });

  it('filters by label, whatever is in a value', async () => {
    const regions = async (...args: string[]): Promise<unknown[]> =>
      (await rows('--by', 'region', '--sort', 'region', ...args)).map(({ region }) => region);
    const odd = 'a.b|"c\\';
    assert.deepEqual(await regions(), [odd, 'eu']);
    assert.deepEqual(await regions('--region', odd), [odd]);
    assert.deepEqual(await regions('--region', odd, '--region', 'none'), [odd], 'as a pattern too');
    assert.deepEqual(await regions('--external', 'yes'), [odd]);
    assert.deepEqual(await regions('--external', 'no'), ['eu']);
    assert.deepEqual(await regions('--namespace', 'web'), [odd]);
    assert.deepEqual(await regions('--source-region', 'eu', '--match', 'instance=web-2'), ['eu']);
    const { code } = await fleet('--prometheus', server.url, '--at', END, '--region', 'a.b');
    assert.equal(code, 1, 'a dot is no wildcard');
  });

  it('shows a table of people, sorted and cut', async () => {
    const { stdout } = await ask('--by', 'instance,region', '--sort', 'p99', '--top', '2');
    assert.deepEqual(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ {2,}/)[0]),
      ['INSTANCE', 'web-2', 'web-1', '… 1 more'],
    );
  });

  it('draws P99 over the range', async () => {
    const { stdout, stderr } = await ask('--by', 'source_region', '--trend');
    const [header = '', row = ''] = stdout.split('\n');
    assert.match(header, / LAST 10m 00s$/);
    assert.match(row, / ▁{10}$/);
    assert.match(stderr, /^9 queries/);
  });

  it('is a matrix that has the same numbers', async () => {
    const pairs = await rows('--heatmap');
    const [row = {}] = await rows('--region', 'eu');
    const pair = pairs.find(({ source, destination }) => source === 'eu' && destination === 'eu');
    assert.deepEqual(
      [pair?.['p99_us'], pair?.['attempts'], pair?.['state']],
      [row['p99_us'], row['attempts'], 'red'],
    );
    const [lost] = await rows('--heatmap', '--metric', 'drop-rate', '--region', 'eu');
    assert.ok(Math.abs(Number(lost?.['drop_rate']) - 7 / 808) < 1e-9);
    const [calm] = await rows('--heatmap', '--region', 'eu', '--warn', '80ms', '--crit', '1s');
    assert.equal(calm?.['state'], 'yellow');
    const [few] = await rows('--heatmap', '--region', 'eu', '--min-attempts', '1000000');
    assert.deepEqual([few?.['p99_us'], few?.['state']], [null, 'white']);
  });

  it('is the same of what the recording rules have added up, for a fraction', async () => {
    const rules = path.join(ROOT, 'docs/monitoring/recording-rules.yml');
    const [from, to] = [END_S - RANGE_S - 60, END_S].map(String);
    const folder = newFolder();
    promtool(
      ...['tsdb', 'create-blocks-from', 'rules', '--start', from!, '--end', to!],
      ...['--url', server.url, '--output-dir', path.join(folder, 'data'), '--eval-interval', '60s', rules],
    );
    const again = await PrometheusServer.start('global: {}\n', { folder });
    const args = ['--prometheus', again.url, '--at', END, '--range', '10m', '--json', '--recorded'];
    const { stdout, stderr } = await fleet(...args, '--region', 'eu');
    const instances = await fleet(...args, '--by', 'instance');
    await again.stop();
    const [scraped = {}] = await rows('--region', 'eu');
    const recorded = JSON.parse(stdout) as Row;
    for (const [key, value] of Object.entries(scraped))
      if (typeof value === 'number') assert.ok(Math.abs(Number(recorded[key]) / value - 1) < 1e-6, key);
      else assert.equal(recorded[key], value, key);
    // One sample a minute of each series, and no hosts.
    const series = 35 * 3 + 1 + 2 + 1 + 3 + 1;
    assert.match(stderr, new RegExp(`, ${formatCount(10 * series)} samples read`));
    assert.match(instances.stderr, /^warning: no series has the label instance$/m);
  });

  it('says what it cost, as the server counts it', async () => {
    const { stderr } = await ask('--by', 'instance', '--region', 'eu');
    const [, queries, series, samples = ''] =
      /^(\d+) queries in .*: (\d+) series returned, ([\d,]+) samples read by the server$/m.exec(stderr) ?? [];
    assert.deepEqual([queries, series], ['8', '16']);
    // Both ends of the range are scrapes. Of FAST and SLOW: attempts, SYNs lost, sent; failures; data retransmissions.
    const scrapes = INTERVALS + 1;
    const buckets = 2 * 35;
    assert.equal(Number(samples.replaceAll(',', '')), scrapes * (2 * 3 + 3 + 3 + 3 * buckets));
  });

  it('is told by the server itself what is wrong', async () => {
    const { code, stderr } = await fleet('--prometheus', `${server.url}/wrong`);
    assert.equal(code, 1);
    assert.match(stderr, /HTTP status 404/);
  });
});
