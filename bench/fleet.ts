/**
 * What questions of `fleet` cost a Prometheus: `node build/bench/fleet.js [HOSTS]`. The hosts are made up: each connects to its own region
 * and to another; 15 minutes of scrapes are written as blocks, and a range of 10 minutes is asked for, as scraped and as recorded.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { writeBlocks, type HostTraffic } from '../test/host/fleet-data.js';
import { newFolder, promtool, PrometheusServer } from '../test/host/prometheus.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const REGIONS = ['ap-south', 'eu-north', 'eu-west', 'us-east', 'us-west'];
const NAMESPACES = 20;
const CONNECTIONS = 50;
const END = '2026-01-05T16:00:00Z';
const END_S = Date.parse(END) / 1000;
const BLOCKS_S = 900;
/** From here on there are rates of five minutes. */
const RECORDED_S = 600;
const QUESTIONS = [[], ['--heatmap'], ['--by', 'source_namespace']];

function hostTraffic(host: number, destination: number): HostTraffic {
  const source = host % REGIONS.length;
  const leastS = source === destination ? 0.0004 : 0.002 * (1 + source + destination);
  return {
    labels: {
      ...{ job: 'tcpscope', instance: `host-${host}`, source_namespace: `ns-${host % NAMESPACES}` },
      ...{ source_region: REGIONS[source]!, region: REGIONS[destination]!, external: 'no', role: 'db' },
    },
    latencies: Array.from({ length: CONNECTIONS }, (_, at) => leastS * (1 + at / CONNECTIONS)),
    failures: { refused: 1, timeout: 1 },
    synLost: 1,
    retransmits: { rto: 2, syn: 1, fast: 3 },
    sent: 1000,
  };
}

function hostsOf(count: number): HostTraffic[] {
  return Array.from({ length: count }, (_, host) => {
    const own = host % REGIONS.length;
    const step = 1 + (Math.floor(host / REGIONS.length) % (REGIONS.length - 1));
    return [hostTraffic(host, own), hostTraffic(host, (own + step) % REGIONS.length)];
  }).flat();
}

/** The line in which `fleet` says what it cost. */
async function costOf(server: PrometheusServer, words: readonly string[]): Promise<string> {
  const question = ['fleet', '--prometheus', server.url, '--at', END, '--range', '10m', '--json', ...words];
  const child = spawn(process.execPath, [path.join(ROOT, 'bin/run.js'), ...question], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return (await text(child.stderr)).trim();
}

async function report(server: PrometheusServer, more: readonly string[]): Promise<void> {
  for (const words of QUESTIONS)
    console.log(`${['fleet', ...words, ...more].join(' ')}: ${await costOf(server, [...words, ...more])}`);
}

const count = Number(process.argv[2] ?? 1000);
const folder = newFolder();
writeBlocks(folder, hostsOf(count), END_S - BLOCKS_S, END_S);
const scraped = await PrometheusServer.start('global: {}\n', { folder });
console.log(`${count} hosts, ${(await scraped.query('count({job="tcpscope"})', END_S))[0]?.value[1]} series`);
await report(scraped, []);

const sums = newFolder();
promtool(
  ...['tsdb', 'create-blocks-from', 'rules', '--start', String(END_S - RECORDED_S), '--end', String(END_S)],
  ...['--url', scraped.url, '--output-dir', path.join(sums, 'data'), '--eval-interval', '60s'],
  path.join(ROOT, 'docs/monitoring/recording-rules.yml'),
);
await scraped.stop();
const recorded = await PrometheusServer.start('global: {}\n', { folder: sums });
await report(recorded, ['--recorded']);
await recorded.stop();
