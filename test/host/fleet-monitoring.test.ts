/** The dashboard, alerts and recording rules of docs/monitoring: every expression is asked of a real Prometheus, of what agents publish. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { FAMILIES, type Sample } from '#tcpscope/agent/prometheus-families.js';
import { METRICS, recordedName } from '#tcpscope/fleet/promql.js';
import { fleet } from '../cli/fleet-server.js';
import { ROOT } from '../cli/program.js';
import { onHost } from '../features.js';
import { CountedNetwork } from '../unit/network-snapshots.js';
import { bucketOf, importBlocks, quantileOf, SCRAPE_S } from './fleet-data.js';
import { newFolder, promtool, PrometheusServer } from './prometheus.js';

const FOLDER = path.join(ROOT, 'docs/monitoring');
const read = (file: string): string => readFileSync(path.join(FOLDER, file), 'utf8');

interface Target {
  expr: string;
}
interface Panel {
  title: string;
  type: string;
  description?: string;
  targets?: Target[];
}
interface Variable {
  name: string;
  type: string;
  query: string | { query: string };
}
interface Dashboard {
  panels: Panel[];
  templating: { list: Variable[] };
}
interface Rule {
  alert?: string;
  record?: string;
  expr: string;
  annotations?: Record<string, string>;
}
interface RuleFile {
  groups: { name: string; rules: Rule[] }[];
}

const dashboard = JSON.parse(read('grafana-dashboard.json')) as Dashboard;
const rulesOf = (file: string): Rule[] =>
  (parse(read(file)) as RuleFile).groups.flatMap(({ rules }) => rules);
const alerts = rulesOf('alerts.yml');
const records = rulesOf('recording-rules.yml');
const panels = dashboard.panels.filter(({ type }) => type !== 'row');

/** What Grafana puts in place of its variables: all of each. */
function expanded(expression: string): string {
  const text = expression
    .replaceAll(/\$(source_namespace|region|external)\b/g, '.*')
    .replaceAll('$__rate_interval', '1m');
  assert.doesNotMatch(text, /\$/, expression);
  return text;
}

const END_S = Date.parse('2026-01-05T16:00:00Z') / 1000;
const SCRAPES = 41;
/** Nanoseconds of each scrape, of the two hosts. */
const LATENCIES = {
  'web-1': Array.from({ length: 97 }, (_, at) => 200e3 + at * 5e3),
  'web-2': Array.from({ length: 13 }, (_, at) => 20e6 + at * 3e6),
};

/** The pages of two agents at all scrapes, as lines of OpenMetrics with times. */
function pages(): string {
  const lines = new Map(
    FAMILIES.map(({ name, type }) => [name, [`# TYPE ${name.replace(/_total$/, '')} ${type}`]]),
  );
  for (const [instance, latencies] of Object.entries(LATENCIES)) {
    const network = new CountedNetwork();
    for (let scrape = 0; scrape < SCRAPES; scrape++) {
      if (scrape > 0) happen(network, latencies);
      const timeS = END_S - (SCRAPES - 1 - scrape) * SCRAPE_S;
      const measured = {
        snapshot: network.snapshot(scrape * SCRAPE_S),
        outputs: {
          otlp: { sent: 3 * scrape, failed: scrape, dropped: 2 * scrape, bytes: 0, lastError: 'busy' },
        },
        processStartS: 1_700_000_000,
      };
      for (const family of FAMILIES)
        for (const sample of family.samples(measured))
          lines.get(family.name)?.push(lineOf(family.name, sample, instance, timeS));
    }
  }
  return [...lines.values()].flat().join('\n') + '\n# EOF\n';
}

function lineOf(
  name: string,
  { metricName, sharedLabels, labels, value }: Sample,
  instance: string,
  timeS: number,
): string {
  const all = { job: 'tcpscope', instance, ...sharedLabels, ...labels };
  const text = Object.entries(all).map(([label, each]) => `${label}=${JSON.stringify(each)}`);
  return `${metricName ?? name}{${text.join(',')}} ${value} ${timeS}`;
}

