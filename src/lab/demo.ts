/** Traffic worth looking at on an idle machine: programs, each with its own fate. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Network, SERVER, listen, startConnect, type NetworkOptions } from './network.js';

const DELAY_US = 20_000;
const GAP_US = 1_000_000;
/** More than any demo lasts; the programs end with the network. */
const MANY = 100_000;

/** A running demo. */
export interface Demo {
  /** Names of the network namespaces to watch. */
  namespaces: string[];
  /** Ends everything and removes it. */
  destroy(): Promise<void>;
}

interface DemoKind {
  /** What is going on, for whoever watches. */
  legend: string;
  /** Makes the namespaces and starts the programs. */
  start(): Promise<Demo>;
}

const CONNECTS = { open: 9000, losing: 9001, silent: 9002, closed: 9003 } as const;

const CONNECTS_LEGEND = `Two network namespaces, joined by a path of 20 ms each way. Five programs connect:
  fast      over loopback
  slow      across the path
  refused   to a port on which nobody listens
  unlucky   across the path, which loses the first SYN of each connection
  hopeless  to a port whose SYNs all vanish; gives up after 1.5 s
`;

async function startConnects([network]: readonly Network[]): Promise<void> {
  const { client, server } = network!;
  await listen(client, '127.0.0.1', CONNECTS.open, { close: true });
  await listen(server, SERVER.ipv4, CONNECTS.open, { close: true });
  await listen(server, SERVER.ipv4, CONNECTS.losing, { close: true });
  const steady = { count: MANY, gapUs: GAP_US };
  startConnect(client, '127.0.0.1', CONNECTS.open, { ...steady, name: 'fast' });
  startConnect(client, SERVER.ipv4, CONNECTS.open, { ...steady, name: 'slow' });
  startConnect(client, SERVER.ipv4, CONNECTS.closed, { ...steady, name: 'refused' });
  startConnect(client, SERVER.ipv4, CONNECTS.losing, { ...steady, name: 'unlucky' });
  startConnect(client, SERVER.ipv4, CONNECTS.silent, { ...steady, name: 'hopeless', timeoutMs: 1500 });
}

const LOSSES = { middle: 9000, last: 9001, syn: 9002, synack: 9003, cut: 9004 } as const;
/** Each chunk is a segment. */
const CHUNK = 1000;
const CHUNKS = 20;
const WHOLE_MS = 2000;
const CUT_MS = 1200;
/** A screen has room for what is lost meanwhile. */
const OUTAGE_GAP_US = 100_000;

const LOSSES_LEGEND = `Two pairs of network namespaces, each joined by a path of 20 ms each way. What it loses:
  bulk         of each transfer a segment in the middle: fast
  tail         of each transfer the last segment: tlp
  syn-lost     the first SYN of each connection: syn
  synack-lost  (a server) its first SYN-ACK to each connection: synack; its client, waiting, sends its SYN again too
  outage       for 1.2 s everything, again and again: rto, TRY and STALL rising, and then the rest
`;

async function startLosses([losing, breaking]: readonly Network[]): Promise<void> {
  const { client, server } = losing!;
  await listen(server, SERVER.ipv4, LOSSES.middle, { close: true });
  await listen(server, SERVER.ipv4, LOSSES.last, { close: true });
  await listen(server, SERVER.ipv4, LOSSES.syn, { close: true });
  await listen(server, SERVER.ipv4, LOSSES.synack, { close: true, name: 'synack-lost' });
  const steady = { count: MANY, gapUs: GAP_US };
  const transfer = { send: CHUNK * CHUNKS, chunk: CHUNK };
  startConnect(client, SERVER.ipv4, LOSSES.middle, { ...steady, ...transfer, name: 'bulk' });
  // No FIN behind the last segment: connections stay open.
  startConnect(client, SERVER.ipv4, LOSSES.last, { ...steady, ...transfer, name: 'tail', hold: true });
  startConnect(client, SERVER.ipv4, LOSSES.syn, { ...steady, name: 'syn-lost' });
  startConnect(client, SERVER.ipv4, LOSSES.synack, { ...steady, name: 'waiting' });
  await startOutages(breaking!);
}

async function startOutages(network: Network): Promise<void> {
  await listen(network.server, SERVER.ipv4, LOSSES.cut, { close: true });
  startConnect(network.client, SERVER.ipv4, LOSSES.cut, {
    send: CHUNK * MANY,
    chunk: CHUNK,
    chunkGapUs: OUTAGE_GAP_US,
    name: 'outage',
  });
  void cutAgainAndAgain(network).catch(() => undefined); // the network has gone
}

async function cutAgainAndAgain(network: Network): Promise<never> {
  for (;;) {
    await sleep(WHOLE_MS, undefined, { ref: false });
    await network.cut();
    await sleep(CUT_MS, undefined, { ref: false });
    await network.mend();
  }
}

/** Makes the networks and starts programs in them; removes everything if that fails. */
async function begin(
  wanted: readonly NetworkOptions[],
  start: (networks: readonly Network[]) => Promise<void>,
): Promise<Demo> {
  const networks: Network[] = [];
  const destroy = async (): Promise<void> => {
    await Promise.all(networks.map((network) => network.destroy()));
  };
  try {
    for (const options of wanted)
      networks.push(await Network.create({ name: 'demo', delayUs: DELAY_US, ...options }));
    await start(networks);
  } catch (error) {
    await destroy();
    throw error;
  }
  return { namespaces: networks.flatMap(({ client, server }) => [client.name, server.name]), destroy };
}

/** By the command that they show. */
export const DEMOS = {
  connlat: {
    legend: CONNECTS_LEGEND,
    start: () =>
      begin([{ drop: [`first-syn:${CONNECTS.losing}`, `all-syn:${CONNECTS.silent}`] }], startConnects),
  },
  retrans: {
    legend: LOSSES_LEGEND,
    start: () =>
      begin(
        [
          {
            drop: [
              `data-${CHUNKS / 2}:${LOSSES.middle}`,
              `data-${CHUNKS}:${LOSSES.last}`,
              `first-syn:${LOSSES.syn}`,
              `first-synack:${LOSSES.synack}`,
            ],
          },
          {},
        ],
        startLosses,
      ),
  },
} satisfies Record<string, DemoKind>;
