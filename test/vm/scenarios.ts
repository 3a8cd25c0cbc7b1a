/** Networks that lose packets, and what is sent through them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { listen, startConnect } from '#tcpscope/lab/network.js';
import { CLIENT, SERVER, type Routed, type RoutedOptions } from './routed.js';

const PEER = fileURLToPath(new URL('peer.js', import.meta.url));
const PORT = 9000;

export interface Scenario extends RoutedOptions {
  name: string;
  /** Random loss is what the rule is measured with; the others are rare situations, reported apart. */
  special?: boolean;
  traffic(network: Routed, seconds: number): Promise<void>;
}

/** Jobs of peer.ts with their numbers of connections. */
async function drive(network: Routed, seconds: number, jobs: string): Promise<void> {
  await network.server.spawn(process.execPath, [PEER, 'serve', String(PORT)]).nextLine();
  const words = [PEER, 'drive', SERVER, String(PORT), String(seconds), ...jobs.split(' ')];
  await network.client.exec(process.execPath, words);
}

const jobs =
  (words: string) =>
  (network: Routed, seconds: number): Promise<void> =>
    drive(network, seconds, words);

const MIXED = 'up:6 down:6 ask:30 burst:10 short:10';

/** The same on both ways. */
const both = (netem: string): { there: string; back: string } => ({ there: netem, back: netem });

const PAIRS = 15;
const PAIR_ROUNDS = 5;

/** Both ends open the same connection at the same moment: lost SYN-ACKs are sent again by the socket itself. */
async function openSimultaneously(network: Routed): Promise<void> {
  for (let round = 0; round < PAIR_ROUNDS; round++) {
    const atMonotonicNs = process.hrtime.bigint() + 6_000_000_000n;
    const ends = Array.from({ length: PAIRS }, (_, i) => {
      const port = PORT + round * PAIRS + i;
      const options = { sourcePort: port, atMonotonicNs, hold: true };
      return [
        startConnect(network.client, SERVER, port, options),
        startConnect(network.server, CLIENT, port, options),
      ];
    }).flat();
    await sleep(14_000);
    await Promise.all(ends.map((end) => end.stop()));
  }
}

const FASTOPEN = { programs: 8, count: 25 };

async function fastOpen(network: Routed): Promise<void> {
  await listen(network.server, SERVER, PORT, { fastopen: true, close: true });
  const options = { count: FASTOPEN.count, fastopen: true, send: 5000 };
  const programs = Array.from({ length: FASTOPEN.programs }, () =>
    startConnect(network.client, SERVER, PORT, options),
  );
  await Promise.allSettled(programs.map((program) => program.summary));
}

/** The path gets narrower step by step; the router says so. */
async function shrinkMtu(network: Routed, seconds: number): Promise<void> {
  const traffic = drive(network, seconds, 'up:20 burst:20');
  const steps = [1450, 1400, 1300, 1200, 1100, 1000, 900, 800, 700, 600];
  for (const mtu of steps) {
    await sleep((seconds * 1000) / (steps.length + 2));
    await network.router.ip(`link set to-server mtu ${mtu}`);
  }
  await traffic;
}

/** The server becomes unreachable for a time, and the router's ICMP messages come late. */
async function becomeUnreachable(network: Routed, seconds: number): Promise<void> {
  const rounds = Math.ceil(seconds / 10);
  const traffic = drive(network, rounds * 10 + 5, 'up:20 ask:20');
  for (let round = 0; round < rounds; round++) {
    await sleep(3000);
    await network.queue('to-client', 'delay 1500ms');
    await network.router.ip(`route add unreachable ${SERVER}/32`);
    await sleep(5000);
    await network.router.ip(`route del unreachable ${SERVER}/32`);
    await network.queue('to-client', 'delay 10ms');
    await sleep(2000);
  }
  await traffic;
}

