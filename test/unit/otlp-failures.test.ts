/** A collector that is away, slow, full or broken: what was measured arrives once, when it is back. */
import assert from 'node:assert/strict';
import { createOtlpOutput } from '#tcpscope/agent/otlp.js';
import type { Output } from '#tcpscope/agent/output.js';
import { CountedNetwork, FakeSurroundings, heapBytes } from './network-snapshots.js';
import { metricsOf, OtlpReceiver, partialSuccess, type Behaviour } from './otlp-receiver.js';

const RESOURCE = { version: '1.2.3', instanceId: 'an-id', hostName: 'web-7' };
const TIMEOUT_MS = 200;
const LONGEST_WAIT_MS = 61_000;

const answer =
  (status: number, headers: Record<string, string> = {}, body: Uint8Array | string = ''): Behaviour =>
  (_request, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };
const resetConnection: Behaviour = (request) => {
  request.socket.resetAndDestroy();
};
const neverAnswer: Behaviour = () => undefined;
/** Announces more than comes. */
const resetInBody =
  (status: number): Behaviour =>
  (request, response) => {
    response.writeHead(status, { 'content-length': '100' });
    response.write('half', () => request.socket.destroy());
  };
const neverEnd: Behaviour = (_request, response) => {
  response.writeHead(200, { 'content-length': '100' });
  response.write('half');
};

