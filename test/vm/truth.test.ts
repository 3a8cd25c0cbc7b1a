/**
 * What tcpscope says beside what other hooks of the kernel see (truth.bpf.c), and beside delays and losses that the kernel
 * itself makes (sch_netem). Few real hosts have all that; guests of the kernel matrix do.
 */
import assert from 'node:assert/strict';
import type { BpfObject } from '#bpf-native-bindings';
import { connect, listen } from '#tcpscope/lab/network.js';
import { need, vmProgram } from '../features.js';
import { countBy, trace, traceRetrans, type Row } from '../kernel/tool.js';
import { Routed, SERVER } from './routed.js';

const PORT = 9000;
const REFUSED_PORT = 9009;
/** What an emulated machine needs for a handshake itself. */
const MARGIN_US = 3000;

/** As in truth.bpf.c. */
const COUNTED = [
  'connectV4',
  'connect',
  'finishConnect',
  'retransmit',
  'retransmitSynack',
  'probedConnectV4',
  'probedConnect',
  'probedFinishConnect',
] as const;
type Calls = Record<(typeof COUNTED)[number], number>;

/** Of a handshake, in µs: it took longer than from sending to answered, and not as long as from call to end. */
interface Bounds {
  least: number;
  most: number;
}

/** Watches a network namespace by fentry, fexit and kprobes. */
class Truth {
  readonly #object: BpfObject;

