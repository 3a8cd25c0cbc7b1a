import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { BpfObject, kernelBtf } from '#bpf-native-bindings';

import {
  collectGarbage,
  failsWith,
  fixture,
  loadEvents,
  openDescriptors,
  openWith,
  u32,
  u64,
} from './support.js';

/** A value that the types forbid and a JavaScript caller can pass all the same. */
function wrong(value: unknown): never {
  return value as never;
}

describe('bytes that are not a BPF object', () => {
  const refused = [
    'EINVAL',
    'LIBBPF_FORMAT',
    'LIBBPF_LIBELF',
    'LIBBPF_ENDIAN',
    'ENOENT',
    'ENOTSUP',
    'EOPNOTSUPP',
  ];

  it('are refused', () => {
    for (const bytes of [
      new Uint8Array(),
      u32(1, 2, 3),
      Buffer.from('\x7fELF'),
      Buffer.alloc(4096, '\x7fELF'),
    ])
      failsWith({ operation: 'open', code: refused }, () => BpfObject.open(bytes));
  });

  it('are refused with a log that says why, by name', () => {
    const error = failsWith({ operation: 'open', code: refused, message: /'latency'/ }, () =>
      BpfObject.open(Buffer.from('garbage'), { name: 'latency' }),
    );
    assert.match(error.log, /ELF/);
    assert.doesNotMatch(error.log, /libbpf:/);
  });

  it('are refused or opened, never more, when they end early', async () => {
    const bytes = fixture('maps');
    const before = openDescriptors();
    let opened = 0;
    for (let length = 0; length < bytes.length; length += 61) {
      try {
        BpfObject.open(bytes.subarray(0, length)).close();
        opened++;
      } catch (error) {
        assert.equal((error as { operation?: string }).operation, 'open');
      }
    }
    assert.ok(opened < bytes.length / 61 / 2);
    await collectGarbage();
    assert.equal(openDescriptors(), before);
  });

  it('are refused if it is a program for this machine', () => {
    failsWith({ operation: 'open', code: refused }, () => BpfObject.open(readFileSync(process.execPath)));
  });
});

describe('names that an object does not have', () => {
  it('are refused', () => {
    const object = openWith('events');
    const absent = { code: 'ENOENT', message: /'none'/ };
    failsWith({ ...absent, operation: 'setGlobal' }, () => {
      object.setGlobal('none', u32(0));
    });
    failsWith({ ...absent, operation: 'setAutoload' }, () => {
      object.setAutoload('none', true);
    });
    failsWith({ ...absent, operation: 'setMapMaxEntries' }, () => {
      object.setMapMaxEntries('none', 1);
    });
    failsWith({ ...absent, operation: 'setMapAutocreate' }, () => {
      object.setMapAutocreate('none', true);
    });
    failsWith({ ...absent, operation: 'reuseMap' }, () => {
      object.reuseMap('none', 1);
    });
    object.load();
    failsWith({ ...absent, operation: 'testRun' }, () => object.testRun('none'));
    failsWith({ ...absent, operation: 'attach' }, () => object.attach('none'));
    failsWith({ ...absent, operation: 'iterator' }, () => object.iterator('none'));
    failsWith({ ...absent, operation: 'map' }, () => object.map('none'));
    failsWith({ ...absent, operation: 'programInfo' }, () => object.programInfo('none'));
    failsWith({ ...absent, operation: 'perfBuffer' }, () => object.perfBuffer('none'));
    object.close();
  });
});

