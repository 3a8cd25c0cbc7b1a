import assert from 'node:assert/strict';

import { type BpfObject, type EventBuffer } from '#bpf-native-bindings';

import { failsWith, loadEvents, makeEvents, readU64 } from './support.js';

/** An event of the fixture, as one record brings it. */
interface Received {
  sequence: number;
  length: number;
  cpu: number;
}

/** The records in a consumed buffer, each with its filler checked. */
function parse(bytes: Uint8Array): Received[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const received: Received[] = [];
  for (let at = 0; at < view.length;) {
    const length = view.readUInt32LE(at);
    const payload = view.subarray(at + 8, at + 8 + length);
    const sequence = readU64(payload);
    const padded = Math.ceil(length / 8) * 8;
    assert.ok(view.subarray(at + 8 + length, at + 8 + padded).every((byte) => byte === 0));
    received.push({ sequence, length, cpu: view.readUInt32LE(at + 4) });
    at += 8 + padded;
  }
  return received;
}

/** Consumes until nothing is left, with a buffer of this size. */
function drain(events: EventBuffer, size: number): Received[] {
  const into = new Uint8Array(size);
  const received: Received[] = [];
  for (;;) {
    const { bytes, records } = events.consume(into);
    const parsed = parse(into.subarray(0, bytes));
    assert.equal(parsed.length, records);
    if (records === 0) return received;
    received.push(...parsed);
  }
}

function sequences(received: Received[]): number[] {
  return received.map(({ sequence }) => sequence);
}

function range(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}

describe('EventBuffer of a ring buffer', () => {
  function start(program = 'bnb_to_ring', size = 16, vary = 1): [BpfObject, EventBuffer] {
    const object = loadEvents([program], size, vary);
    const ring = object.ringBuffer('ring');
    object.attach(program);
    return [object, ring];
  }

  it('is empty at first', () => {
    const [object, ring] = start();
    assert.deepEqual(ring.consume(new Uint8Array(64)), { bytes: 0, records: 0 });
    assert.deepEqual(ring.consume(new Uint8Array(0)), { bytes: 0, records: 0 });
    assert.equal(ring.pending(), 0);
    assert.equal(ring.lost, 0);
    object.close();
  });

  for (const size of [24, 25, 47, 48, 100, 1000, 65536]) {
    it(`brings every record once and in order, through ${String(size)} bytes at a time`, () => {
      const [object, ring] = start();
      makeEvents(997);
      assert.equal(ring.pending(), 997 * 24);
      const received = drain(ring, size);
      assert.deepEqual(sequences(received), range(997));
      assert.ok(received.every(({ length, cpu }) => length === 16 && cpu === 0));
      assert.equal(ring.pending(), 0);
      object.close();
    });
  }

  it('keeps records of every length whole, around the end of the ring many times', () => {
    const [object, ring] = start('bnb_to_ring', 200, 190);
    const received: Received[] = [];
    for (let round = 0; round < 50; round++) {
      makeEvents(113);
      received.push(...drain(ring, 211));
    }
    assert.deepEqual(sequences(received), range(50 * 113));
    assert.ok(received.every(({ sequence, length }) => length === 200 - (sequence % 190)));
    object.close();
  });

  it('brings records made between two calls after those that were left', () => {
    const [object, ring] = start();
    const into = new Uint8Array(24 * 3);
    const received: number[] = [];
    for (let round = 0; round < 40; round++) {
      makeEvents(4);
      const { bytes } = ring.consume(into);
      received.push(...sequences(parse(into.subarray(0, bytes))));
    }
    received.push(...sequences(drain(ring, 24)));
    assert.deepEqual(received, range(160));
    object.close();
  });

  it('skips what a program reserved and threw away', () => {
    const [object, ring] = start('bnb_discarding');
    makeEvents(200);
    assert.deepEqual(sequences(drain(ring, 30)), range(200));
    assert.equal(ring.pending(), 0);
    object.close();
  });

  it('stays in order when it overflows, and goes on afterwards', () => {
    const [object, ring] = start();
    const room = Math.floor((64 * 1024) / 24);
    makeEvents(5000);
    const received = sequences(drain(ring, 4096));
    assert.ok(received.length === room || received.length === room - 1);
    assert.deepEqual(received, range(received.length));
    makeEvents(10);
    assert.deepEqual(sequences(drain(ring, 4096)), range(10, 5000));
    object.close();
  });

  it('refuses a buffer that is too small for the next record, and does not lose it', () => {
    const [object, ring] = start('bnb_to_ring', 100);
    makeEvents(2);
    for (const size of [0, 8, 111])
      failsWith({ operation: 'consume', code: 'EMSGSIZE', message: /needs 112 bytes/ }, () =>
        ring.consume(new Uint8Array(size)),
      );
    assert.deepEqual(sequences(drain(ring, 112)), [0, 1]);
    object.close();
  });

  it('writes nothing behind the bytes that it reports', () => {
    const [object, ring] = start();
    makeEvents(10);
    const into = new Uint8Array(100).fill(0xaa);
    const { bytes } = ring.consume(into.subarray(0, 50));
    assert.equal(bytes, 48);
    assert.ok(into.subarray(48).every((byte) => byte === 0xaa));
    object.close();
  });
});