  constructor(netns: number) {
    this.#object = vmProgram('truth');
    this.#object.setGlobal('netns', new Uint8Array(Uint32Array.of(netns).buffer));
    this.#object.load();
    for (const program of this.#object.programNames) this.#object.attach(program);
  }

  calls(): Calls {
    const { values } = this.#object.map('calls').entries();
    const numbers = new DataView(values.buffer, values.byteOffset);
    const entries = COUNTED.map((name, index) => [name, Number(numbers.getBigUint64(index * 8, true))]);
    return Object.fromEntries(entries) as Calls;
  }

  /** By local port. */
  handshakes(): Map<number, Bounds> {
    const { keys, values, count } = this.#object.map('finished').entries();
    const ports = new DataView(keys.buffer, keys.byteOffset);
    const moments = new DataView(values.buffer, values.byteOffset);
    return new Map(
      Array.from({ length: count }, (_, index) => {
        const at = (moment: number): number =>
          Number(moments.getBigUint64((index * 4 + moment) * 8, true)) / 1000;
        return [ports.getUint32(index * 4, true), { least: at(2) - at(1), most: at(3) - at(0) }];
      }),
    );
  }

  close(): void {
    this.#object.close();
  }
}

/** Counts SYNs where they leave the client, and where they reach the server. */
const COUNT_SYNS = (hook: string): string =>
  `table inet truth { chain syns { type filter hook ${hook} priority 0; tcp flags & (syn | ack) == syn counter; }; }`;

async function countedSyns(host: Routed['client']): Promise<number> {
  const { stdout } = await host.exec('nft', ['list', 'table', 'inet', 'truth']);
  return Number(/counter packets (\d+)/.exec(stdout)?.[1]);
}

describe('beside sch_netem', () => {
  before(function () {
    need(this, 'netem');
  });

  it('a delay of 30 ms is LATENCY and WIRE, and hardly more at best', async () => {
    const network = await Routed.create({ there: 'delay 15ms', back: 'delay 15ms' });
    try {
      await listen(network.server, SERVER, PORT);
      const { rows } = await trace(['--netns', network.client.name], () =>
        connect(network.client, SERVER, PORT, { count: 23 }),
      );
      assert.equal(rows.length, 23);
      for (const { latency_us, wire_us } of rows) {
        assert.ok(wire_us! >= 29_990 && wire_us! <= latency_us + 1, `wire ${wire_us} of ${latency_us}`);
        assert.ok(latency_us >= 30_000, `latency ${latency_us}`);
      }
      // The fastest: how late the others are is up to the machine.
      const fastest = Math.min(...rows.map(({ latency_us }) => latency_us));
      assert.ok(fastest < 30_000 + MARGIN_US, `fastest ${fastest}`);
      const least = Math.min(...rows.map(({ latency_us, wire_us }) => latency_us - wire_us!));
      assert.ok(least < MARGIN_US, `latency exceeds wire by ${least}`);
    } finally {
      await network.destroy();
    }
  });

  it('SYNS are those that left the host, at least one more for each that was lost', async () => {
    const network = await Routed.create({ there: 'loss 20%', back: 'delay 5ms' });
    try {
      await network.client.exec('nft', ['-f', '-'], { input: COUNT_SYNS('output') });
      await network.server.exec('nft', ['-f', '-'], { input: COUNT_SYNS('input') });
      await listen(network.server, SERVER, PORT);
      const { rows } = await trace(['--netns', network.client.name, '--pending', '0'], () =>
        connect(network.client, SERVER, PORT, { count: 40, concurrent: 40 }),
      );
      assert.deepEqual(
        countBy(rows, ({ result }) => result),
        { ok: 40 },
      );
      const sent = await countedSyns(network.client);
      const lost = sent - (await countedSyns(network.server));
      const syns = rows.reduce((sum, row) => sum + row.syns, 0);
      assert.ok(lost > 0);
      assert.equal(syns, sent);
      // A slow machine also sends again what was not lost.
      assert.ok(syns - rows.length >= lost, `${syns} of ${rows.length} connections, ${lost} lost`);
      for (const row of rows) assert.equal(row.syns > 1, row.latency_us > 1_000_000, JSON.stringify(row));
    } finally {
      await network.destroy();
    }
  });
});

describe('beside fentry and kprobes', () => {
  before(function () {
    need(this, 'netem', 'fentry', 'kprobes');
  });

  it('connlat has every connect, and each LATENCY lies between what surrounds it', async () => {
    const network = await Routed.create({ there: 'delay 3ms', back: 'delay 4ms' });
    const truth = new Truth(network.client.inode);
    try {
      await listen(network.server, SERVER, PORT);
      const { rows } = await trace(['--netns', network.client.name], async () => {
        await connect(network.client, SERVER, PORT, { count: 23 });
        await connect(network.client, SERVER, REFUSED_PORT, { count: 7 });
      });
      assert.deepEqual(
        countBy(rows, ({ result }) => result),
        { ok: 23, refused: 7 },
      );
      const { connectV4, connect: sent, finishConnect, ...calls } = truth.calls();
      assert.deepEqual({ connectV4, sent, finishConnect }, { connectV4: 30, sent: 30, finishConnect: 23 });
      const { probedConnectV4, probedConnect, probedFinishConnect } = calls;
      assert.deepEqual([probedConnectV4, probedConnect, probedFinishConnect], [30, 30, 23]);
      assertBetween(rows, truth.handshakes());
    } finally {
      truth.close();
      await network.destroy();
    }
  });

  it('retrans has every retransmission that the kernel could send', async () => {
    const network = await Routed.create({
      there: 'delay 5ms loss 8%',
      back: 'delay 5ms loss 8%',
      single: true,
    });
    const truths = [network.client, network.server].map(({ inode }) => new Truth(inode));
    try {
      await listen(network.server, SERVER, PORT, { reply: true });
      const netns = `${network.client.name},${network.server.name}`;
      const { rows, stderr } = await traceRetrans(['--netns', netns], async () => {
        const options = { count: 20, concurrent: 10, send: 60_000, receive: true };
        const { ok } = await connect(network.client, SERVER, PORT, options);
        assert.equal(ok, 20);
      });
      assert.match(stderr, /; 0 events lost/);
      // From Linux 7.0 on tracepoints can be preempted, and a program is skipped that is at work on that CPU: the summary counts it.
      const missed = Number(/(\d+) events? missed/.exec(stderr)?.[1] ?? '0');
      for (const [index, host] of [network.client, network.server].entries()) {
        const ours = rows.filter((row) => row.netns === host.inode && row.error === null);
        const synacks = ours.filter(({ kind, state }) => kind === 'synack' && state === 'SYN_RECV').length;
        const { retransmit, retransmitSynack } = truths[index]!.calls();
        const hidden = retransmit + retransmitSynack - ours.length;
        assert.ok(hidden >= 0 && hidden <= missed, `${host.name}: ${hidden} hidden, ${missed} missed`);
        if (missed === 0) assert.equal(synacks, retransmitSynack, host.name);
        assert.ok(retransmit > 20, `${retransmit} retransmissions`);
      }
    } finally {
      for (const truth of truths) truth.close();
      await network.destroy();
    }
  });
});

/** Both are whole microseconds of the same clock. */
function assertBetween(rows: readonly Row[], handshakes: ReadonlyMap<number, Bounds>): void {
  const connected = rows.filter(({ result }) => result === 'ok');
  assert.equal(handshakes.size, connected.length);
  for (const { local_port, latency_us } of connected) {
    const { least, most } = handshakes.get(local_port!)!;
    assert.ok(latency_us >= least - 1 && latency_us <= most + 1, `${latency_us}: not ${least} to ${most}`);
  }
}