describe('a step at the wrong time', () => {
  it('is refused before load', () => {
    const object = openWith('events');
    const early = { code: 'EINVAL', message: /not loaded/ };
    failsWith({ ...early, operation: 'attach' }, () => object.attach('bnb_raw'));
    failsWith({ ...early, operation: 'iterator' }, () => object.iterator('bnb_raw'));
    failsWith({ ...early, operation: 'map' }, () => object.map('counts'));
    failsWith({ ...early, operation: 'ringBuffer' }, () => object.ringBuffer('ring'));
    failsWith({ ...early, operation: 'perfBuffer' }, () => object.perfBuffer('perf'));
    failsWith({ ...early, operation: 'programInfo' }, () => object.programInfo('bnb_raw'));
    failsWith({ ...early, operation: 'testRun' }, () => object.testRun('bnb_raw'));
    object.close();
  });

  it('is refused after load', () => {
    const object = openWith('events');
    object.load();
    const late = { code: 'EINVAL', message: /too late/ };
    failsWith({ ...late, operation: 'load' }, () => {
      object.load();
    });
    failsWith({ ...late, operation: 'setGlobal' }, () => {
      object.setGlobal('target_tgid', u32(1));
    });
    failsWith({ ...late, operation: 'reuseMap' }, () => {
      object.reuseMap('counts', 1);
    });
    failsWith({ ...late, operation: 'setAutoload' }, () => {
      object.setAutoload('bnb_raw', true);
    });
    failsWith({ ...late, operation: 'setMapMaxEntries' }, () => {
      object.setMapMaxEntries('counts', 2);
    });
    failsWith({ ...late, operation: 'setMapAutocreate' }, () => {
      object.setMapAutocreate('counts', false);
    });
    object.close();
  });

  it('is refused after close, for every method', () => {
    const object = loadEvents(['bnb_raw', 'bnb_to_ring']);
    const link = object.attach('bnb_raw');
    const [map, ring, perf] = [object.map('counts'), object.ringBuffer('ring'), object.perfBuffer('perf')];
    const iterators = BpfObject.open(fixture('maps'));
    iterators.load();
    const iterator = iterators.iterator('bnb_tasks');
    iterators.close();
    object.close();
    const buffer = new Uint8Array(64);
    // prettier-ignore
    const uses: (() => unknown)[] = [
      () => object.programNames,
      () => object.mapNames,
      () => { object.setGlobal('vary', u32(1)); },
      () => { object.setAutoload('bnb_raw', true); },
      () => { object.setMapMaxEntries('counts', 1); },
      () => { object.setMapAutocreate('counts', true); },
      () => { object.reuseMap('counts', 1); },
      () => { object.load(); },
      () => object.testRun('bnb_raw'),
      () => object.attach('bnb_raw'),
      () => object.iterator('bnb_raw'),
      () => object.map('counts'),
      () => object.programInfo('bnb_raw'),
      () => object.ringBuffer('ring'),
      () => object.perfBuffer('perf'),
      () => map.lookup(u32(0)),
      () => { map.update(u32(0), u64(0n)); },
      () => map.delete(u32(0)),
      () => map.entries(),
      () => map.take(),
      () => { map.putMap(u32(0), map); },
      () => iterator.read(),
      ...[ring, perf].flatMap((events) => [() => events.consume(buffer), () => events.pending(), () => events.lost]),
    ];
    for (const use of uses) {
      const error = failsWith({ code: 'CLOSED', message: /is closed$/ }, use);
      assert.equal(error.errno, 0);
    }
    assert.equal(map.type, 'array');
    for (const handle of [object, iterators, link, iterator, ring, perf]) handle.close();
  });

  it('is refused on a child that was closed alone', () => {
    const object = BpfObject.open(fixture('maps'));
    object.load();
    const iterator = object.iterator('bnb_tasks');
    iterator.close();
    iterator.close();
    failsWith({ operation: 'read', code: 'CLOSED' }, () => iterator.read());
    assert.ok(object.iterator('bnb_tasks').read().length > 0);
    object.close();
  });
});

describe('a global of a wrong size', () => {
  it('is refused', () => {
    const object = openWith('events');
    for (const value of [new Uint8Array(), new Uint8Array(3), u64(0n)])
      failsWith({ operation: 'setGlobal', code: 'EINVAL', message: /'target_tgid' has 4 bytes/ }, () => {
        object.setGlobal('target_tgid', value);
      });
    object.close();
  });
});

describe('arguments of a wrong type', () => {
  it('are a TypeError', () => {
    const object = openWith('events');
    object.load();
    const map = object.map('counts');
    const ring = object.ringBuffer('ring');
    for (const value of [undefined, null, 5, {}, [], new Uint32Array(4), new DataView(new ArrayBuffer(4))]) {
      assert.throws(() => BpfObject.open(wrong(value)), TypeError);
      assert.throws(() => map.lookup(wrong(value)), TypeError);
      assert.throws(() => {
        map.update(u32(0), wrong(value));
      }, TypeError);
      assert.throws(() => ring.consume(wrong(value)), TypeError);
      assert.throws(() => object.attach(wrong(value)), TypeError);
      assert.throws(() => object.map(wrong(value)), TypeError);
    }
    assert.throws(() => BpfObject.open(fixture('maps'), { name: wrong(7) }), TypeError);
    assert.throws(
      () => object.iterator('bnb_raw', { map: wrong(7) }),
      /not loaded|not an iterator|map must be/,
    );
    assert.throws(() => kernelBtf.hasType(wrong(7)), TypeError);
    assert.throws(() => kernelBtf.hasField('task_struct', wrong(7)), TypeError);
    const unloaded = openWith('events');
    for (const count of [-1, 1.5, NaN, 2 ** 32, '1'])
      assert.throws(() => {
        unloaded.setMapMaxEntries('counts', wrong(count));
      }, /n must be an integer/);
    assert.throws(() => {
      unloaded.setAutoload('bnb_raw', wrong(1));
    }, /on must be a boolean/);
    assert.throws(() => {
      map.update(u32(0), u64(0n), wrong('sometimes'));
    }, TypeError);
    assert.throws(() => {
      unloaded.reuseMap('counts', wrong('1'));
    }, /id must be an integer/);
    for (const options of [{ context: wrong(7) }, { data: wrong('x') }, { repeat: wrong(-1) }])
      assert.throws(() => object.testRun('bnb_raw', options), TypeError);
    unloaded.close();
    object.close();
  });
});
