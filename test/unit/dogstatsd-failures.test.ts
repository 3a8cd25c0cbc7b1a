/** A receiver of DogStatsD that has gone, does not read, or never was: what was not sent comes later, once. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createDogStatsdOutput } from '#tcpscope/agent/dogstatsd.js';
import type { Output } from '#tcpscope/agent/output.js';
import type { DogStatsdConfig } from '#tcpscope/model/agent-config.js';
import { connectUnixDatagram } from '#tcpscope/kernel/unix-datagram.js';
import { UnixReceiver } from '../native/unix_receiver.js';
import { parseDatagram, weightOf } from './dogstatsd-parser.js';
import { CountedNetwork, FakeSurroundings, heapBytes } from './network-snapshots.js';
import { UdpReceiver } from './udp-receiver.js';

const LATENCY = 'network_monitor.tcp_region_connection_latency_ms';
const LONGEST_WAIT_MS = 61_000;

const handshakesIn = (datagrams: readonly string[]): number =>
  weightOf(datagrams.flatMap(parseDatagram).filter(({ name }) => name === LATENCY));

describe('a receiver of DogStatsD that', () => {
  let output: Output | undefined;
  let network: CountedNetwork;
  let surroundings: FakeSurroundings;
  let folder: string;

  beforeEach(() => {
    network = new CountedNetwork();
    surroundings = new FakeSurroundings();
    folder = mkdtempSync(path.join(tmpdir(), 'dogstatsd-'));
  });
  afterEach(async () => {
    await output?.close();
    rmSync(folder, { recursive: true });
  });

  async function open(address: DogStatsdConfig['address']): Promise<void> {
    output = await createDogStatsdOutput({ address, preset: 'network-monitor', tags: [] }, surroundings);
  }

  /** Handshakes of as many values as there are, and a publication after any back-off. */
  async function publish(handshakes: number): Promise<void> {
    network.of().connected(...Array.from({ length: handshakes }, (_, at) => 1e6 * 1.01 ** (at % 1_000)));
    surroundings.ms += LONGEST_WAIT_MS;
    await output!.publish(network.snapshot(1));
  }

  describe('listens for UDP', () => {
    it('and goes away gets everything once it is back, but what nobody can know of', async () => {
      let receiver = await UdpReceiver.open();
      const { port } = receiver;
      await open({ host: '127.0.0.1', port });
      await publish(101);
      assert.equal(handshakesIn(await receiver.take()), 101);
      await receiver.close();
      for (let i = 0; i < 3; i++) await publish(503);
      const { sent, failed, lastError } = output!.telemetry();
      assert.equal(failed, 3);
      assert.match(lastError ?? '', /ECONNREFUSED/);
      receiver = await UdpReceiver.open(port);
      await publish(7);
      // The kernel of one and the same host says at once that nobody listens, so nothing at all is lost.
      assert.equal(handshakesIn(await receiver.take()), 3 * 503 + 7);
      assert.ok(output!.telemetry().sent > sent);
      assert.equal(output!.telemetry().lastError, undefined);
      await receiver.close();
    });

    it('is not tried while it is backed off', async () => {
      const receiver = await UdpReceiver.open();
      const { port } = receiver;
      await receiver.close();
      await open({ host: '127.0.0.1', port });
      await publish(5);
      await output!.publish(network.snapshot(2));
      surroundings.ms += 2_499;
      await output!.publish(network.snapshot(3));
      assert.equal(output!.telemetry().failed, 1);
      surroundings.ms += 1_300;
      await output!.publish(network.snapshot(4));
      assert.equal(output!.telemetry().failed, 2);
    });

    it('has a name that nobody knows is looked for again', async () => {
      await open({ host: 'no-such-host.invalid', port: 8125 });
      await publish(5);
      assert.match(output!.telemetry().lastError ?? '', /no-such-host\.invalid/);
      await publish(5);
      assert.equal(output!.telemetry().failed, 2);
    });
  });

  describe('listens at a path', () => {
    const socket = (): string => path.join(folder, 'dsd.socket');

    it('gets packets of up to 8,192 bytes, of whole lines', async () => {
      const receiver = await UnixReceiver.open(socket());
      await open({ path: socket() });
      for (let i = 0; i < 20; i++) network.of({ sourceNamespace: `namespace-${i}` }).connected(1e6, 3e6);
      await publish(1_963);
      connectUnixDatagram(socket()).send(Buffer.from('end'));
      const packets = await receiver.until('end');
      assert.equal(handshakesIn(packets), 2_003);
      const sizes = packets.map((packet) => packet.length);
      assert.ok(sizes.length >= 2 && Math.max(...sizes) <= 8_192, sizes.join());
      assert.ok(
        sizes.slice(0, -1).every((size) => size > 8_192 - 1_000),
        sizes.join(),
      );
      assert.equal(output!.telemetry().sent, packets.length);
      await receiver.close();
    });

    it('and does not read gets the rest later, each handshake once', async () => {
      const receiver = await UnixReceiver.open(socket(), { stopped: true });
      await open({ path: socket() });
      for (let i = 0; i < 39; i++) network.of({ sourceNamespace: `namespace-${i}` });
      network.of();
      const many = (): void => {
        for (const each of network.series)
          each.connected(...Array.from({ length: 500 }, (_, at) => 1e6 * 1.01 ** at));
      };
      many();
      await publish(0);
      const { sent, failed, lastError } = output!.telemetry();
      assert.ok(sent >= 1 && failed === 1, `${sent}, ${failed}`);
      assert.match(lastError ?? '', /queue is full/);
      many();
      await publish(0);
      assert.equal(output!.telemetry().failed, 2);
      receiver.go();
      await publish(0);
      connectUnixDatagram(socket()).send(Buffer.from('end'));
      assert.equal(handshakesIn(await receiver.until('end')), 2 * 40 * 500);
      assert.equal(output!.telemetry().lastError, undefined);
      await receiver.close();
    });

    it('is started anew gets what comes then', async () => {
      const first = await UnixReceiver.open(socket());
      await open({ path: socket() });
      await publish(11);
      assert.equal(handshakesIn([await first.next()]), 11);
      await first.close();
      await publish(13);
      assert.match(output!.telemetry().lastError ?? '', /ECONNREFUSED|refused/);
      rmSync(socket());
      const second = await UnixReceiver.open(socket());
      await publish(17);
      assert.equal(handshakesIn([await second.next()]), 30);
      await second.close();
    });

    it('cannot be reached is named with the reason', async () => {
      const reasons: [string, () => void, RegExp][] = [
        ['none', () => undefined, /none.*No such file/],
        [
          'file',
          () => {
            writeFileSync(path.join(folder, 'file'), '');
          },
          /file.*refused/,
        ],
        [
          'folder',
          () => {
            mkdirSync(path.join(folder, 'folder'));
            chmodSync(path.join(folder, 'folder'), 0o700);
          },
          /folder.*refused/,
        ],
      ];
      for (const [name, make, expected] of reasons) {
        make();
        await open({ path: path.join(folder, name) });
        await publish(1);
        assert.match(output!.telemetry().lastError ?? '', expected);
        await output!.close();
      }
      const stream = net.createServer().listen(path.join(folder, 'stream'));
      await new Promise((resolve) => stream.once('listening', resolve));
      await open({ path: path.join(folder, 'stream') });
      await publish(1);
      assert.match(output!.telemetry().lastError ?? '', /stream.*wrong type/i);
      await new Promise((resolve) => stream.close(resolve));
    });
  });

  it('is away for long costs no memory', async () => {
    await open({ path: path.join(folder, 'none') });
    for (let at = 0; at < 100; at++) network.of({ sourceNamespace: `ns-${at}` });
    const growth: number[] = [];
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 50; i++) {
        for (const each of network.series) each.connected(1e6);
        await publish(0);
      }
      for (const each of network.series) each.values.length = 0;
      growth.push(heapBytes());
    }
    assert.ok(growth[3]! - growth[1]! < 500e3, `${growth.join()} bytes`);
    assert.equal(output!.telemetry().failed, 200);
  });

  it('is let go leaves nothing open', async () => {
    const receiver = await UdpReceiver.open();
    const before = process
      .getActiveResourcesInfo()
      .filter((each) => each !== 'Immediate')
      .sort();
    await open({ host: '127.0.0.1', port: receiver.port });
    await publish(7);
    await output!.close();
    await publish(11);
    const after = process
      .getActiveResourcesInfo()
      .filter((each) => each !== 'Immediate')
      .sort();
    assert.deepEqual(after, before);
    assert.equal(handshakesIn(await receiver.take()), 7);
    await receiver.close();
  });
});
