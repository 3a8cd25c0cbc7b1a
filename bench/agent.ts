/** Part `agent`: what it costs to leave it on: idle, at full rate, and what it sends. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loop } from '#tcpscope/lab/network.js';
import { PORT, TRAFFIC_CPU } from './kernel.js';
import { cpuTime, megabytes, memory } from './measure.js';
import { fewRounds, rowsOf, type Bench, type Part } from './part.js';
import { HISTOGRAM_PEER, tracerOf, working } from './peers.js';
import type { Column, Sample } from './table.js';
import { commandOf, tool } from './tools.js';
import { TracingProcess, type Tracer } from './tracing.js';

const IDLE_MS = 30_000;
/** Some 25 s at full rate. */
const HANDSHAKES = 800_000;
const SCRAPE_MS = 5_000;

const COLUMNS: Column[] = [
  { header: 'idle: user CPU %', figure: 'idleUser', decimals: 2 },
  { header: 'CPU %', figure: 'idle', decimals: 2 },
  { header: 'at full rate: handshakes/s', figure: 'perSecond', decimals: 0, medianOnly: true },
  { header: 'user CPU %', figure: 'user', decimals: 2 },
  { header: 'CPU %', figure: 'cpu', decimals: 2 },
  { header: 'MB', figure: 'megabytes', decimals: 1 },
  { header: 'kB sent a minute', figure: 'kilobytes', decimals: 1 },
];

export const agent: Part = {
  name: 'agent',
  async run(bench) {
    const receivers = await Receivers.open();
    try {
      const peers = await working([HISTOGRAM_PEER], bench.leaveOut);
      const tracers: Tracer[] = [
        { name: 'agent, scraped each 5 s', start: () => startAgent(receivers.configuration(false)) },
        { name: 'agent, OTLP and DogStatsD as well', start: () => startAgent(receivers.configuration(true)) },
        tool('health'),
        tool('connlat --hist'),
        ...peers.map((peer) => tracerOf(peer)),
      ];
      const rows = await rowsOf(fewRounds(bench), tracers, (tracer) => measure(bench, tracer, receivers));
      return [{ title: 'To leave on', columns: COLUMNS, rows }];
    } finally {
      await receivers.close();
    }
  },
};

async function startAgent(file: string): Promise<TracingProcess> {
  const tracing = await TracingProcess.spawn('agent', commandOf(['agent', '--config', file]), 'null');
  await tracing.settled();
  return tracing;
}

async function measure(bench: Bench, tracer: Tracer, receivers: Receivers): Promise<Sample> {
  const tracing = await tracer.start();
  const pid = tracing.pid!;
  const scrapes = tracer.name.startsWith('agent') ? receivers.scrape() : undefined;
  const idle = await spent(pid, () => sleep(IDLE_MS));
  const { bytes } = receivers;
  const busy = await spent(pid, () => loop(HANDSHAKES, PORT, { cpu: TRAFFIC_CPU }, bench.host));
  const sent = receivers.bytes - bytes;
  const resident = megabytes(memory(pid).now);
  const failed = scrapes?.end() ?? 0;
  const complaints = [await tracing.stop(), failed > 0 ? `${failed} scrapes failed` : ''];
  return {
    figures: {
      idleUser: idle.user,
      idle: idle.cpu,
      perSecond: HANDSHAKES / busy.seconds,
      user: busy.user,
      cpu: busy.cpu,
      megabytes: resident,
      ...(scrapes ? { kilobytes: (sent / 1000 / busy.seconds) * 60 } : {}),
    },
    complaint: complaints.filter(Boolean).join(', '),
  };
}

/** CPU time while something happens, in percent of a core. */
async function spent(
  pid: number,
  work: () => Promise<unknown>,
): Promise<{ user: number; cpu: number; seconds: number }> {
  const before = cpuTime(pid);
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1000;
  const after = cpuTime(pid);
  const percent = (us: number): number => us / 1e4 / seconds;
  return { user: percent(after.user - before.user), cpu: percent(after.total - before.total), seconds };
}

/** Whoever the agent publishes to, on loopback, and what came. */
class Receivers {
  bytes = 0;
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'tcpscope-bench-agent-'));
  private readonly collector = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => (this.bytes += chunk.length));
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
  });
  private readonly dogstatsd = createSocket('udp4');
  private readonly free = createServer();
  private port = 0;

  static async open(): Promise<Receivers> {
    const receivers = new Receivers();
    const { collector, dogstatsd, free } = receivers;
    dogstatsd.on('message', ({ length }) => (receivers.bytes += length));
    collector.listen(0, '127.0.0.1');
    dogstatsd.bind(0, '127.0.0.1');
    free.listen(0, '127.0.0.1');
    await Promise.all([once(collector, 'listening'), once(dogstatsd, 'listening'), once(free, 'listening')]);
    receivers.port = (free.address() as AddressInfo).port;
    free.close();
    return receivers;
  }

  /** The path of a file for the agent. */
  configuration(pushes: boolean): string {
    const { port: otlp } = this.collector.address() as AddressInfo;
    const lines = ['agent:', `  prometheus: {listen: "127.0.0.1:${this.port}"}`];
    if (pushes)
      lines.push(
        `  otlp: {endpoint: "http://127.0.0.1:${otlp}"}`,
        `  dogstatsd: {address: "127.0.0.1:${this.dogstatsd.address().port}"}`,
      );
    const file = path.join(this.folder, `${pushes ? 'all' : 'prometheus'}.yaml`);
    writeFileSync(file, `${lines.join('\n')}\n`);
    return file;
  }

  /** As Prometheus does. `end` tells how many failed. */
  scrape(): { end(): number } {
    let failed = 0;
    const timer = setInterval(() => {
      void fetch(`http://127.0.0.1:${this.port}/metrics`)
        .then((response) => response.text())
        .then((text) => (this.bytes += text.length))
        .catch(() => failed++);
    }, SCRAPE_MS);
    return {
      end: () => {
        clearInterval(timer);
        return failed;
      },
    };
  }

  async close(): Promise<void> {
    this.dogstatsd.close();
    this.collector.closeAllConnections();
    this.collector.close();
    await once(this.collector, 'close');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
