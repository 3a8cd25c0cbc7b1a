/** A receiver of datagrams at a path, which Node.js cannot be: a program of perl, which every Debian has. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';

/** Prints each datagram as a line of hexadecimal digits. */
const PROGRAM = `
use Socket;
$| = 1;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die;
bind($socket, pack_sockaddr_un($ARGV[0])) or die $!;
print "ready\\n";
while (defined recv($socket, my $bytes, 1 << 17, 0)) { print unpack("H*", $bytes), "\\n" }
`;

type Child = ChildProcessByStdio<null, Readable, null>;

export class UnixReceiver {
  readonly #lines: AsyncIterator<string>;

  private constructor(
    private readonly child: Child,
    private readonly reader: Interface,
  ) {
    this.#lines = reader[Symbol.asyncIterator]();
  }

  /** @param stopped it does not read before `go` */
  static async open(path: string, { stopped = false } = {}): Promise<UnixReceiver> {
    const child = spawn('perl', ['-e', PROGRAM, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    const receiver = new UnixReceiver(child, createInterface(child.stdout));
    await receiver.#line();
    if (stopped) child.kill('SIGSTOP');
    return receiver;
  }

  /** The next datagram, which it waits for. */
  async next(): Promise<string> {
    return Buffer.from(await this.#line(), 'hex').toString();
  }

  /** All that have come, once this one has. */
  async until(last: string): Promise<string[]> {
    const datagrams: string[] = [];
    for (;;) {
      const datagram = await this.next();
      if (datagram === last) return datagrams;
      datagrams.push(datagram);
    }
  }

  go(): void {
    this.child.kill('SIGCONT');
  }

  async close(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
    this.reader.close();
  }

  async #line(): Promise<string> {
    const line = await this.#lines.next();
    if (line.done) throw new Error('the receiver has ended');
    return line.value;
  }
}