/** What happens between two scrapes. */
function happen(network: CountedNetwork, latencies: readonly number[]): void {
  const series = network.of({ region: 'eu-west' });
  series
    .connected(...latencies)
    .ended('refused', 2)
    .ended('timeout', 1)
    .resent('rto', 3)
    .resent('syn', 5)
    .resent('fast', 7);
  series.lostSyn += 5;
  series.pending = 4;
  series.segmentsSent += 1009;
  series.spurious += 1;
  series.stallNs += 3e9;
  network.overflows.set('shop', (network.overflows.get('shop') ?? 0) + 2);
  const { lostEvents, untrackedAttempts, missedRuns, overflowedItems, cpuNs, kernelNs } = network.self;
  network.self = {
    ...network.self,
    lostEvents: lostEvents + 3,
    untrackedAttempts: untrackedAttempts + 1,
    missedRuns: missedRuns + 1,
    overflowedItems: overflowedItems + 7,
    cpuNs: cpuNs + 1e8,
    kernelNs: kernelNs + 1e7,
  };
}

// Guests have no network to get Prometheus from.
onHost.describe('docs/monitoring', function () {
  this.timeout(120_000);
  let server: PrometheusServer;
  before(async () => {
    const folder = newFolder();
    importBlocks(folder, pages());
    server = await PrometheusServer.start('global: {}\n', { folder });
  });
  after(() => server.stop());

  const valuesOf = async (expression: string): Promise<number[]> =>
    (await server.query(expanded(expression), END_S)).map(({ value }) => Number(value[1]));
  const panel = (title: string): string[] => {
    const found = panels.find((each) => each.title === title);
    assert.ok(found?.targets, title);
    return found.targets.map(({ expr }) => expr);
  };

  it('names only metrics that the agent publishes', () => {
    const published = new Set(
      FAMILIES.flatMap(({ name, type }) => (type === 'histogram' ? [`${name}_bucket`] : [name])),
    );
    const texts = [
      read('grafana-dashboard.json'),
      read('alerts.yml'),
      read('recording-rules.yml'),
      read('README.md'),
      ...Object.values(METRICS),
    ];
    const named = texts.flatMap(
      (text) => text.match(/\b(?:tcpscope|process)_[a-z_]*[a-z](?!\w)(?=[{[)"\\ ,/=]|$)/gm) ?? [],
    );
    assert.ok(new Set(named).size > 15);
    for (const name of named) assert.ok(published.has(name), name);
  });

  it('is of what fleet asks for, too', async () => {
    const args = ['--at', String(END_S), '--range', '5m', '--json', '--by', 'source_namespace,role,external'];
    const { code, stdout, stderr } = await fleet('--prometheus', server.url, ...args);
    assert.equal(code, 0, stderr);
    const row = JSON.parse(stdout) as Record<string, unknown>;
    const scrapes = 300 / SCRAPE_S;
    assert.deepEqual(
      [row['source_namespace'], row['role'], row['external'], row['attempts'], row['fail'], row['lost_syn']],
      ['shop', 'database', 'no', scrapes * (97 + 13 + 6), scrapes * 6, scrapes * 10],
    );
    const truth = quantileOf(Object.values(LATENCIES).flat(), 0.99) / 1e9;
    const [low, high] = bucketOf(truth);
    const p99 = Number(row['p99_us']) / 1e6;
    assert.ok(p99 > low && p99 <= high, `${p99}, in truth ${truth}`);
  });

  it('has a configuration for Prometheus that works with the rules beside it', () => {
    const copy = path.join(server.folder, 'monitoring');
    cpSync(FOLDER, copy, { recursive: true });
    const [, config = ''] = /```yaml\n([^`]*)```/.exec(read('README.md')) ?? [];
    writeFileSync(path.join(copy, 'prometheus.yml'), config);
    assert.match(promtool('check', 'config', path.join(copy, 'prometheus.yml')), /2 rule files found/);
  });

  it('explains every alert', () => {
    const rows = read('README.md').match(/^\| Tcpscope\w+/gm) ?? [];
    assert.deepEqual(
      rows.map((row) => row.slice(2)),
      alerts.map(({ alert }) => alert),
    );
  });

  describe('the dashboard', () => {
    it('says of each panel what it means', () => {
      assert.ok(panels.length > 20);
      for (const { title, description } of panels) assert.ok((description ?? '').length > 20, title);
    });

    it('can be narrowed by namespace, region, and inside or outside', () => {
      const { list } = dashboard.templating;
      assert.deepEqual(
        list.map(({ name }) => name),
        ['datasource', 'source_namespace', 'region', 'external'],
      );
    });

    for (const { title, targets = [] } of panels)
      for (const { expr } of targets)
        it(`${title}: ${expr}`, async () => {
          const values = await valuesOf(expr);
          assert.ok(values.length > 0, 'it has a result');
          assert.ok(values.every(Number.isFinite) && values.some((value) => value > 0), values.join(' '));
        });

    it('has values of its variables', async () => {
      for (const { type, query } of dashboard.templating.list) {
        if (type !== 'query' || typeof query === 'string') continue;
        const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(query.query) ?? [];
        const [first] = await server.query(`group by (${label}) (${metric})`, END_S);
        assert.ok(first?.metric[label], query.query);
      }
    });

    it('tells the quantile of all hosts', async () => {
      const truth = quantileOf(Object.values(LATENCIES).flat(), 0.95) / 1e9;
      const [low, high] = bucketOf(truth);
      for (const expression of panel('P95 by namespace')) {
        const [value = 0] = await valuesOf(expression);
        assert.ok(value > low && value <= high, `${value}, in truth ${truth}`);
      }
    });

    it('tells shares of attempts and of segments', async () => {
      const attempts = 97 + 13 + 2 * 3;
      const near = async (title: string, expected: number): Promise<void> => {
        const [value = 0] = await valuesOf(panel(title)[0] ?? '');
        assert.ok(Math.abs(value - expected) < 1e-9, `${title}: ${value}`);
      };
      await near('Failures', 6 / attempts);
      await near('SYN loss', 10 / attempts);
      await near('Retransmit ratio', (3 + 7) / 1009);
      await near('Agents', 2);
      const kinds = await valuesOf(panel('Retransmit ratio by type')[0] ?? '');
      assert.ok(Math.abs(Math.max(...kinds) - 7 / 1009) < 1e-9, 'fast');
    });
  });

  describe('the recording rules', () => {
    it('are sound', () => {
      assert.match(promtool('check', 'rules', path.join(FOLDER, 'recording-rules.yml')), /SUCCESS: 6 rules/);
    });

    it('record a minute apart what fleet asks for', () => {
      const { groups } = parse(read('recording-rules.yml')) as { groups: { interval: string }[] };
      assert.deepEqual(
        groups.map(({ interval }) => interval),
        ['1m'],
      );
      assert.deepEqual(
        records.map(({ record }) => record).sort(),
        Object.values(METRICS).map(recordedName).sort(),
      );
    });

    for (const { record = '', expr } of records)
      it(`${record} adds up hosts`, async () => {
        const series = await server.query(expr, END_S);
        assert.ok(series.length > 0);
        for (const { metric } of series) assert.equal(metric['instance'], undefined);
      });
  });

  describe('the alerts', () => {
    const rules = path.join(FOLDER, 'alerts.yml');
    const cases = path.join(FOLDER, 'alerts.test.yml');

    it('are sound', () => {
      assert.match(promtool('check', 'rules', rules), new RegExp(`SUCCESS: ${alerts.length} rules`));
    });

    it('fire when they should, and not when they should not', () => {
      assert.match(promtool('test', 'rules', cases), /SUCCESS/);
    });

    it('say what to do', () => {
      for (const { alert, annotations = {} } of alerts) {
        assert.ok((annotations['summary'] ?? '').length > 20, alert);
        assert.ok((annotations['description'] ?? '').length > 80, alert);
      }
    });

    /** The tests of the alerts, of another file of rules. */
    const testOf = (wrong: Rule, expr: string): string => {
      const folder = server.folder;
      const changed = {
        groups: [
          { name: 'changed', rules: alerts.map((rule) => (rule === wrong ? { ...rule, expr } : rule)) },
        ],
      };
      writeFileSync(path.join(folder, 'alerts.yml'), stringify(changed));
      const copy = path.join(folder, 'alerts.test.yml');
      writeFileSync(copy, readFileSync(cases));
      return promtool('test', 'rules', copy);
    };

    for (const rule of alerts)
      it(`${rule.alert}: its tests fail if it never fires, or always`, () => {
        assert.match(testOf(rule, rule.expr), /SUCCESS/);
        assert.throws(() => testOf(rule, 'vector(0) > 1'));
        assert.throws(() => testOf(rule, `(${rule.expr}) or vector(1)`));
      });
  });
});
