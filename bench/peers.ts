/** Other programs that answer the same questions, as Debian has them. Those that are not there, or do not work, are left out, and said so. */
import { spawnSync } from 'node:child_process';
import { TracingProcess, type Sink, type Tracer } from './tracing.js';

export interface Peer {
  name: string;
  /** Debian's package. */
  package: 'bpftrace' | 'libbpf-tools' | 'bpfcc-tools';
  command: readonly [program: string, ...words: string[]];
  /** What is on its terminal when its programs are attached. */
  active: RegExp;
  /** A line there that tells of an event. */
  row: RegExp;
}

const BPFTRACE_START = `
  BEGIN { printf("Tracing\\n"); }
  tracepoint:sock:inet_sock_set_state /args->protocol == 6 && args->newstate == 2/ {
    @start[args->skaddr] = nsecs; @pid[args->skaddr] = pid; @comm[args->skaddr] = comm;
  }`;

const ended = (action: string): string => `
  tracepoint:sock:inet_sock_set_state /args->oldstate == 2 && @start[args->skaddr]/ {
    ${action}
    delete(@start[args->skaddr]); delete(@pid[args->skaddr]); delete(@comm[args->skaddr]);
  }
  END { clear(@start); clear(@pid); clear(@comm); }`;

const BPFTRACE_ROWS =
  BPFTRACE_START +
  ended(
    'printf("%d %s %s %d %d\\n", @pid[args->skaddr], @comm[args->skaddr], ntop(args->daddr), args->dport, ' +
      '(nsecs - @start[args->skaddr]) / 1000);',
  );
const BPFTRACE_HISTOGRAM = BPFTRACE_START + ended('@us = hist((nsecs - @start[args->skaddr]) / 1000);');

const BPFTRACE_RETRANSMITS = `
  BEGIN { printf("Tracing\\n"); }
  tracepoint:tcp:tcp_retransmit_skb {
    printf("%d %s %s %d %s %d %d\\n", pid, comm, ntop(args->saddr), args->sport, ntop(args->daddr), args->dport, args->state);
  }`;

const bpftrace = (name: string, script: string): Peer => ({
  name: `bpftrace, ${name}`,
  package: 'bpftrace',
  command: ['bpftrace', '-B', 'line', '-e', script],
  active: /Tracing/,
  row: /^\d+ /m,
});
const libbpfTool = (program: string): Peer => ({
  name: `libbpf-tools ${program}`,
  package: 'libbpf-tools',
  command: [program],
  active: HEADER,
  row: ROW,
});
const bcc = (program: string): Peer => ({
  name: `bcc ${program}`,
  package: 'bpfcc-tools',
  command: [`${program}-bpfcc`],
  active: HEADER,
  row: ROW,
});
/** Rows have addresses, the header has none. */
const HEADER = /\n/;
const ROW = /127\.0\.0\.1/;

export const HISTOGRAM_PEER = bpftrace('histogram', BPFTRACE_HISTOGRAM);

/** Print a row a handshake, or a row for some of what happens in one. */
export const HANDSHAKE_PEERS: readonly Peer[] = [
  bpftrace('a row a handshake', BPFTRACE_ROWS),
  ...['tcpconnlat', 'tcpconnect', 'tcplife', 'tcpstates'].map(libbpfTool),
  ...['tcpconnlat', 'tcpconnect', 'tcplife', 'tcpstates'].map(bcc),
];

/** Print a row a retransmission. */
export const RETRANSMISSION_PEERS: readonly Peer[] = [
  bpftrace('a row a retransmission', BPFTRACE_RETRANSMITS),
  bcc('tcpretrans'),
];

/** What they look for in /sys and may not find there gets mounted, where only they see it. */
const WITH_FILE_SYSTEMS = `
  mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
  mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
  exec "$@"`;

/** In a terminal whose content can be read, whatever else it prints to. */
export const inTerminal = (peer: Peer): Promise<TracingProcess> =>
  TracingProcess.inTerminal(peer.name, wordsOf(peer), 'pipe');

export const tracerOf = (peer: Peer, sink: Sink = 'file'): Tracer => ({
  name: sink === 'terminal' ? `${peer.name} to a terminal` : peer.name,
  start: async () => {
    const tracing = await TracingProcess.spawn(peer.name, wordsOf(peer), sink);
    await tracing.settled();
    return tracing;
  },
});

/** The command that runs it. */
export const wordsOf = ({ command }: Peer): string[] => [
  'unshare',
  '--mount',
  'sh',
  '-c',
  WITH_FILE_SYSTEMS,
  'sh',
  ...command,
];

const tried = new Map<Peer, string | undefined>();

/** Those of the peers that work on this host; of the others `leftOut` is told why. */
export async function working(peers: readonly Peer[], leftOut: (why: string) => void): Promise<Peer[]> {
  const found: Peer[] = [];
  for (const peer of peers) {
    if (!tried.has(peer)) {
      const problem = await problemOf(peer);
      tried.set(peer, problem);
      if (problem !== undefined) leftOut(problem);
    }
    if (tried.get(peer) === undefined) found.push(peer);
  }
  return found;
}

async function problemOf(peer: Peer): Promise<string | undefined> {
  if (versionOf(peer.package) === undefined) return `${peer.name}: ${peer.package} is not installed`;
  try {
    await (await tracerOf(peer).start()).stop();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** As Debian numbers it; undefined if it is not installed. */
export function versionOf(name: Peer['package']): string | undefined {
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status} ${Version}', name], {
    encoding: 'utf8',
  });
  return /^installed (.+)/.exec(stdout)?.[1];
}
