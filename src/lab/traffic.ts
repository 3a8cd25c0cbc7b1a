import { Child } from './child.js';
import type { Namespace } from './namespace.js';
import { helperProgram } from './programs.js';

/** The program that makes the traffic. */
export const TRAFFIC = helperProgram('traffic');

/** Microseconds, as a program measures them. */
export interface Latencies {
  min: number;
  p50: number;
  p99: number;
  max: number;
}

export interface ListenOptions {
  /** Length of the accept queue; 4096 by default. */
  backlog?: number;
  /** Leave connections in the accept queue. */
  noAccept?: boolean;
  /** Read what comes and close when the peer has closed, instead of keeping connections open, unread. */
  close?: boolean;
  /** Send so many bytes to every connection. */
  send?: number;
  /** Read until the peer has shut down its side, send as many bytes as came, and close. */
  reply?: boolean;
  /** Accept in so many processes that share the listening socket (`workerPids`), and not in the first one. */
  workers?: number;
  /** Serve every connection in a process of its own, which ends with the connection. */
  fork?: boolean;
  /** Accept in a second thread, called 'acceptor', and serve in the first. */
  acceptThread?: boolean;
  /** Offer TCP Fast Open. (Also needs the sysctl net.ipv4.tcp_fastopen to be 2 or 3.) */
  fastopen?: boolean;
  /** The name of the process. */
  name?: string;
}

export interface ConnectOptions {
  /** Connections to make; 1 by default. */
  count?: number;
  /**
   * How many of them at the same time; 1 by default. More implies `nonblocking`, but with `send` or `receive` so
   * many threads make blocking ones.
   */
  concurrent?: number;
  /** A non-blocking connect and poll instead of a blocking connect. */
  nonblocking?: boolean;
  /** Close a connection that takes longer. Implies `nonblocking`. */
  timeoutMs?: number;
  /** The least time between one start and the next. */
  gapUs?: number;
  /** Start when CLOCK_MONOTONIC (`process.hrtime.bigint()`) shows this. */
  atMonotonicNs?: bigint;
  /** Use an IPv6 socket and ::ffff:ADDRESS, for an IPv4 address. */
  mapped?: boolean;
  source?: string;
  /** A local port, the same for every connection. */
  sourcePort?: number;
  /** TCP_FASTOPEN_CONNECT, and one byte of data to send with the SYN. */
  fastopen?: boolean;
  /** Send so many bytes. Without `hold`, wait until a listener with `close` has read them. */
  send?: number;
  /**
   * Send so many bytes at a time, each chunk as a segment of its own: of up to 1428 bytes, as there has to be
   * room for it with IPv6 and timestamps.
   */
  chunk?: number;
  /** The time between one chunk and the next. */
  chunkGapUs?: number;
  /** Shut down the sending side, after `send`, and read and count until the peer has, too. */
  receive?: boolean;
  /** End connections with RST instead of FIN, so that ports never run out. */
  reset?: boolean;
  /** Connect from a second thread, called 'connector'. */
  thread?: boolean;
  /** The name of the process. */
  name?: string;
  /** Run on this processor only. */
  cpu?: number;
}

export interface ConnectSummary {
  pid: number;
  /** The thread that connected. */
  tid: number;
  attempts: number;
  ok: number;
  /** Closed by the program itself after `timeoutMs`. */
  abandoned: number;
  /** How many attempts failed with each error, by its name, such as ECONNREFUSED. */
  errors: Record<string, number>;
  /** Of the connections that were made; null when there was none. */
  connectUs: Latencies | null;
  /** Bytes that came on all of them, with `receive`, or with `send` and without `hold`. */
  received: number;
}

export interface ListenSummary {
  pid: number;
  /** Connections, those of all workers together. */
  accepted: number;
  /** What each worker has accepted, where there are workers. */
  workers?: { pid: number; accepted: number }[];
}

export interface LoopOptions {
  gapUs?: number;
  /** Over ::1 instead of 127.0.0.1. */
  ipv6?: boolean;
  name?: string;
  cpu?: number;
}

