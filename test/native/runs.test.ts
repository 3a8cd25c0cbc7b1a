import assert from 'node:assert/strict';

import { BpfObject, enableStats } from '#bpf-native-bindings';

import { runChild } from './run_child.js';
import { collectGarbage, failsWith, openDescriptors, openWith, readU64, u32, u64 } from './support.js';

const PACKET = new Uint8Array(71);

/** The fixture with one of its programs loaded, and what that one has counted. */
function load(program: string): { object: BpfObject; count: () => number } {
  const object = openWith('runs', program);
  object.load();
  return { object, count: () => readU64(object.map('counts').lookup(u32(0))!) };
}

describe('BpfObject.testRun', () => {
  it('runs a raw tracepoint program on the arguments given, and tells what it returns', () => {
    const { object, count } = load('bnb_adding');
    assert.deepEqual(object.testRun('bnb_adding', { context: u64(7n, 13n) }), {
      returnValue: 7,
      durationNs: 0,
    });
    assert.equal(count(), 13);
    object.testRun('bnb_adding', { context: u64(7n, 1000n) });
    assert.equal(count(), 1013);
    object.close();
  });

  it('tells a return value of 32 bits without sign', () => {
    const { object } = load('bnb_adding');
    assert.equal(object.testRun('bnb_adding', { context: u64(0xfffffff5n, 0n) }).returnValue, 0xfffffff5);
    object.close();
  });

  it('runs a program on a packet, as often as it is told, and tells how long a run took', () => {
    const { object, count } = load('bnb_packet');
    const start = performance.now();
    const { returnValue, durationNs } = object.testRun('bnb_packet', { data: PACKET, repeat: 1009 });
    const allNs = (performance.now() - start) * 1e6;
    assert.equal(returnValue, PACKET.length);
    assert.equal(count(), 1009);
    assert.ok(durationNs > 0 && durationNs * 1009 <= allNs, `${durationNs} ns a run, ${allNs} in all`);
    object.close();
  });

  it('fails for a context that is too short, and for what a program does not take', () => {
    const { object, count } = load('bnb_adding');
    const refused = { operation: 'testRun', code: 'EINVAL', message: /cannot run program 'bnb_adding'/ };
    for (const options of [
      {},
      { context: u64(7n) },
      { context: u64(7n, 13n), repeat: 2 },
      { context: u64(7n, 13n), data: PACKET },
    ])
      failsWith(refused, () => object.testRun('bnb_adding', options));
    assert.equal(count(), 0);
    object.close();
  });

  it('fails for a kind of program that the kernel runs at its hook only', () => {
    const { object, count } = load('bnb_typed');
    failsWith({ operation: 'testRun', code: ['EFAULT', 'EINVAL', 'ENOTSUPP'] }, () =>
      object.testRun('bnb_typed', { context: u64(7n, 13n) }),
    );
    assert.equal(count(), 0);
    object.close();
  });
});

describe('enableStats', () => {
  it('has the kernel count runs and their time while a handle is open', () => {
    const { object, count } = load('bnb_adding');
    const [one, other] = [enableStats(), enableStats()];
    one.close();
    for (let i = 0; i < 11; i++) object.testRun('bnb_adding', { context: u64(0n, 1n) });
    other.close();
    const { runCount, runTimeNs } = object.programInfo('bnb_adding');
    assert.deepEqual([count(), runCount], [11, 11]);
    assert.ok(runTimeNs > 0);
    object.close();
  });

  it('ends by close, which may come again, and with the handle', async () => {
    const before = openDescriptors();
    const stats = enableStats();
    assert.equal(openDescriptors(), before + 1);
    stats.close();
    stats.close();
    assert.equal(openDescriptors(), before);
    for (let i = 0; i < 10; i++) enableStats();
    await collectGarbage();
    assert.equal(openDescriptors(), before);
  });

  it('fails with EPERM without privileges', () => {
    const child = runChild('stats', ['setpriv', '--bounding-set=-all', '--inh-caps=-all']);
    assert.deepEqual(child, { status: 0, stderr: '', stdout: 'enableStats EPERM 1\n' });
  });
});
