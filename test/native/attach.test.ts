import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';

import { BpfError, BpfObject, kernelBtf } from '#bpf-native-bindings';

import { isExpected } from '../features.js';
import { runChild } from './run_child.js';
import { failsWith, fixture, loadEvents, makeEvents, openWith, readU64, u32 } from './support.js';

function count(object: BpfObject): number {
  const value = object.map('counts').lookup(u32(0));
  assert.ok(value);
  return readU64(value);
}

describe('BpfObject.attach', () => {
  for (const program of ['bnb_to_ring', 'bnb_raw']) {
    it(`runs ${program} from attach to close, and not a call longer`, () => {
      const object = loadEvents([program]);
      makeEvents(3);
      assert.equal(count(object), 0);
      const link = object.attach(program);
      makeEvents(23);
      link.close();
      makeEvents(5);
      assert.equal(count(object), 23);
      object.close();
    });
  }

  it('attaches a program again after its link was closed', () => {
    const object = loadEvents(['bnb_raw']);
    for (let i = 0; i < 3; i++) {
      const link = object.attach('bnb_raw');
      makeEvents(7);
      link.close();
    }
    assert.equal(count(object), 21);
    object.close();
  });

  it('attaches to a classic tracepoint', function () {
    this.timeout(20_000);
    // tracefs is often not mounted in a container: the child mounts one that only it can see.
    const mounted = existsSync('/sys/kernel/tracing/events');
    const child = runChild('classicTracepoint', mounted ? [] : ['unshare', '--mount']);
    assert.deepEqual(child, { status: 0, stderr: '', stdout: '23\n' });
  });

  for (const [program, feature] of [
    ['bnb_fentry', 'fentry'],
    ['bnb_kprobe', 'kprobes'],
  ] as const) {
    it(`attaches ${program}, or says that the kernel cannot`, () => {
      const object = openWith('failing', program);
      try {
        object.load();
        object.attach(program).close();
      } catch (error) {
        assert.ok(error instanceof BpfError);
        assert.ok(!isExpected(feature), error.message);
        assert.ok(['load', 'attach'].includes(error.operation));
        assert.match(error.code, /^E/);
        assert.match(error.message, new RegExp(`'${program}'`));
      } finally {
        object.close();
      }
    });
  }
});

describe('BpfIterator', () => {
  it('walks the tasks', () => {
    const object = openWith('maps', 'bnb_tasks');
    object.load();
    const iterator = object.iterator('bnb_tasks');
    for (let i = 0; i < 3; i++) {
      const output = iterator.read();
      const tasks = new Uint32Array(output.buffer);
      assert.ok(tasks.length > 10);
      assert.ok(tasks.includes(process.pid));
      assert.ok(tasks.includes(process.ppid));
    }
    iterator.close();
    object.close();
  });

  it('walks the elements of a map, more than one read can hold', () => {
    const object = openWith('maps', 'bnb_elements');
    object.load();
    const map = object.map('hash');
    const keys = Array.from({ length: 9000 }, (_, i) => i * 3);
    for (const key of keys) map.update(u32(key), new Uint8Array(12).fill(key));
    const iterator = object.iterator('bnb_elements', { map: 'hash' });
    const output = Buffer.from(iterator.read());
    assert.equal(output.length, keys.length * 16);
    const seen = keys.map((_, i) => output.readUInt32LE(i * 16)).sort((a, b) => a - b);
    assert.deepEqual(seen, keys);
    assert.equal(object.iterator('bnb_elements', { map: 'lru_hash' }).read().length, 0);
    object.close();
  });

  it('refuses what is not an iterator, and an iterator without its map', () => {
    const object = loadEvents(['bnb_raw']);
    failsWith({ operation: 'iterator', code: 'EINVAL', message: /not an iterator/ }, () =>
      object.iterator('bnb_raw'),
    );
    object.close();
    const iterators = BpfObject.open(fixture('maps'));
    iterators.load();
    failsWith({ operation: 'iterator', code: 'EBADF' }, () => iterators.iterator('bnb_elements'));
    failsWith({ operation: 'iterator', code: 'ENOENT' }, () =>
      iterators.iterator('bnb_elements', { map: 'none' }),
    );
    iterators.close();
  });
});

describe('kernelBtf', () => {
  it('answers about types', () => {
    assert.equal(kernelBtf.available(), true);
    assert.equal(kernelBtf.hasType('task_struct'), true);
    assert.equal(kernelBtf.hasType('task_struct', 'struct'), true);
    assert.equal(kernelBtf.hasType('task_struct', 'func'), false);
    assert.equal(kernelBtf.hasType('btf_trace_sys_enter', 'typedef'), true);
    assert.equal(kernelBtf.hasType('bnb_no_such_type'), false);
  });

  it('answers about fields, also in anonymous members', () => {
    assert.equal(kernelBtf.hasField('task_struct', 'tgid'), true);
    assert.equal(kernelBtf.hasField('sock_common', 'skc_daddr'), true);
    assert.equal(kernelBtf.hasField('task_struct', 'bnb_no_such_field'), false);
    assert.equal(kernelBtf.hasField('bnb_no_such_struct', 'tgid'), false);
  });

  it('answers about enums and parameters', () => {
    const commands = kernelBtf.enumValues('bpf_cmd');
    assert.equal(commands.BPF_MAP_CREATE, 0);
    assert.equal(commands.BPF_PROG_LOAD, 5);
    assert.deepEqual(kernelBtf.enumValues('bnb_no_such_enum'), {});
    assert.equal(kernelBtf.parameterCount('btf_trace_sys_enter'), 3);
    assert.equal(kernelBtf.parameterCount('tcp_close'), 2);
    assert.equal(kernelBtf.parameterCount('task_struct'), undefined);
  });

  it('can be closed, and asked again', () => {
    kernelBtf.close();
    kernelBtf.close();
    assert.equal(kernelBtf.hasType('task_struct'), true);
    kernelBtf.close();
  });
});
