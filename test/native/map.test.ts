import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';

import { BpfObject, perCpuStride, possibleCpus, type BpfMap } from '#bpf-native-bindings';

import { failsWith, fixture, u32 } from './support.js';

const VALUE_SIZE = 12;

/** A value that tells its key, and the CPU it is for. */
function value(key: number, cpu = 0): Uint8Array {
  return u32(key, cpu, key ^ 0xffffffff);
}

/** The values of all CPUs, as update() of a per-CPU map takes them. */
function perCpuValue(key: number): Uint8Array {
  const stride = perCpuStride(VALUE_SIZE);
  const all = new Uint8Array(stride * possibleCpus());
  for (let cpu = 0; cpu < possibleCpus(); cpu++) all.set(value(key, cpu), cpu * stride);
  return all;
}

function fill(map: BpfMap, count: number): void {
  const perCpu = map.type.includes('percpu');
  for (let key = 0; key < count; key++) map.update(u32(key), perCpu ? perCpuValue(key) : value(key));
}

/** The content that one read of the whole map gives, by key. */
function content(map: BpfMap): Map<number, Uint8Array> {
  const { keys, values, count } = map.entries();
  assert.equal(keys.length, count * map.keySize);
  assert.equal(values.length % Math.max(count, 1), 0);
  const stride = values.length / Math.max(count, 1);
  const result = new Map<number, Uint8Array>();
  for (let i = 0; i < count; i++)
    result.set(Buffer.from(keys).readUInt32LE(i * 4), values.subarray(i * stride, (i + 1) * stride));
  assert.equal(result.size, count, 'a key came twice');
  return result;
}

