/**
 * What may have been hidden from every BPF tool: some hardened kernels run no BPF program while the current task is one of process
 * 1 (test/kernel/unseen.ts). ftrace sees it all; here it notes only what happens in those tasks.
 */
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Writable } from 'node:stream';

/** The instance of the trace ends when its standard input does. */
const SCRIPT = `
[ -d /sys/kernel/tracing/instances ] || mount -t tracefs tracefs /sys/kernel/tracing || exit
instance=/sys/kernel/tracing/instances/tcpscope-$$
mkdir $instance || exit
trap '' INT TERM HUP
echo $instance
read -r end
echo 0 > $instance/tracing_on
echo 0 > $instance/events/enable
rmdir $instance
`;

/** Ends of attempts, and segments sent again. */
const EVENTS = { 'sock/inet_sock_set_state': 'oldstate == 2 && protocol == 6', 'tcp/tcp_retransmit_skb': '' };

export interface Hidden {
  ends: number;
  retransmissions: number;
}

export class Witness {
  readonly #threads = new Set<string>();

  private constructor(
    /** Where this process sees the trace that only the shell has mounted. */
    private readonly instance: string,
    private readonly stdin: Writable,
    private readonly ended: Promise<unknown>,
  ) {}

  static async start(): Promise<Witness> {
    const shell = spawn('unshare', ['-m', 'bash', '-c', SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(shell, 'exit');
    const said = await Promise.race([once(shell.stdout, 'data'), ended.then(() => [''])]);
    const instance = String(said[0]).trim();
    if (instance === '') throw new Error('ftrace is needed to know what this kernel hides from BPF programs');
    const witness = new Witness(`/proc/${shell.pid}/root${instance}`, shell.stdin, ended);
    witness.look();
    return witness;
  }

  /** Takes in threads that process 1 has begun. To be called now and then. */
  look(): void {
    const before = this.#threads.size;
    for (const thread of readdirSync('/proc/1/task')) this.#threads.add(thread);
    if (this.#threads.size === before) return;
    const among = [...this.#threads].map((thread) => `common_pid == ${thread}`).join(' || ');
    for (const [event, filter] of Object.entries(EVENTS)) {
      const folder = `${this.instance}/events/${event}`;
      writeFileSync(`${folder}/filter`, filter === '' ? among : `${filter} && (${among})`);
      writeFileSync(`${folder}/enable`, '1');
    }
  }

  async end(): Promise<Hidden> {
    const trace = readFileSync(`${this.instance}/trace`, 'utf8');
    this.stdin.end();
    await this.ended;
    const count = (event: string): number => trace.split(` ${event}: `).length - 1;
    return { ends: count('inet_sock_set_state'), retransmissions: count('tcp_retransmit_skb') };
  }
}
