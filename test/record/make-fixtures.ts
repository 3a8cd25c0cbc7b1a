/**
 * Makes the recordings of test/record/fixtures on the running kernel, which takes root and some ten seconds:
 *   scripts/build && node build/test/record/make-fixtures.js
 */
import { chmodSync, rmSync } from 'node:fs';
import { machine, release } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { toFilter } from '#tcpscope/cli/filter-flags.js';
import { HandshakeSource } from '#tcpscope/kernel/handshakes.js';
import { RetransmitSource } from '#tcpscope/kernel/retransmits.js';
import { Network, SERVER, connect, listen, startConnect } from '#tcpscope/lab/network.js';
import type { Attribution } from '#tcpscope/model/attribution.js';
import type { Handshake } from '#tcpscope/model/handshake.js';
import { isMeeting, type Meeting } from '#tcpscope/model/meeting.js';
import { isRetransmit, type RetransItem } from '#tcpscope/model/retransmit.js';
import type { Source } from '#tcpscope/model/source.js';
import type { HeadFacts } from '#tcpscope/record/head.js';
import type { RecordedItem } from '#tcpscope/record/items.js';
import { RecordingWriter } from '#tcpscope/record/writer.js';
import { facts, FIXTURES } from './support.js';

const PORT = {
  plain: 9000,
  firstSyn: 9001,
  allSyn: 9002,
  nobody: 9009,
  firstSynack: 9003,
  third: 9004,
  last: 9005,
};
const DELAY_US = 20_000;
const CHUNK = 1000;
const CHUNKS = 20;
const POLL_MS = 50;

const nowNs = (): number => Number(process.hrtime.bigint());

/** What a host knows of itself, but for its name. */
function hostFacts(command: string): HeadFacts {
  return {
    ...facts,
    command,
    arguments: ['--netns', 'client'],
    filtered: true,
    host: { name: 'lab', kernel: release().replace(/-.*/, ''), machine: machine() },
  };
}

/** Says what the program's own parts for containers and names would. */
function attribute(item: Attribution): void {
  item.netnsName = 'client';
  item.workload = TRAFFIC_WORKLOAD;
}

const TRAFFIC_WORKLOAD = {
  name: 'traffic.service',
  cgroup: '/system.slice/traffic.service',
  containerId: undefined,
  container: undefined,
  pod: undefined,
  namespace: undefined,
  unit: 'traffic.service',
};

/** Records what the source gives until `traffic` ends. */
async function record<Item extends RecordedItem>(
  file: string,
  command: string,
  source: Source<Item | Meeting>,
  traffic: (seen: readonly Item[]) => Promise<void>,
): Promise<readonly Item[]> {
  const target = path.join(FIXTURES, file);
  rmSync(target, { force: true });
  const writer = await RecordingWriter.create(target, hostFacts(command));
  const seen: Item[] = [];
  const take = (): void => {
    for (const item of source.drain(nowNs())) {
      if (!isMeeting(item)) {
        attribute(item);
        seen.push(item);
      }
      writer.add(item);
    }
    writer.tick(nowNs());
  };
  const timer = setInterval(take, POLL_MS);
  try {
    await traffic(seen);
    source.stop();
    take();
    writer.name(SERVER.ipv4, 'server.example');
    await writer.close({ losses: source.losses(), endedNs: nowNs() });
  } finally {
    clearInterval(timer);
    source.close();
  }
  chmodSync(target, 0o644);
  return seen;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(POLL_MS);
}

async function recordHandshakes(network: Network, only: readonly string[]): Promise<void> {
  const source = HandshakeSource.start({
    filter: toFilter({ netns: [...only] }),
    transport: 'auto',
    syncErrors: false,
    pendingNs: 500e6,
    meetings: true,
    audit: false,
  });
  const seen = await record<Handshake>('handshakes.tsr', 'connlat', source as Source<Handshake>, async () => {
    await connect(network.client, SERVER.ipv4, PORT.plain, { count: 12, gapUs: 100_000, name: 'puma' });
    await connect(network.client, SERVER.ipv6, PORT.plain, { count: 2, name: 'puma' });
    await connect(network.client, SERVER.ipv4, PORT.nobody, { count: 3, name: 'curl' });
    await connect(network.client, SERVER.ipv4, PORT.firstSyn, { count: 2, concurrent: 2, name: 'puma' });
    await connect(network.client, SERVER.ipv4, PORT.allSyn, { count: 2, concurrent: 2, timeoutMs: 1500 });
  });
  console.log('handshakes:', seen.map(({ outcome, syns }) => `${outcome} ${syns}`).join(', '));
}

async function recordRetransmits(network: Network, only: readonly string[]): Promise<void> {
  const source = RetransmitSource.start({
    filter: toFilter({ netns: [...only] }),
    kinds: [],
    states: [],
    transport: 'auto',
    sampleNs: 1e9,
    meetings: true,
    audit: false,
  });
  const seen = await record<RetransItem>('retransmits.tsr', 'retrans', source, async (items) => {
    const has = (kind: string): boolean => items.some((item) => isRetransmit(item) && item.kind === kind);
    const data = { send: CHUNK * CHUNKS, chunk: CHUNK };
    await connect(network.client, SERVER.ipv4, PORT.third, data);
    await connect(network.client, SERVER.ipv4, PORT.firstSynack);
    await connect(network.client, SERVER.ipv4, PORT.firstSyn);
    const tail = startConnect(network.client, SERVER.ipv4, PORT.last, { ...data, hold: true });
    await tail.summary;
    await until(() => has('tlp'));
    await tail.stop();
    const long = startConnect(network.client, SERVER.ipv4, PORT.plain, {
      send: CHUNK * 400,
      chunk: CHUNK,
      chunkGapUs: 15_000,
      hold: true,
    });
    await sleep(500);
    await network.cut();
    await until(() => has('rto'));
    await network.mend();
    await long.summary;
    await long.stop();
  });
  const kinds = seen.map((item) => (isRetransmit(item) ? item.kind : 'socket'));
  console.log('retransmits:', kinds.join(', '));
}

const network = await Network.create({
  delayUs: DELAY_US,
  drop: [
    `first-syn:${PORT.firstSyn}`,
    `all-syn:${PORT.allSyn}`,
    `first-synack:${PORT.firstSynack}`,
    `data-3:${PORT.third}`,
    `data-${CHUNKS}:${PORT.last}`,
  ],
});
try {
  for (const port of [PORT.plain, PORT.firstSyn, PORT.firstSynack, PORT.third, PORT.last])
    await listen(network.server, SERVER.ipv4, port, { close: true });
  await listen(network.server, SERVER.ipv6, PORT.plain, { close: true });
  await recordHandshakes(network, [network.client.name]);
  await recordRetransmits(network, [network.client.name, network.server.name]);
} finally {
  await network.destroy();
}