describe('a collector that', () => {
  let receiver: OtlpReceiver;
  let output: Output;
  let network: CountedNetwork;
  let surroundings: FakeSurroundings;
  let seconds: number;

  beforeEach(async () => {
    receiver = await OtlpReceiver.open();
    surroundings = new FakeSurroundings();
    network = new CountedNetwork();
    seconds = 0;
  });
  afterEach(async () => {
    await output.close();
    await receiver.close();
  });

  async function open(temporality: 'delta' | 'cumulative' = 'delta'): Promise<void> {
    const config = { endpoint: receiver.endpoint, headers: {}, ca: undefined, timeoutMs: TIMEOUT_MS };
    output = await createOtlpOutput({ ...config, temporality }, RESOURCE, surroundings);
  }

  /** Some more handshakes, and a publication after any back-off. */
  async function publish(handshakes: number): Promise<void> {
    network.of().connected(...Array.from({ length: handshakes }, (_, at) => 1e6 + at));
    surroundings.ms += LONGEST_WAIT_MS;
    await output.publish(network.snapshot((seconds += 10)));
  }

  /** Handshakes of all requests that were taken: as differences, and the last one as a total. */
  function totals(): { sum: number; buckets: number; last: number } {
    const points = receiver.taken
      .flatMap(metricsOf)
      .filter(({ name }) => name === 'system.network.tcp.handshake.duration')
      .flatMap(({ exponentialHistogram }) => exponentialHistogram!.dataPoints);
    const buckets = points.flatMap(({ positive }) => positive.bucketCounts.map(Number));
    return {
      sum: points.reduce((sum, { count }) => sum + Number(count), 0),
      buckets: buckets.reduce((sum, count) => sum + count, 0),
      last: Number(points.at(-1)?.count ?? 0),
    };
  }

  const definite: [string, Behaviour][] = [
    ['answers 503', answer(503)],
    ['answers 429 with a time to wait', answer(429, { 'retry-after': '7' })],
    ['answers 401', answer(401)],
    ['answers 404', answer(404, {}, 'no such page')],
    ['answers 500 and resets the connection in the middle', resetInBody(500)],
    ['points elsewhere', answer(302, { location: 'http://127.0.0.1:1/' })],
  ];
  for (const [name, behaviour] of definite)
    it(`${name} gets everything once, later`, async () => {
      await open();
      await publish(7);
      receiver.behaviours.push(behaviour, behaviour);
      await publish(11);
      await publish(13);
      assert.equal(output.telemetry().failed, 2);
      assert.match(output.telemetry().lastError ?? '', /^\d{3} /);
      await publish(17);
      assert.deepEqual(totals(), { sum: 48, buckets: 48, last: 41 });
      const { sent, failed, dropped, lastError } = output.telemetry();
      assert.deepEqual(
        { sent, failed, dropped, lastError },
        {
          sent: 2,
          failed: 2,
          dropped: 0,
          lastError: undefined,
        },
      );
    });

  it('is not there gets everything once it is', async () => {
    await open();
    await publish(7);
    const { port } = receiver;
    await receiver.close();
    await publish(11);
    await publish(13);
    assert.equal(output.telemetry().failed, 2);
    assert.match(output.telemetry().lastError ?? '', /ECONNREFUSED/);
    const back = await OtlpReceiver.open(port);
    const before = totals();
    receiver = back;
    await publish(17);
    assert.deepEqual([before.sum, totals().sum], [7, 41]);
  });

  const lost: [string, Behaviour, RegExp][] = [
    ['resets the connection before it answers', resetConnection, /ECONNRESET|socket hang up/],
    ['takes the request and never answers', neverAnswer, /no answer within 200 ms/],
  ];
  for (const [name, behaviour, error] of lost)
    it(`${name} is asked again with all that it has not confirmed`, async () => {
      await open();
      receiver.behaviours.push(behaviour);
      await publish(7);
      assert.equal(output.telemetry().failed, 1);
      assert.match(output.telemetry().lastError ?? '', error);
      await publish(11);
      assert.equal(totals().sum, 18);
    });

  const confirmed: [string, Behaviour][] = [
    ['answers 200 and resets the connection in the middle', resetInBody(200)],
    ['answers 200 and never ends its answer', neverEnd],
    ['answers 204', answer(204)],
    ['answers with text', answer(200, { 'content-type': 'text/plain' }, 'thank you')],
    ['answers at length', answer(200, {}, 'x'.repeat(1 << 20))],
  ];
  for (const [name, behaviour] of confirmed)
    it(`${name} has taken the request`, async () => {
      await open();
      receiver.behaviours.push(behaviour);
      await publish(7);
      assert.equal(output.telemetry().sent, 1);
      assert.equal(output.telemetry().failed, 0);
      await publish(11);
      assert.equal(totals().sum, 11);
    });

  for (const status of [400, 413])
    it(`answers ${status} never gets the same again: it is counted as dropped`, async () => {
      await open();
      receiver.behaviours.push(answer(status));
      await publish(7);
      const { dropped, failed } = output.telemetry();
      const points = metricsOf(receiver.received[0]!.request).flatMap((metric) => [
        ...(metric.sum?.dataPoints ?? []),
        ...(metric.gauge?.dataPoints ?? []),
        ...(metric.exponentialHistogram?.dataPoints ?? []),
      ]);
      assert.deepEqual([dropped, failed], [points.length, 1]);
      await publish(11);
      assert.equal(totals().sum, 11);
    });

  it('refuses points is not sent them again, and they are counted', async () => {
    await open();
    receiver.behaviours.push(answer(200, {}, partialSuccess(3, 'too\nold\u001b[31m')));
    await publish(7);
    const { sent, dropped, lastError } = output.telemetry();
    assert.deepEqual([sent, dropped], [1, 3]);
    assert.equal(lastError, '3 points refused: tooold[31m');
    await publish(11);
    assert.equal(totals().sum, 11);
    assert.equal(output.telemetry().lastError, undefined);
  });

  it('loses a request of totals has them in the next', async () => {
    await open('cumulative');
    await publish(7);
    receiver.behaviours.push(answer(503), neverAnswer, resetConnection, answer(400));
    for (const handshakes of [11, 13, 17, 19]) await publish(handshakes);
    await publish(23);
    assert.equal(totals().last, 90);
    assert.deepEqual([output.telemetry().failed, output.telemetry().dropped], [4, 0]);
  });

  it('is away for long costs no memory', async () => {
    await open();
    for (let at = 0; at < 100; at++) network.of({ sourceNamespace: `ns-${at}` });
    await publish(1);
    const { port } = receiver;
    await receiver.close();
    const growth: number[] = [];
    let handshakes = 1;
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 50; i++) {
        for (const each of network.series) each.connected(1e6);
        handshakes += network.series.length;
        await publish(0);
      }
      // What the test itself keeps is none of the output's.
      for (const each of network.series) each.values.length = 0;
      growth.push(heapBytes());
    }
    assert.ok(growth[3]! - growth[1]! < 500e3, `${growth.join()} bytes`);
    receiver = await OtlpReceiver.open(port);
    await publish(0);
    assert.equal(totals().sum, handshakes - 1);
    assert.equal(output.telemetry().failed, 200);
  });

  it('is asked by a connection that does not outlast the answer', async () => {
    await open();
    for (let i = 0; i < 20; i++) await publish(1);
    const connections = await new Promise<number>((resolve) => {
      receiver.server.getConnections((_error, count) => {
        resolve(count);
      });
    });
    assert.ok(connections <= 1, `${connections} connections`);
  });

  it('is closed in the middle of a request lets it go', async () => {
    await open();
    const asked = new Promise<void>((resolve) => {
      receiver.behaviours.push(() => {
        resolve();
      });
    });
    const publication = publish(7);
    await asked;
    await output.close();
    await publication;
    assert.equal(output.telemetry().failed, 1);
    await publish(11);
    assert.equal(receiver.received.length, 1);
  });
});

