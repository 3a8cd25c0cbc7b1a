/** A packet capture as an independent witness: what a host sent again, by sequence numbers alone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '#tcpscope/lab/child.js';
import type { Child, Namespace } from '#tcpscope/lab/network.js';

/** tcpdump with absolute sequence numbers: `IP 10.77.0.1.40112 > 10.77.0.2.9000: Flags [P.], seq 1:1449, …, length 1448`. */
const SEGMENT = /^\S+ IP6? (\S+) > (\S+): Flags \[([^\]]+)\], seq (\d+)(?::(\d+))?,?/;
const SEQUENCES = 2 ** 32;

export class Capture {
  private constructor(
    private readonly host: Namespace,
    private readonly file: string,
    private readonly tcpdump: Child,
  ) {}

  /** Of what leaves the host through eth0; resolves when nothing can be missed any more. */
  static async start(host: Namespace): Promise<Capture> {
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'tcpscope-')), 'capture');
    const options = ['-i', 'eth0', '-s', '128', '-Q', 'out', '-B', '16384', '-Z', 'root', '-w', file];
    const capture = new Capture(host, file, host.spawn('tcpdump', [...options, 'tcp']));
    while (!(await capture.hasSocket())) {
      // Each look takes a few milliseconds itself; mocha's time-out bounds the loop.
    }
    return capture;
  }

  /** Ends it and counts the segments that were sent again, by flow `from > to`. */
  async retransmitted(): Promise<Map<string, number>> {
    await this.tcpdump.stop('SIGINT');
    const lost = /(\d+) packets? dropped by kernel/.exec(this.tcpdump.stderr)?.[1];
    if (lost !== '0') throw new Error(`the capture is not complete: ${this.tcpdump.stderr}`);
    const { stdout } = await run('tcpdump', ['-nn', '-S', '-tt', '-r', this.file]);
    rmSync(path.dirname(this.file), { recursive: true });
    return countAgain(stdout.split('\n'));
  }

  private async hasSocket(): Promise<boolean> {
    const { stdout } = await this.host.exec('cat', ['/proc/net/packet']);
    return stdout.trim().split('\n').length > 1;
  }
}

/** A segment that begins before the end of what its flow had sent was sent before. */
export function countAgain(lines: readonly string[]): Map<string, number> {
  const sentUpTo = new Map<string, number>();
  const again = new Map<string, number>();
  for (const line of lines) {
    const [, from, to, flags = '', first, last] = SEGMENT.exec(line) ?? [];
    if (first === undefined) continue;
    const flow = `${from} > ${to}`;
    const start = Number(first);
    const end = Number(last ?? first) + (/[SF]/.test(flags) ? 1 : 0);
    const before = sentUpTo.get(flow);
    const isSyn = flags.includes('S');
    const isNew = before === undefined || behind(start, before) || (isSyn && end !== before);
    if (!isNew) again.set(flow, (again.get(flow) ?? 0) + 1);
    if (isNew || behind(end, before)) sentUpTo.set(flow, end % SEQUENCES);
  }
  return again;
}

/** `sequence` is not before `other`, modulo 2^32. */
function behind(sequence: number, other: number): boolean {
  return (sequence - other + SEQUENCES) % SEQUENCES < SEQUENCES / 2;
}
