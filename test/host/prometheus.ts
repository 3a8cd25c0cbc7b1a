/** Debian's Prometheus, which scripts/prometheus unpacks: promtool, and servers on loopback that end with the test. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const LISTENS = /msg="Listening on".* address=(\S+)/;
const IS_READY = 'msg="Server is ready to receive web requests."';
/** Of the log: what is told if it does not start. */
const LAST_LINES = 20;

export interface PrometheusPrograms {
  prometheus: string;
  promtool: string;
}

let programs: PrometheusPrograms | undefined;

/** Paths of the programs, which are downloaded first if need be. */
export function prometheusPrograms(): PrometheusPrograms {
  if (!programs) {
    const script = path.join(ROOT, 'scripts/prometheus');
    const folder = execFileSync(script, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
    programs = { prometheus: path.join(folder, 'prometheus'), promtool: path.join(folder, 'promtool') };
  }
  return programs;
}

/** What promtool says on standard output. @throws {Error} with its standard error if it fails. */
export function promtool(...args: readonly string[]): string {
  return execFileSync(prometheusPrograms().promtool, args, { encoding: 'utf8', stdio: 'pipe' });
}

export class PrometheusServer {
  private constructor(
    /** `http://127.0.0.1:PORT`, and the path of `--web.external-url`, if that is among the flags. */
    readonly url: string,
    /** Of its configuration and its data. */
    readonly folder: string,
    private readonly child: ChildProcess,
  ) {}

  /**
   * Starts one on a loopback port of its own, and waits until it is ready. `folder` may have data already: blocks that promtool made in
   * its `data`. Without a folder it gets an empty one. `flags` are more words for the command line.
   */
  static async start(
    config: string,
    { folder = newFolder(), flags = [] as readonly string[] } = {},
  ): Promise<PrometheusServer> {
    const file = path.join(folder, 'prometheus.yml');
    writeFileSync(file, config);
    const words = [
      `--config.file=${file}`,
      `--storage.tsdb.path=${path.join(folder, 'data')}`,
      // Blocks may be of any time, and stay.
      '--storage.tsdb.retention.time=100y',
      '--web.listen-address=127.0.0.1:0',
      ...flags,
    ];
    const child = spawn(prometheusPrograms().prometheus, words, { stdio: ['ignore', 'ignore', 'pipe'] });
    const address = await readyAddress(child).catch((error: unknown) => {
      rmSync(folder, { recursive: true });
      throw error;
    });
    const external = words.findLast((word) => word.startsWith('--web.external-url='))?.split('=')[1];
    const prefix = external === undefined ? '' : new URL(external).pathname.replace(/\/$/, '');
    const server = new PrometheusServer(`http://${address}${prefix}`, folder, child);
    const { status } = await fetch(`${server.url}/-/ready`);
    if (status !== 200) throw new Error(`Prometheus says it is ready, but answers ${status}`);
    return server;
  }

  /** Answers of `/api/v1/query` at a time, or now. @throws {Error} that the server tells of. */
  async query(expression: string, at?: number): Promise<Sample[]> {
    const body = new URLSearchParams({
      query: expression,
      ...(at === undefined ? {} : { time: String(at) }),
    });
    const answer = await fetch(`${this.url}/api/v1/query`, { method: 'POST', body });
    const { data, error } = (await answer.json()) as { data?: { result: Sample[] }; error?: string };
    if (!data) throw new Error(`${expression}: ${error}`);
    return data.result;
  }

  /** Ends the server, and removes its folder. */
  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill();
      await once(this.child, 'exit');
    }
    rmSync(this.folder, { recursive: true });
  }
}

/** Of an instant vector. */
export interface Sample {
  metric: Record<string, string>;
  /** Seconds, and the number as text. */
  value: [number, string];
}

export function newFolder(): string {
  return mkdtempSync(path.join(tmpdir(), 'prometheus-'));
}

/** What its log says it listens on, once it says that it is ready, in either order. The log is read to its end, so that it never waits for us. */
function readyAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const last: string[] = [];
    let address: string | undefined;
    let isReady = false;
    child.once('error', reject);
    const kill = (): boolean => child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    const log = createInterface({ input: child.stderr! });
    log.on('line', (line) => {
      last.push(line);
      if (last.length > LAST_LINES) last.shift();
      address = LISTENS.exec(line)?.[1] ?? address;
      isReady ||= line.includes(IS_READY);
      if (isReady && address !== undefined) resolve(address);
    });
    log.once('close', () => {
      reject(new Error(`Prometheus has ended:\n${last.join('\n')}`));
    });
  });
}
