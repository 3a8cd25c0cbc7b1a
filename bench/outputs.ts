/** Part `outputs`: what it costs to publish to a collector and to an Agent, by number of series, and what loading their libraries takes. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { rolldown } from 'rolldown';
import { createDogStatsdOutput } from '#tcpscope/agent/dogstatsd.js';
import { createOtlpOutput } from '#tcpscope/agent/otlp.js';
import type { Output } from '#tcpscope/agent/output.js';
import { thisHost } from '#tcpscope/agent/resource.js';
import type { DogStatsdConfig, OtlpConfig } from '#tcpscope/model/agent-config.js';
import { OUTCOMES } from '#tcpscope/model/handshake.js';
import { LatencyHistogram } from '#tcpscope/model/histogram.js';
import type { NetworkSeries, NetworkSnapshot } from '#tcpscope/model/network.js';
import { KINDS } from '#tcpscope/model/retransmit.js';
import { megabytes } from './measure.js';
import { rowsOf, type Part } from './part.js';
import type { Column, Sample } from './table.js';

const SERIES = [10, 100, 1_000];
/** Ten seconds at 35,000 a second. */
const HANDSHAKES = 350_000;
const WARM_UP = 3;

const PUBLISH_COLUMNS: Column[] = SERIES.flatMap((series) => [
  { header: `${series} series: CPU ms`, figure: `cpu${series}`, decimals: 1 },
  { header: 'kB', figure: `bytes${series}`, decimals: 1, medianOnly: true },
]);
const LOAD_COLUMNS: Column[] = [
  { header: 'RSS MB', figure: 'rss', decimals: 1 },
  { header: 'ms', figure: 'time', decimals: 1 },
];

/** Takes what comes, in a process of its own. */
const RECEIVER = `
  import http from 'node:http';
  import { createSocket } from 'node:dgram';
  const server = http.createServer((request, response) => request.resume().on('end', () => response.end()));
  server.listen(0, '127.0.0.1', () => {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 }).on('message', () => undefined);
    socket.bind(0, '127.0.0.1', () => console.log(server.address().port, socket.address().port));
  });`;

interface Ports {
  http: number;
  udp: number;
}

interface Subject {
  name: string;
  make: (ports: Ports) => Promise<Output>;
}

const SUBJECTS: Subject[] = [
  ...(['cumulative', 'delta'] as const).map(otlp),
  ...(['tcpscope', 'network-monitor'] as const).map(dogStatsd),
];

/** Put into one file each, as the bundle has them. */
const LIBRARIES = {
  OpenTelemetry: 'dist/agent/otlp-metrics.js',
  'hot-shots': 'node_modules/hot-shots/index.js',
};