describe('BpfMap', () => {
  let object: BpfObject;

  beforeEach(() => {
    object = BpfObject.open(fixture('maps'));
    object.load();
  });
  afterEach(() => {
    object.close();
  });

  it('describes itself', () => {
    const { type, keySize, valueSize, maxEntries } = object.map('lru_percpu_hash');
    assert.deepEqual(
      { type, keySize, valueSize },
      { type: 'lru_percpu_hash', keySize: 4, valueSize: VALUE_SIZE },
    );
    assert.ok(maxEntries >= 1000);
    assert.equal(object.map('array').type, 'array');
  });

  it('has the number under which bpftool shows it', () => {
    const { id } = object.map('lru_hash');
    const shown = execFileSync('bpftool', ['-j', 'map', 'show', 'id', String(id)], { encoding: 'utf8' });
    assert.equal((JSON.parse(shown) as { name: string }).name, 'lru_hash');
  });

  it('looks up, updates and deletes', () => {
    const map = object.map('hash');
    assert.equal(map.lookup(u32(1)), undefined);
    map.update(u32(1), value(1));
    assert.deepEqual(map.lookup(u32(1)), value(1));
    map.update(u32(1), value(2));
    assert.deepEqual(map.lookup(u32(1)), value(2));
    assert.equal(map.delete(u32(1)), true);
    assert.equal(map.delete(u32(1)), false);
    assert.equal(map.lookup(u32(1)), undefined);
  });

  it('only creates or only replaces when told so', () => {
    const map = object.map('hash');
    failsWith({ operation: 'update', code: 'ENOENT' }, () => {
      map.update(u32(1), value(1), 'exist');
    });
    map.update(u32(1), value(1), 'noexist');
    failsWith({ operation: 'update', code: 'EEXIST' }, () => {
      map.update(u32(1), value(2), 'noexist');
    });
    map.update(u32(1), value(3), 'exist');
    assert.deepEqual(map.lookup(u32(1)), value(3));
  });

  it('says that a hash is full, and that an array has an end', () => {
    const map = object.map('percpu_hash');
    fill(map, map.maxEntries);
    failsWith({ operation: 'update', code: 'E2BIG' }, () => {
      map.update(u32(map.maxEntries), perCpuValue(0));
    });
    failsWith({ operation: 'update', code: 'E2BIG' }, () => {
      object.map('array').update(u32(100), value(0));
    });
    assert.equal(object.map('array').lookup(u32(100)), undefined);
    failsWith({ operation: 'delete', code: 'EINVAL' }, () => object.map('array').delete(u32(0)));
  });

  for (const [name, count] of [
    ['hash', 10_000],
    ['hash', 4096],
    ['hash', 1],
    ['lru_hash', 300],
    ['array', 100],
  ] as const) {
    it(`reads a whole ${name} of ${String(count)}, as single look-ups do`, () => {
      const map = object.map(name);
      fill(map, count);
      const entries = content(map);
      assert.equal(entries.size, count);
      for (const [key, bytes] of entries) {
        assert.deepEqual(bytes, value(key));
        assert.deepEqual(map.lookup(u32(key)), bytes);
      }
    });
  }

  for (const name of ['percpu_hash', 'percpu_array', 'lru_percpu_hash'] as const) {
    it(`reads a whole ${name}, as single look-ups do`, () => {
      const map = object.map(name);
      fill(map, 100);
      const entries = content(map);
      assert.equal(entries.size, 100);
      const stride = perCpuStride(VALUE_SIZE);
      for (const [key, all] of entries) {
        assert.equal(all.length, stride * possibleCpus());
        const values = map.lookupPerCpu(u32(key));
        assert.equal(values?.length, possibleCpus());
        values.forEach((one, cpu) => {
          assert.deepEqual(one, value(key, cpu));
          assert.deepEqual(all.subarray(cpu * stride, cpu * stride + VALUE_SIZE), one);
        });
      }
    });
  }

  it('reads an empty map, and one that empties and fills again', () => {
    const map = object.map('hash');
    assert.deepEqual(map.entries(), { keys: new Uint8Array(), values: new Uint8Array(), count: 0 });
    fill(map, 50);
    for (let key = 0; key < 50; key += 2) map.delete(u32(key));
    assert.equal(map.entries().count, 25);
  });

  it('takes all out of a hash, however full, and leaves it empty', () => {
    const map = object.map('hash');
    for (const count of [10_000, 0, 4097]) {
      fill(map, count);
      const before = map.entries();
      const taken = map.take();
      assert.deepEqual(taken, before);
      assert.equal(taken.count, count);
      assert.equal(map.entries().count, 0);
    }
    failsWith({ operation: 'take', code: 'ENOTSUPP' }, () => object.map('array').take());
  });

  it('puts a map into a map of maps', () => {
    const outer = object.map('outer');
    const [a, b] = [object.map('inner_a'), object.map('inner_b')];
    const active = (): number => Buffer.from(outer.lookup(u32(0))!).readUInt32LE();
    assert.equal(active(), a.id);
    outer.putMap(u32(0), b);
    assert.equal(active(), b.id);
    failsWith({ operation: 'putMap', code: ['EINVAL', 'E2BIG'] }, () => {
      outer.putMap(u32(0), object.map('array'));
    });
    failsWith({ operation: 'putMap', code: ['EINVAL', 'E2BIG'] }, () => {
      outer.putMap(u32(1), a);
    });
    failsWith({ operation: 'putMap', code: ['EINVAL', 'E2BIG'] }, () => {
      a.putMap(u32(0), b);
    });
    assert.equal(active(), b.id);
  });

  it('reads a map whose type has no batches', () => {
    // Of network devices: the loopback's number is always 1.
    const map = object.map('unbatched');
    assert.equal(map.entries().count, 0);
    map.update(u32(1), u32(1));
    map.update(u32(3), u32(1));
    assert.deepEqual(map.entries(), { keys: u32(1, 3), values: u32(1, 1), count: 2 });
  });

  it('returns undefined for an absent key of a per-CPU hash', () => {
    assert.equal(object.map('percpu_hash').lookupPerCpu(u32(9)), undefined);
  });

  it('refuses wrong sizes and the wrong kind of look-up', () => {
    const map = object.map('hash');
    const wrong = { code: 'EINVAL', message: /has 4 bytes, the one given 3/ };
    failsWith({ ...wrong, operation: 'lookup' }, () => map.lookup(new Uint8Array(3)));
    failsWith({ ...wrong, operation: 'delete' }, () => map.delete(new Uint8Array(3)));
    failsWith({ ...wrong, operation: 'update' }, () => {
      map.update(new Uint8Array(3), value(1));
    });
    failsWith({ operation: 'update', code: 'EINVAL', message: /has 12 bytes, the one given 13/ }, () => {
      map.update(u32(1), new Uint8Array(13));
    });
    failsWith({ operation: 'update', code: 'EINVAL' }, () => {
      object.map('percpu_hash').update(u32(1), value(1));
    });
    failsWith({ operation: 'lookup', code: 'EINVAL', message: /lookupPerCpu/ }, () =>
      object.map('percpu_hash').lookup(u32(1)),
    );
    failsWith({ operation: 'lookupPerCpu', code: 'EINVAL', message: /use lookup/ }, () =>
      map.lookupPerCpu(u32(1)),
    );
  });
});
