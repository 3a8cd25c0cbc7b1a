import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

import { BpfObject } from '#bpf-native-bindings';

import { runChild, startChild } from './run_child.js';
import {
  collectGarbage,
  failsWith,
  fixture,
  loadEvents,
  loadedPrograms,
  makeEvents,
  openDescriptors,
  programsGone,
  u32,
} from './support.js';

/** Makes one of everything that can be made, and drops it all. */
function useEverything(): BpfObject {
  const object = loadEvents(['bnb_to_ring', 'bnb_to_perf', 'bnb_raw']);
  object.attach('bnb_to_ring');
  object.attach('bnb_to_perf');
  object.attach('bnb_raw');
  object.ringBuffer('ring').pending();
  object.perfBuffer('perf', { bytesPerCpu: 1 }).pending();
  object.map('counts').lookup(u32(0));
  makeEvents(3);
  return object;
}

function useIterators(): BpfObject {
  const object = BpfObject.open(fixture('maps'));
  object.load();
  object.iterator('bnb_tasks').read();
  object.iterator('bnb_elements', { map: 'hash' }).read();
  return object;
}

describe('lifetime', function () {
  this.timeout(60_000);

  // What stays open once per process, such as libbpf's own, is open after the first use.
  before(async () => {
    useEverything().close();
    useIterators().close();
    await programsGone();
  });
  afterEach(async () => {
    await collectGarbage();
    await programsGone();
  });

  it('leaves nothing after close', async () => {
    const before = openDescriptors();
    for (let i = 0; i < 50; i++) {
      useEverything().close();
      useIterators().close();
    }
    assert.equal(openDescriptors(), before);
    await programsGone();
  });

  it('leaves nothing after garbage collection', async () => {
    await collectGarbage();
    const before = openDescriptors();
    for (let i = 0; i < 20; i++) {
      useEverything();
      useIterators();
    }
    assert.ok(openDescriptors() > before);
    await collectGarbage();
    assert.equal(openDescriptors(), before);
    await programsGone();
  });

  it('keeps a program attached whose link nobody keeps', async () => {
    const object = loadEvents(['bnb_to_ring']);
    object.attach('bnb_to_ring');
    const ring = object.ringBuffer('ring');
    await collectGarbage();
    makeEvents(23);
    assert.equal(ring.consume(new Uint8Array(4096)).records, 23);
    object.close();
  });

  it('keeps an object open that is reachable only through what came from it', async () => {
    const map = loadEvents(['bnb_raw']).map('counts');
    await collectGarbage();
    assert.ok(map.lookup(u32(0)));
    assert.equal(loadedPrograms().length, 1);
  });

  it('leaves nothing of a failed load', () => {
    const before = openDescriptors();
    for (let i = 0; i < 20; i++) {
      const object = BpfObject.open(fixture('failing'));
      failsWith({ operation: 'load', code: ['EACCES', 'EINVAL', 'ESRCH', 'EPERM'] }, () => {
        object.load();
      });
      object.close();
    }
    assert.equal(openDescriptors(), before);
  });

  it('closes children one by one, in any order', () => {
    const before = openDescriptors();
    const object = loadEvents(['bnb_to_ring', 'bnb_to_perf']);
    const loaded = openDescriptors();
    const children = [object.attach('bnb_to_ring'), object.ringBuffer('ring'), object.perfBuffer('perf')];
    assert.ok(openDescriptors() > loaded);
    for (const child of children.reverse()) {
      child.close();
      child.close();
    }
    assert.equal(openDescriptors(), loaded);
    object.close();
    assert.equal(openDescriptors(), before);
  });

  it('leaves nothing after the process ended without closing', async () => {
    assert.deepEqual(runChild('exit'), { status: 0, stderr: '', stdout: '' });
    await programsGone();
  });

  it('leaves nothing after the process was killed', async () => {
    const child = await startChild('hang');
    assert.equal(loadedPrograms().length, 3);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await programsGone();
  });

  for (const wait of [false, true]) {
    it(`leaves nothing after a worker ${wait ? 'was terminated' : 'ended'} without closing`, async () => {
      const before = openDescriptors();
      for (let i = 0; i < 5; i++) {
        const worker = new Worker(new URL('./child.js', import.meta.url), { workerData: { wait } });
        const ended = once(worker, 'exit');
        assert.deepEqual(await once(worker, 'message'), [10]);
        if (wait) await worker.terminate();
        await ended;
      }
      assert.equal(openDescriptors(), before);
      await programsGone();
    });
  }

  it('works in several threads at once', async () => {
    const workers = [1, 2, 3].map(
      () => new Worker(new URL('./child.js', import.meta.url), { workerData: { wait: false } }),
    );
    await Promise.all(workers.map((worker) => once(worker, 'exit')));
    useEverything().close();
  });

  it('fails with EPERM without privileges, and ends cleanly', () => {
    const child = runChild('unprivileged', ['setpriv', '--bounding-set=-all', '--inh-caps=-all']);
    assert.deepEqual(child, { status: 0, stderr: '', stdout: 'load EPERM 1\n' });
  });
});
