/** Runs the real program as a user would, and waits for what it says instead of for time to pass. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../../..');
export const RUN = path.join(ROOT, 'bin/run.js');

/** What every row says of whose socket it is, and where. */
export interface Attributed {
  netns_name: string | null;
  container: string | null;
  container_id: string | null;
  pod: string | null;
  namespace: string | null;
  unit: string | null;
  cgroup: string | null;
  cgroup_id: number | null;
  region: string | null;
  role: string | null;
  external: boolean | null;
  remote_name: string | null;
  service: string | null;
  host: string | null;
}

/** A row of `connlat --json`. */
export interface Row extends Attributed {
  time: string;
  pid: number | null;
  comm: string | null;
  uid: number;
  netns: number;
  family: 'ipv4' | 'ipv6';
  local_address: string | null;
  local_port: number | null;
  remote_address: string;
  remote_port: number;
  result: string;
  error: string | null;
  latency_us: number;
  wire_us: number | null;
  syns: number;
}

/** A row of `retrans --json`. */
export interface RetransRow extends Attributed {
  time: string;
  pid: number | null;
  comm: string | null;
  uid: number;
  netns: number;
  family: 'ipv4' | 'ipv6';
  local_address: string;
  local_port: number;
  remote_address: string;
  remote_port: number;
  state: string;
  kind: string;
  error: string | null;
  seq: number | null;
  len: number;
  segs: number;
  try: number;
  stall_us: number | null;
  rto_us: number;
  srtt_us: number | null;
  min_rtt_us: number | null;
  cwnd: number | null;
  ssthresh: number | null;
  segs_out: number | null;
  mss: number | null;
  ca_state: string | null;
}

export interface Ended {
  stdout: string;
  stderr: string;
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface ToolOptions {
  /** What runs node: `['setpriv', …]`, `['unshare', '-m', …]`. */
  wrapper?: readonly string[];
  /** The program, if it is seen under another path. */
  program?: string;
  /** Open file that takes the place of standard output. */
  stdout?: number;
}

const running = new Set<Tool>();

/** A failed test must not leave a tracer behind, which would fail or hang the next ones. */
afterEach('no tool is left running', () => {
  for (const tool of running) tool.process.kill('SIGKILL');
});

export class Tool {
  stdout = '';
  stderr = '';
  private readonly ended: Promise<unknown[]>;

  private constructor(readonly process: ChildProcess) {
    process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    running.add(this);
    this.ended = once(process, 'close').finally(() => running.delete(this));
  }

  /** Starts without waiting for it to trace. */
  static spawn(args: readonly string[], options: ToolOptions = {}): Tool {
    const { wrapper = [], program = RUN, stdout = 'pipe' } = options;
    const [command = '', ...rest] = [...wrapper, process.execPath, program, ...args];
    return new Tool(spawn(command, rest, { stdio: ['ignore', stdout, 'pipe'] }));
  }

  /** Resolves once it traces. */
  static async start(args: readonly string[], options?: ToolOptions): Promise<Tool> {
    const tool = Tool.spawn(args, options);
    await tool.said(() => tool.stderr.includes('Tracing'), tool.process.stderr);
    return tool;
  }

  /** Resolves when `condition` holds; looked at whenever the stream brings something. */
  async said(
    condition: () => boolean,
    stream: NodeJS.ReadableStream | null = this.process.stdout,
  ): Promise<void> {
    assert.ok(stream);
    while (!condition()) {
      const ended = this.ended.then(() => 'ended' as const);
      const what = await Promise.race([once(stream, 'data'), ended]);
      if (what === 'ended' && !condition()) throw new Error(`ended too early: ${this.stderr}${this.stdout}`);
    }
  }

  async rowsUntil(enough: (rows: Row[]) => boolean): Promise<void> {
    await this.said(() => enough(this.rows()));
  }

  async retransUntil(enough: (rows: RetransRow[]) => boolean): Promise<void> {
    await this.said(() => enough(this.retransRows()));
  }

  rows(): Row[] {
    return this.objects() as Row[];
  }

  retransRows(): RetransRow[] {
    return this.objects() as RetransRow[];
  }

  /** Each complete line of NDJSON. */
  private objects(): unknown[] {
    const complete = this.stdout.slice(0, this.stdout.lastIndexOf('\n') + 1);
    return complete
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown);
  }

  async wait(): Promise<Ended> {
    const [code, signal] = (await this.ended) as [number | null, NodeJS.Signals | null];
    return { stdout: this.stdout, stderr: this.stderr, code, signal };
  }

  /** Ctrl-C, or another signal. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<Ended> {
    this.process.kill(signal);
    return this.wait();
  }
}

/** Rows that were counted but not shown, because nobody read them in time. */
export function unshownRows({ stderr }: Pick<Ended, 'stderr'>): number {
  return Number((/([\d,]+) rows not shown/.exec(stderr)?.[1] ?? '0').replaceAll(',', ''));
}

type Traffic = (tool: Tool) => Promise<unknown>;

/** Rows of everything that `connlat` saw while `traffic` ran, and the summary. */
export async function trace(
  args: readonly string[],
  traffic: Traffic,
  options?: ToolOptions,
): Promise<Ended & { rows: Row[] }> {
  const { tool, ended } = await runDuring(['connlat', '--json', ...args], traffic, options);
  return { ...ended, rows: tool.rows() };
}

/** The same of `retrans`. */
export async function traceRetrans(
  args: readonly string[],
  traffic: Traffic,
  options?: ToolOptions,
): Promise<Ended & { rows: RetransRow[] }> {
  const { tool, ended } = await runDuring(['retrans', '--json', ...args], traffic, options);
  return { ...ended, rows: tool.retransRows() };
}

async function runDuring(
  args: readonly string[],
  traffic: Traffic,
  options?: ToolOptions,
): Promise<{ tool: Tool; ended: Ended }> {
  const tool = await Tool.start(args, options);
  try {
    await traffic(tool);
  } catch (error) {
    await tool.stop('SIGKILL');
    throw error;
  }
  const ended = await tool.stop();
  assert.equal(ended.code, 0, ended.stderr);
  return { tool, ended };
}

const OWN_PROGRAMS = [
  ...['set_state', 'pending', 'find_in_flight', 'enter_connect', 'exit_connect', 'make_cgroup'],
  ...[
    'retransmit_skb',
    'retransmit_skb_or',
    'retransmit_syna',
    'change_ca_state',
    'find_owners',
    'sample_sockets',
  ],
];

/** Our programs that are loaded in the kernel, by id: others may come and go. */
export function loadedPrograms(): number[] {
  const programs = JSON.parse(listPrograms(3)) as { id: number; name?: string }[];
  return programs.filter(({ name }) => OWN_PROGRAMS.includes(name ?? '')).map(({ id }) => id);
}

/** bpftool fails where a program ends while it is listing. */
function listPrograms(attempts: number): string {
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };
  try {
    return execFileSync('bpftool', ['prog', 'show', '-j'], { encoding: 'utf8', env, stdio: 'pipe' });
  } catch (error) {
    if (attempts === 1) throw error;
    return listPrograms(attempts - 1);
  }
}

export function median(values: readonly number[]): number {
  const ordered = [...values].sort((a, b) => a - b);
  return ordered[Math.floor(ordered.length / 2)] ?? NaN;
}

export function countBy<Item>(items: readonly Item[], key: (item: Item) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
}