export interface LoopSummary {
  pid: number;
  handshakes: number;
  seconds: number;
  perSecond: number;
  cpuSeconds: number;
  connectUs: Latencies;
}

export interface StormOptions {
  name?: string;
  cpu?: number;
}

export interface StormSummary {
  pid: number;
  connections: number;
}

/** A program that accepts connections. */
export interface Listener {
  pid: number;
  workerPids: number[];
  stop(): Promise<ListenSummary>;
}

/** A program that makes connections, and perhaps holds them. */
export interface Connecting {
  pid: number;
  /** What became of the connections, as soon as that is known of all of them. */
  summary: Promise<ConnectSummary>;
  /** Ends the program, and with it the connections that it holds. */
  stop(): Promise<void>;
}

/** Turns `{timeoutMs: 500, hold: true}` into `--timeout-ms=500 --hold`. */
function flags(options: Record<string, string | number | bigint | boolean | undefined>): string[] {
  return Object.entries(options).flatMap(([key, value]) => {
    const flag = `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value === undefined || value === false) return [];
    return [value === true ? flag : `${flag}=${String(value)}`];
  });
}

/** Starts a listener; resolves when it listens. */
export async function listen(
  namespace: Namespace,
  address: string,
  port: number,
  options: ListenOptions = {},
): Promise<Listener> {
  const child = namespace.spawn(TRAFFIC, ['listen', address, String(port), ...flags({ ...options })]);
  const [, ...workerPids] = (await child.nextLine()).split(' '); // "ready PID PID"
  return {
    pid: child.pid,
    workerPids: workerPids.map(Number),
    stop: async () => {
      await child.stop();
      return JSON.parse(await child.nextLine()) as ListenSummary;
    },
  };
}

/** Starts to make connections. With `hold` they stay open until `stop()`. */
export function startConnect(
  namespace: Namespace,
  address: string,
  port: number,
  options: ConnectOptions & { hold?: boolean } = {},
): Connecting {
  const child = namespace.spawn(TRAFFIC, ['connect', address, String(port), ...flags({ ...options })]);
  const summary = child.nextLine().then((line) => JSON.parse(line) as ConnectSummary);
  summary.catch(() => undefined); // whoever stops the program early need not wait for the summary
  return {
    pid: child.pid,
    summary,
    stop: async () => {
      await child.stop();
    },
  };
}

/** Makes connections; resolves when what became of each is known and the program has ended. */
export async function connect(
  namespace: Namespace,
  address: string,
  port: number,
  options: ConnectOptions = {},
): Promise<ConnectSummary> {
  const child = namespace.spawn(TRAFFIC, ['connect', address, String(port), ...flags({ ...options })]);
  return JSON.parse((await child.output()).stdout) as ConnectSummary;
}

/** Makes loopback connections one after another at full speed, on this host or in a namespace. */
export async function loop(
  handshakes: number,
  port: number,
  options: LoopOptions = {},
  namespace?: Namespace,
): Promise<LoopSummary> {
  const { ipv6 = false, ...others } = options;
  const args = ['loop', String(handshakes), String(port), ...flags(others), ...(ipv6 ? ['-6'] : [])];
  const child = namespace ? namespace.spawn(TRAFFIC, args) : Child.start(TRAFFIC, args);
  return JSON.parse((await child.output()).stdout) as LoopSummary;
}

/**
 * Makes so many connects a second to the address and the three after it, where something has to drop the SYNs.
 * Each is given up when one SYN has been sent again, after 1.5 s.
 */
export async function storm(
  namespace: Namespace,
  perSecond: number,
  seconds: number,
  address: string,
  port: number,
  options: StormOptions = {},
): Promise<StormSummary> {
  const words = [String(perSecond), String(seconds), address, String(port)];
  const child = namespace.spawn(TRAFFIC, ['storm', ...words, ...flags({ ...options })]);
  return JSON.parse((await child.output()).stdout) as StormSummary;
}