const sysctl = {
  noSack: { 'net.ipv4.tcp_sack': 0 },
  bbr: { 'net.ipv4.tcp_congestion_control': 'bbr' },
  ecn: { 'net.ipv4.tcp_ecn': 1 },
  noProbe: { 'net.ipv4.tcp_early_retrans': 0 },
  noRack: { 'net.ipv4.tcp_recovery': 0 },
  noTimestamps: { 'net.ipv4.tcp_timestamps': 0 },
  fastopen: { 'net.ipv4.tcp_fastopen': 3 },
};

export const SCENARIOS: Scenario[] = [
  { name: '0.5 % loss', ...both('delay 5ms loss 0.5%'), single: true, traffic: jobs(MIXED) },
  { name: '2 % loss', ...both('delay 20ms loss 2%'), single: true, traffic: jobs(MIXED) },
  { name: '5 % loss', ...both('delay 10ms loss 5%'), single: true, traffic: jobs(MIXED) },
  { name: '10 % loss', ...both('delay 20ms loss 10%'), single: true, traffic: jobs(MIXED) },
  { name: '5 % loss of large skbs', ...both('delay 20ms loss 5%'), traffic: jobs(MIXED) },
  {
    name: '2 % loss, jitter',
    ...both('delay 30ms 10ms 25% loss 2%'),
    single: true,
    traffic: jobs(MIXED),
  },
  {
    name: '2 % loss, reordering',
    ...both('delay 40ms reorder 25% 50% loss 2%'),
    single: true,
    traffic: jobs(MIXED),
  },
  {
    name: '10 % loss there',
    there: 'delay 10ms loss 10%',
    back: 'delay 10ms',
    single: true,
    traffic: jobs(MIXED),
  },
  {
    name: '10 % loss back',
    there: 'delay 10ms',
    back: 'delay 10ms loss 10%',
    single: true,
    traffic: jobs(MIXED),
  },
  {
    name: '5 % loss in bursts',
    ...both('delay 10ms loss gemodel 1% 20% 100% 0%'),
    single: true,
    traffic: jobs(MIXED),
  },
  { name: 'small writes, 10 % loss', ...both('delay 10ms loss 10%'), single: true, traffic: jobs('ask:120') },
  { name: 'short connections, 10 % loss', ...both('delay 5ms loss 10%'), traffic: jobs('short:120') },
  {
    name: 'no SACK, 3 % loss',
    ...both('delay 10ms loss 3%'),
    single: true,
    sysctl: sysctl.noSack,
    traffic: jobs(MIXED),
  },
  {
    name: 'no TLP, 5 % loss',
    ...both('delay 10ms loss 5%'),
    single: true,
    sysctl: sysctl.noProbe,
    traffic: jobs(MIXED),
  },
  {
    name: 'no RACK, 5 % loss',
    ...both('delay 10ms loss 5%'),
    single: true,
    sysctl: sysctl.noRack,
    traffic: jobs(MIXED),
  },
  {
    name: 'no timestamps, 5 % loss',
    ...both('delay 10ms loss 5%'),
    single: true,
    sysctl: sysctl.noTimestamps,
    traffic: jobs(MIXED),
  },
  {
    name: 'ECN, 4 % marked, 4 % loss',
    ...both('delay 10ms loss 4% ecn'),
    hosts: 'loss 4%',
    single: true,
    sysctl: sysctl.ecn,
    traffic: jobs(MIXED),
  },
  {
    name: 'BBR, 2 % loss',
    ...both('delay 10ms loss 2%'),
    single: true,
    sysctl: sysctl.bbr,
    traffic: jobs(MIXED),
  },
  { name: 'BBR, 10 % loss', ...both('delay 20ms loss 10%'), sysctl: sysctl.bbr, traffic: jobs(MIXED) },
  { name: 'both ends open, 30 % loss', ...both('delay 40ms loss 30%'), traffic: openSimultaneously },
  {
    name: 'TCP Fast Open, 10 % loss',
    ...both('delay 5ms loss 10%'),
    special: true,
    sysctl: sysctl.fastopen,
    traffic: fastOpen,
  },
  { name: 'narrower path', ...both('delay 10ms'), special: true, traffic: shrinkMtu },
  { name: 'unreachable, told late', ...both('delay 10ms'), special: true, traffic: becomeUnreachable },
];
