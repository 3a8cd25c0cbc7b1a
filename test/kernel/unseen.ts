/**
 * Some hardened kernels (that of the machines this project is developed on, for one) run no BPF program while the current
 * task is one of process 1. A softirq that interrupts such a task is hidden from every BPF tool then: one retransmission
 * in some 2,000 on a quiet machine, one in 50 in a storm. ftrace sees it, and here says so. Tests that have no use for a
 * witness are tried again once: UNSEEN_RETRIES.
 */
import { existsSync } from 'node:fs';
import { Child } from '#tcpscope/lab/network.js';

export const UNSEEN_RETRIES = 1;

/** tracefs, if it is not there yet, is mounted where only this shell sees it, and its instance of the trace ends with it. */
const SCRIPT = `
[ -d /sys/kernel/tracing/instances ] || mount -t tracefs tracefs /sys/kernel/tracing || exit
instance=/sys/kernel/tracing/instances/tcpscope-$$
mkdir $instance || exit
finish() {
  kill $!
  grep tcp_retransmit_skb: $instance/trace
  echo 0 > $instance/events/tcp/tcp_retransmit_skb/enable
  rmdir $instance
  exit 0
}
trap finish TERM
echo 16384 > $instance/buffer_size_kb
echo 1 > $instance/events/tcp/tcp_retransmit_skb/enable
echo ready
while :; do sleep 60 & wait $!; done
`;

const EVENT = /-(\d+)\s+\[\d+\].* sport=(\d+) dport=(\d+) saddr=(\S+) daddr=(\S+) /;

export class UnseenRetransmissions {
  private constructor(private readonly shell: Child) {}

  static async start(): Promise<UnseenRetransmissions> {
    const shell = Child.start('unshare', ['-m', 'bash', '-c', SCRIPT]);
    await shell.nextLine();
    return new UnseenRetransmissions(shell);
  }

  /** Ends it; how many retransmissions of each flow `from > to` may have been hidden. */
  async end(): Promise<Map<string, number>> {
    this.shell.kill('SIGTERM');
    const { stdout } = await this.shell.output();
    const hidden = new Map<string, number>();
    for (const line of stdout.split('\n')) {
      const [, thread, from, to, source, destination] = EVENT.exec(line) ?? [];
      if (thread === undefined || !existsSync(`/proc/1/task/${thread}`)) continue;
      const flow = `${source}.${from} > ${destination}.${to}`;
      hidden.set(flow, (hidden.get(flow) ?? 0) + 1);
    }
    return hidden;
  }
}
