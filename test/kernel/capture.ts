/** A packet capture as an independent witness: what a host sent again, by sequence numbers alone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Child, connect, type Namespace } from '#tcpscope/lab/network.js';

/** tcpdump with absolute sequence numbers: `IP 10.77.0.1.40112 > 10.77.0.2.9000: Flags [P.], seq 1:1449, …, length 1448`. */
const SEGMENT = /^\S+ IP6? (\S+) > (\S+): Flags \[([^\]]+)\], seq (\d+)(?::(\d+))?,?/;
/** Nobody listens there. */
const MARK_PORT = 9;
const SEQUENCES = 2 ** 32;

export class Capture {
  private constructor(
    private readonly host: Namespace,
    private readonly file: string,
    private readonly tcpdump: Child,
  ) {}

  /** Of what leaves the host through eth0; resolves when nothing can be missed any more. */
  static async start(host: Namespace): Promise<Capture> {
    const folder = mkdtempSync(path.join(tmpdir(), 'tcpscope-'));
    process.once('exit', () => {
      rmSync(folder, { recursive: true });
    });
    const file = path.join(folder, 'capture');
    const options = [
      '-i',
      'eth0',
      '-s',
      '128',
      '-Q',
      'out',
      '-B',
      '16384',
      '--immediate-mode',
      '-U',
      '-Z',
      'root',
    ];
    const capture = new Capture(host, file, host.spawn('tcpdump', [...options, '-w', file, 'tcp']));
    while (!(await capture.hasSocket())) {
      // Each look takes a few milliseconds itself; mocha's time-out bounds the loop.
    }
    return capture;
  }

  /** Ends it and counts the segments that were sent again, by flow `from > to`. `peer` is a host to reach by eth0. */
  async retransmitted(peer: string): Promise<Map<string, number>> {
    // tcpdump stopped at once would leave what it has not read yet: it has when it has this.
    await connect(this.host, peer, MARK_PORT);
    while ((await this.read(`dst port ${MARK_PORT}`)) === '') {
      // Each look takes a few milliseconds itself; mocha's time-out bounds the loop.
    }
    await this.tcpdump.stop('SIGINT');
    if (!/\b0 packets dropped by kernel/.test(this.tcpdump.stderr))
      throw new Error(`the capture is not complete: ${this.tcpdump.stderr}`);
    return countAgain((await this.read(`not port ${MARK_PORT}`)).split('\n'));
  }

  /** What it has written so far; a packet that is being written is left out. */
  private async read(filter: string): Promise<string> {
    const reader = Child.start('tcpdump', ['-nn', '-S', '-tt', '-r', this.file, filter]);
    await reader.output().catch(() => undefined);
    return reader.stdout;
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
