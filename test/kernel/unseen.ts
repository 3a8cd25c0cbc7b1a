/**
 * What was hidden from BPF. Some hardened kernels (that of the machines this project is developed on, for one) run no BPF
 * program while the current task is one of process 1. A softirq that interrupts such a task is hidden from every BPF tool
 * then: one retransmission in some 2,000 on a quiet machine, one in 50 in a storm. ftrace sees it, and here says so.
 */
import { readFileSync } from 'node:fs';
import { Child } from '#tcpscope/lab/child.js';

/** The tracepoints that tcpscope's programs are at; connections of process 1 that only carry data have none of them. */
const EVENTS = [
  'sock/inet_sock_set_state',
  'tcp/tcp_retransmit_skb',
  'tcp/tcp_retransmit_synack',
  'tcp/tcp_receive_reset',
];

/**
 * tracefs, if it is not there yet, is mounted where only this shell sees it, and its instance of the trace ends with it,
 * or with whoever started it.
 */
const SCRIPT = `
[ -d /sys/kernel/tracing/instances ] || mount -t tracefs tracefs /sys/kernel/tracing || exit
instance=/sys/kernel/tracing/instances/tcpscope-$$
mkdir $instance || exit
finish() {
  kill $!
  for event in ${EVENTS.join(' ')}; do echo 0 > $instance/events/$event/enable; done
  rmdir $instance
  exit 0
}
trap finish TERM
# Threads come and go.
echo 1 > $instance/options/event-fork
for task in /proc/1/task/*; do echo \${task##*/}; done > $instance/set_event_pid
for event in ${EVENTS.join(' ')}; do echo 1 > $instance/events/$event/enable; done
echo $$
tail --pid=$PPID -f /dev/null &
wait $!
finish
`;

const RETRANSMISSION = /: tcp_retransmit_skb: .* sport=(\d+) dport=(\d+) saddr=(\S+) daddr=(\S+) /;

/** Events of TCP while a task of process 1, or one that it has begun since, was the current one. */
export class Unseen {
  private constructor(
    private readonly shell: Child,
    private readonly instance: string,
  ) {}

  static async start(): Promise<Unseen> {
    const shell = Child.start('unshare', ['-m', 'bash', '-c', SCRIPT]);
    const id = await shell.nextLine();
    return new Unseen(shell, `/proc/${shell.pid}/root/sys/kernel/tracing/instances/tcpscope-${id}`);
  }

  /** One each, as ftrace writes it. */
  events(): string[] {
    return readFileSync(`${this.instance}/trace`, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
  }

  /** How many retransmissions of each flow `from > to` there were. */
  retransmissions(): Map<string, number> {
    const hidden = new Map<string, number>();
    for (const line of this.events()) {
      const [, from, to, source, destination] = RETRANSMISSION.exec(line) ?? [];
      if (source === undefined) continue;
      const flow = `${source}.${from} > ${destination}.${to}`;
      hidden.set(flow, (hidden.get(flow) ?? 0) + 1);
    }
    return hidden;
  }

  async end(): Promise<void> {
    await this.shell.stop();
  }
}