describe('back-off of a collector', () => {
  let receiver: OtlpReceiver;
  let output: Output;
  const network = new CountedNetwork();
  const surroundings = new FakeSurroundings();

  beforeEach(async () => {
    receiver = await OtlpReceiver.open();
    const config = { endpoint: receiver.endpoint, headers: {}, ca: undefined, timeoutMs: 5_000 };
    output = await createOtlpOutput({ ...config, temporality: 'delta' }, RESOURCE, surroundings);
  });
  afterEach(async () => {
    await output.close();
    await receiver.close();
  });

  /** After how many ms, in steps of 10, it is asked again. */
  async function waitedMs(): Promise<number> {
    const before = receiver.received.length;
    for (let ms = 10; ms <= 7_300_000; ms += 10) {
      surroundings.ms += 10;
      await output.publish(network.snapshot(1));
      if (receiver.received.length > before) return ms;
    }
    throw new Error('never asked again');
  }

  it('doubles up to a minute, and begins anew after a success', async () => {
    surroundings.chance = 1 - 2 ** -53;
    receiver.behaviours.push(...Array.from({ length: 7 }, () => answer(503)));
    await output.publish(network.snapshot(1));
    const waits: number[] = [];
    for (let i = 0; i < 7; i++) waits.push(await waitedMs());
    assert.deepEqual(waits, [5_000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
    assert.equal(output.telemetry().sent, 1);
    receiver.behaviours.push(answer(503));
    await output.publish(network.snapshot(1));
    assert.equal(await waitedMs(), 5_000);
  });

  it('is shorter by chance, by up to a half', async () => {
    for (const [chance, expected] of [
      [0, 2_500],
      [0.5, 3_750],
    ] as const) {
      surroundings.chance = chance;
      receiver.behaviours.push(answer(503));
      await output.publish(network.snapshot(1));
      assert.equal(await waitedMs(), expected);
    }
  });

  it('is never shorter than what the receiver asks for', async () => {
    const inAMinute = new Date(Date.now() + 60_000).toUTCString();
    for (const [header, chance, least, most] of [
      ['120', 0, 120_000, 120_000],
      ['120', 0.999_999, 124_990, 125_000],
      [inAMinute, 0, 50_000, 60_010],
      ['86400', 0, 3_600_000, 3_600_000],
      ['nonsense', 0, 2_500, 2_500],
      ['-5', 0, 2_500, 2_500],
    ] as const) {
      surroundings.chance = chance;
      receiver.behaviours.push(answer(429, { 'retry-after': header }));
      await output.publish(network.snapshot(1));
      const waited = await waitedMs();
      assert.ok(waited >= least && waited <= most, `${header}: ${waited}`);
    }
  });
});