export const outputs: Part = {
  name: 'outputs',
  async run(bench) {
    const receiver = spawn(process.execPath, ['--input-type=module', '-e', RECEIVER], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const folder = mkdtempSync(path.join(tmpdir(), 'bench-outputs-'));
    try {
      const [line] = (await once(createInterface(receiver.stdout), 'line')) as [string];
      const [httpPort = 0, udp = 0] = line.split(' ').map(Number);
      const published = await rowsOf(bench, SUBJECTS, (subject) => measure(subject, { http: httpPort, udp }));
      const libraries = [{ name: 'nothing', url: 'node:path' }, ...(await bundles(folder))];
      const loaded = await rowsOf(bench, libraries, ({ url }) => Promise.resolve(loading(url)));
      return [
        {
          title: 'A publication of 10 s at 35,000 handshakes a second',
          columns: PUBLISH_COLUMNS,
          rows: published,
        },
        { title: 'Loading the library of an output', columns: LOAD_COLUMNS, rows: loaded },
      ];
    } finally {
      receiver.kill();
      rmSync(folder, { recursive: true });
    }
  },
};

async function measure({ make }: Subject, ports: Ports): Promise<Sample> {
  const figures: Record<string, number> = {};
  let complaint = '';
  for (const count of SERIES) {
    const output = await make(ports);
    const series = Array.from({ length: count }, (_, at) => seriesOf(at));
    for (let interval = 1; interval <= WARM_UP; interval++) {
      addInterval(series);
      await output.publish(snapshotOf(series, interval));
    }
    addInterval(series);
    const before = { cpu: process.cpuUsage(), bytes: output.telemetry().bytes };
    await output.publish(snapshotOf(series, WARM_UP + 1));
    const { user, system } = process.cpuUsage(before.cpu);
    const { bytes, lastError } = output.telemetry();
    figures[`cpu${count}`] = (user + system) / 1e3;
    figures[`bytes${count}`] = (bytes - before.bytes) / 1e3;
    complaint = lastError ?? complaint;
    await output.close();
  }
  return { figures, complaint };
}

function otlp(temporality: OtlpConfig['temporality']): Subject {
  return {
    name: `OTLP, ${temporality}`,
    make: ({ http }) =>
      createOtlpOutput(
        { endpoint: `http://127.0.0.1:${http}`, temporality, headers: {}, ca: undefined, timeoutMs: 10_000 },
        thisHost('0'),
      ),
  };
}

function dogStatsd(preset: DogStatsdConfig['preset']): Subject {
  return {
    name: `DogStatsD, ${preset}`,
    make: ({ udp }) => createDogStatsdOutput({ address: { host: '127.0.0.1', port: udp }, preset, tags: [] }),
  };
}

type Growing = { -readonly [Key in keyof NetworkSeries]: NetworkSeries[Key] };

function seriesOf(at: number): Growing {
  return {
    labels: {
      external: 'no',
      sourceNamespace: `namespace-${at}`,
      sourceRegion: 'eu-west-1',
      region: 'eu-north-1',
      role: 'service',
    },
    outcomes: OUTCOMES.map(() => 0),
    lostSyn: 0,
    pending: 1,
    latency: new LatencyHistogram(),
    latencySumNs: 0,
    retransmits: KINDS.map(() => 0),
    segmentsSent: 0,
    spurious: 0,
    stallNs: 0,
  };
}

/** As many intervals' handshakes of one series, some of which are alike. */
const DIFFERENT = 20;

/** Handshakes from 200 µs up, log-normal; some of everything else. */
function addInterval(series: readonly Growing[]): void {
  const each = HANDSHAKES / series.length;
  const handshakes = Array.from({ length: DIFFERENT }, () => {
    const histogram = new LatencyHistogram();
    for (let i = 0; i < each; i++) histogram.record(200e3 * Math.exp(0.5 * normal() + 1));
    return histogram;
  });
  for (const [at, one] of series.entries()) {
    one.latency.merge(handshakes[at % DIFFERENT]!);
    one.latencySumNs = one.latency.sum;
    one.outcomes = one.outcomes.map((count, at) => count + (at === 0 ? each : 1));
    one.retransmits = one.retransmits.map((count) => count + 1);
    one.lostSyn++;
    one.segmentsSent += 10 * each;
    one.stallNs += 200e6;
  }
}

/** Box and Muller. */
const normal = (): number =>
  Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());

function snapshotOf(series: readonly NetworkSeries[], interval: number): NetworkSnapshot {
  const startMs = Date.now();
  return {
    startMs,
    timeMs: startMs + interval * 10e3,
    series,
    overflows: [],
    self: {
      version: '0',
      lostEvents: 0,
      untrackedAttempts: 0,
      missedRuns: 0,
      overflowedItems: 0,
      series: series.length,
      cpuNs: interval * 1e8,
      rssBytes: 8e7,
      kernelNs: interval * 1e6,
    },
  };
}

async function bundles(folder: string): Promise<{ name: string; url: string }[]> {
  return await Promise.all(
    Object.entries(LIBRARIES).map(async ([name, file]) => {
      const input = path.resolve(import.meta.dirname, '../..', file);
      const bundle = await rolldown({ input, platform: 'node', resolve: { mainFields: ['module', 'main'] } });
      const url = path.join(folder, `${name}.mjs`);
      await bundle.write({ file: url, minify: true });
      return { name, url };
    }),
  );
}

/** What a process of its own takes for it. */
function loading(url: string): Sample {
  const script = `
    const began = performance.now();
    await import(${JSON.stringify(url)});
    const time = performance.now() - began;
    globalThis.gc();
    console.log(JSON.stringify({ time, rss: process.memoryUsage().rss / 1024 }));`;
  const said = execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  const { time, rss } = JSON.parse(said) as { time: number; rss: number };
  return { figures: { time, rss: megabytes(rss) } };
}
