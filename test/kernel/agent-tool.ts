/** The agent as a service runs it, and what it publishes. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Tool, type Ended, type ToolOptions } from './tool.js';

/** A sample of the text format. */
export interface Metric {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** A reader of its own of Prometheus's text format, for what tests compare. */
export function parseMetrics(text: string): Metric[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, of]) => [key, of]);
      return { name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) };
    });
}

/** Sum of all samples of a name that have these labels. */
export function sumOf(metrics: readonly Metric[], name: string, labels: Record<string, string> = {}): number {
  return metrics
    .filter((each) => each.name === name)
    .filter((each) => Object.entries(labels).every(([key, value]) => each.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);
}

export class AgentProcess {
  private constructor(
    readonly tool: Tool,
    readonly configFile: string,
    private readonly folder: string,
  ) {}

  /** Starts one with the text of a configuration; resolves once it measures. */
  static async start(
    config: string,
    args: readonly string[] = [],
    options: ToolOptions = {},
  ): Promise<AgentProcess> {
    const folder = mkdtempSync(path.join(tmpdir(), 'agent-'));
    const file = path.join(folder, 'config.yaml');
    writeFileSync(file, config);
    try {
      return new AgentProcess(await Tool.start(['agent', '--config', file, ...args], options), file, folder);
    } catch (error) {
      rmSync(folder, { recursive: true });
      throw error;
    }
  }

  /** Of the last line that names its pages. */
  get url(): string {
    const urls = [...this.tool.stderr.matchAll(/(https?:\/\/\S+?)\/metrics/g)].map(([, url]) => url);
    const last = urls.at(-1);
    assert.ok(last, this.tool.stderr);
    return last;
  }

  async metrics(headers: Record<string, string> = {}): Promise<Metric[]> {
    const answer = await fetch(`${this.url}/metrics`, { headers });
    assert.equal(answer.status, 200);
    return parseMetrics(await answer.text());
  }

  /** Resolves when standard error has a line that matches, after what it has now. */
  async says(pattern: RegExp, doing: () => void): Promise<void> {
    const before = this.tool.stderr.length;
    doing();
    await this.tool.said(() => pattern.test(this.tool.stderr.slice(before)), this.tool.process.stderr);
  }

  /** Gives it another configuration, and waits until it says so. */
  async reload(config: string, pattern = /was read again/): Promise<void> {
    writeFileSync(this.configFile, config);
    await this.says(pattern, () => this.tool.process.kill('SIGHUP'));
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    const ended = await this.tool.stop(signal);
    rmSync(this.folder, { recursive: true });
    return ended;
  }
}

/** /metrics at a port that is free. */
export const ANY_PORT = 'agent: {prometheus: {listen: "127.0.0.1:0"}}\n';
