/** Clocks that are known to be apart, and what the connections between them tell. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MeetingSample } from '#tcpscope/record/meetings.js';
import { estimateSkews, skewBetween, type Ends } from '#tcpscope/record/skew.js';
import { seededRandom } from '../unit/random.js';
import { meeting } from './support.js';

interface Flow {
  from: number;
  to: number;
  port: number;
  atNs: number;
  rttNs: number;
  /** The client's ACK takes this long; half a round trip unless told. */
  ackNs?: number;
}

const address = (host: number): string => `10.0.0.${host + 1}`;

/** What hosts whose clocks are so far ahead see of the flows. */
function observe(aheadNs: readonly number[], flows: readonly Flow[]): Ends[] {
  const samples = aheadNs.map(() => new MeetingSample());
  for (const { from, to, port, atNs, rttNs, ackNs = rttNs / 2 } of flows) {
    const rttUs = Math.round(rttNs / 1000);
    const [client, server] = [address(from), address(to)];
    samples[from]!.add(
      meeting({
        role: 'client',
        timeNs: atNs + aheadNs[from]!,
        rttUs,
        localAddress: client,
        localPort: port,
        remoteAddress: server,
        remotePort: 443,
      }),
    );
    samples[to]!.add(
      meeting({
        role: 'server',
        timeNs: atNs + ackNs + aheadNs[to]!,
        rttUs: 0,
        localAddress: server,
        localPort: 443,
        remoteAddress: client,
        remotePort: port,
      }),
    );
  }
  return samples.map((sample) => sample.byKey());
}

describe('clock skew', () => {
  it('of one connection: exact if both ways take as long, and never off by more than it says', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -5e9, max: 5e9 }),
        fc.integer({ min: 20_000, max: 300_000_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.boolean(),
        (aheadNs, rttNs, share, reverse) => {
          const way = reverse ? { from: 1, to: 0 } : { from: 0, to: 1 };
          const [first, second] = observe(
            [0, aheadNs],
            [{ ...way, port: 1, atNs: 1e12, rttNs, ackNs: rttNs * share }],
          );
          const skew = skewBetween(first!, second!);
          assert.ok(skew);
          assert.ok(Math.abs(skew.skewNs - aheadNs) <= skew.uncertaintyNs + 1000);
          if (Math.abs(share - 0.5) < 0.001)
            assert.ok(Math.abs(skew.skewNs - aheadNs) <= rttNs * 0.001 + 1000);
          assert.equal(skew.pairs, 1);
        },
      ),
      { numRuns: 500, seed: 21 },
    );
  });

  it('of many connections, in spite of late ACKs and ports that are used again', () => {
    const random = seededRandom(22);
    const flows = Array.from({ length: 400 }, (_, index) => {
      const rttNs = 200_000 + random() * 2e6;
      const late = index % 10 === 0 ? { ackNs: 200e6 } : {};
      return {
        from: index % 3 === 0 ? 1 : 0,
        to: index % 3 === 0 ? 0 : 1,
        port: index % 40,
        atNs: 1e12 + index * 50e6,
        rttNs,
        ...late,
      };
    });
    const [first, second] = observe([0, 3.7e9], flows);
    const skew = skewBetween(first!, second!);
    assert.ok(skew);
    assert.ok(Math.abs(skew.skewNs - 3.7e9) < 150_000, `${skew.skewNs}`);
    assert.ok(skew.uncertaintyNs < 1e6);
    assert.ok(skew.pairs >= 350, `${skew.pairs} pairs`);
  });

  it('connections within hosts that have the same addresses say nothing', () => {
    const within = new MeetingSample();
    const same = { localAddress: '172.17.0.2', localPort: 5, remoteAddress: '172.17.0.3', remotePort: 443 };
    within.add(meeting({ role: 'client', ...same }));
    within.add(
      meeting({
        role: 'server',
        localAddress: same.remoteAddress,
        localPort: 443,
        remoteAddress: same.localAddress,
        remotePort: 5,
      }),
    );
    const loopback = new MeetingSample();
    loopback.add(meeting({ role: 'client', localAddress: '127.0.0.1', remoteAddress: '127.0.0.2' }));
    loopback.add(meeting({ role: 'client', localAddress: '10.0.0.1', remoteAddress: '10.0.0.1' }));
    assert.equal(loopback.byKey().size, 0);
    assert.equal(skewBetween(within.byKey(), within.byKey()), undefined);
  });

  it('by way of another host; a host without connections is told from the rest', () => {
    const aheadNs = [0, 1e9, -2e9, 7e9];
    const flows = [
      { from: 0, to: 1, port: 1, atNs: 1e12, rttNs: 1e6 },
      { from: 2, to: 1, port: 2, atNs: 1e12, rttNs: 2e6 },
      // A slow path to the third host, which is not taken.
      { from: 0, to: 2, port: 3, atNs: 1e12, rttNs: 300e6, ackNs: 299e6 },
    ];
    const [one, two, three] = estimateSkews(observe(aheadNs, flows));
    assert.deepEqual(one, { skewNs: 1e9, uncertaintyNs: 500_000, pairs: 1 });
    assert.deepEqual(two, { skewNs: -2e9, uncertaintyNs: 1_500_000, pairs: 1 });
    assert.equal(three, undefined);
  });

  it('of more connections than are kept: both ends keep the same ones', () => {
    const flows = Array.from({ length: 60_000 }, (_, port) => ({
      from: 0,
      to: 1,
      port,
      atNs: 1e12 + port * 1e6,
      rttNs: 1e6,
    }));
    const [first, second] = observe([0, -4e6], flows);
    assert.ok(first!.size <= 16_384 && first!.size > 5000);
    assert.deepEqual([...first!.keys()].sort(), [...second!.keys()].sort());
    assert.equal(skewBetween(first!, second!)?.skewNs, -4e6);
  });
});