describe('EventBuffer of perf buffers', () => {
  /** However large a page is, one byte takes one. */
  function start(size = 16, bytesPerCpu = 65536): [BpfObject, EventBuffer] {
    const object = loadEvents(['bnb_to_perf'], size);
    const events = object.perfBuffer('perf', { bytesPerCpu });
    object.attach('bnb_to_perf');
    return [object, events];
  }

  /** The scheduler may move this process between CPUs, so order is only certain within each. */
  function checkOrder(received: Received[]): void {
    const last = new Map<number, number>();
    for (const { sequence, cpu } of received) {
      assert.ok(sequence > (last.get(cpu) ?? -1), `CPU ${String(cpu)} is out of order`);
      last.set(cpu, sequence);
    }
  }

  for (const size of [32, 33, 63, 100, 1000, 65536]) {
    it(`brings every record once, through ${String(size)} bytes at a time`, () => {
      const [object, events] = start();
      makeEvents(997);
      assert.ok(events.pending() > 997 * 16);
      const received = drain(events, size);
      checkOrder(received);
      assert.deepEqual(
        sequences(received).sort((a, b) => a - b),
        range(997),
      );
      assert.equal(events.pending(), 0);
      assert.equal(events.lost, 0);
      object.close();
    });
  }

  it('keeps records whole around the end of the buffers many times', () => {
    const [object, events] = start(100, 1);
    const received: Received[] = [];
    for (let round = 0; round < 200; round++) {
      makeEvents(23);
      received.push(...drain(events, 150));
    }
    checkOrder(received);
    assert.deepEqual(
      sequences(received).sort((a, b) => a - b),
      range(200 * 23),
    );
    assert.ok(received.every(({ length }) => length >= 100 && length < 108));
    object.close();
  });

  it('counts what the kernel could not deliver', () => {
    const [object, events] = start(100, 1);
    makeEvents(2000);
    const received = drain(events, 4096);
    // The kernel reports a loss with the next record that fits.
    makeEvents(10);
    received.push(...drain(events, 4096));
    checkOrder(received);
    assert.ok(events.lost > 1000);
    // A CPU that this process has left meanwhile still owes its report.
    assert.ok(received.length + events.lost <= 2010);
    object.close();
  });

  it('refuses a buffer that is too small for the next record, and does not lose it', () => {
    const [object, events] = start(100);
    makeEvents(1);
    failsWith({ operation: 'consume', code: 'EMSGSIZE' }, () => events.consume(new Uint8Array(100)));
    assert.deepEqual(sequences(drain(events, 112)), [0]);
    object.close();
  });

  it('refuses a size that the kernel cannot use', () => {
    const object = loadEvents(['bnb_to_perf']);
    for (const bytesPerCpu of [0, 3, -1, 0.5, 1.5, NaN])
      assert.throws(() => object.perfBuffer('perf', { bytesPerCpu }), RangeError);
    failsWith({ operation: 'perfBuffer', code: ['ENOMEM', 'EPERM', 'EINVAL'] }, () =>
      object.perfBuffer('perf', { bytesPerCpu: 2 ** 42 }),
    );
    object.close();
  });
});

describe('EventBuffer of another map', () => {
  it('is refused', () => {
    const object = loadEvents(['bnb_to_ring']);
    failsWith({ operation: 'ringBuffer', code: 'EINVAL', message: /not a ring buffer/ }, () =>
      object.ringBuffer('perf'),
    );
    failsWith({ operation: 'perfBuffer', code: 'EINVAL', message: /not a perf event array/ }, () =>
      object.perfBuffer('ring'),
    );
    failsWith({ operation: 'ringBuffer', code: 'ENOENT' }, () => object.ringBuffer('none'));
    object.close();
  });
});
