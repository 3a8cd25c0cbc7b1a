import assert from 'node:assert/strict';

import { BpfObject, libbpfVersion, possibleCpus } from '#bpf-native-bindings';

import { failsWith, fixture, loadEvents, openWith, readU64, u32, u64 } from './support.js';

describe('BpfObject', () => {
  it('tells what the object file has', () => {
    const object = BpfObject.open(fixture('events'), { name: 'named' });
    assert.deepEqual(object.programNames, [
      'bnb_to_ring',
      'bnb_discarding',
      'bnb_to_perf',
      'bnb_raw',
      'bnb_classic',
    ]);
    assert.deepEqual(object.mapNames, ['ring', 'perf', 'counts', 'scratch', 'named.rodata']);
    object.close();
  });

  it('does not need the bytes after open', () => {
    const bytes = Uint8Array.from(fixture('maps'));
    const object = BpfObject.open(bytes);
    bytes.fill(0xff);
    object.load();
    object.close();
  });

  it('opens an object at any alignment', () => {
    const bytes = fixture('maps');
    const shifted = new Uint8Array(bytes.length + 1).subarray(1);
    shifted.set(bytes);
    const object = BpfObject.open(shifted);
    object.load();
    object.close();
  });

  it('sets read-only globals by name', () => {
    const object = loadEvents(['bnb_to_ring'], 40);
    const readOnly = object.map('.rodata').lookup(u32(0));
    assert.ok(readOnly);
    const words = new Uint32Array(readOnly.slice().buffer, 0, Math.floor(readOnly.length / 4));
    assert.ok(words.includes(process.pid) && words.includes(40));
    object.close();
  });

  it('loads only the chosen programs', () => {
    const object = openWith('events', 'bnb_raw');
    object.load();
    assert.ok(object.programInfo('bnb_raw').id > 0);
    failsWith({ operation: 'programInfo', code: 'EINVAL', message: /'bnb_to_ring' was not loaded/ }, () =>
      object.programInfo('bnb_to_ring'),
    );
    failsWith({ operation: 'attach', code: 'EINVAL' }, () => object.attach('bnb_to_ring'));
    object.close();
  });

  it('resizes maps and leaves maps out', () => {
    const object = openWith('maps');
    object.setMapMaxEntries('hash', 17);
    object.setMapAutocreate('array', false);
    object.load();
    assert.equal(object.map('hash').maxEntries, 17);
    failsWith({ operation: 'map', code: 'EINVAL', message: /'array' was not created/ }, () =>
      object.map('array'),
    );
    object.close();
  });

  it('reports what the kernel counted about a program', () => {
    const object = openWith('events', 'bnb_raw');
    object.load();
    const info = object.programInfo('bnb_raw');
    assert.deepEqual(Object.keys(info), ['id', 'runTimeNs', 'runCount', 'recursionMisses']);
    assert.ok(Object.values(info).every((value) => Number.isInteger(value) && value >= 0));
    object.close();
  });

  it('keeps two objects of the same file apart', () => {
    const [one, other] = [openWith('events'), openWith('events')];
    one.load();
    other.load();
    one.map('counts').update(u32(0), u64(5n));
    const untouched = other.map('counts').lookup(u32(0));
    assert.ok(untouched);
    assert.equal(readU64(untouched), 0);
    one.close();
    assert.ok(other.map('counts').lookup(u32(0)));
    other.close();
  });
});

describe('a load that fails', () => {
  it('names the program and ends the log with the reason', () => {
    const object = openWith('failing', 'bnb_harmless', 'bnb_rejected');
    const error = failsWith(
      {
        operation: 'load',
        code: ['EACCES', 'EINVAL'],
        message: /^cannot load program 'bnb_rejected': .*invalid mem access/,
      },
      () => {
        object.load();
      },
    );
    const lines = error.log.split('\n');
    assert.match(lines[0] ?? '', /^\(\d+ lines omitted\)$/);
    assert.equal(lines.length, 21);
    assert.match(lines.at(-1) ?? '', /invalid mem access/);
    object.close();
  });

  it('says which hook the kernel does not have', () => {
    const object = openWith('failing', 'bnb_unknown_hook');
    const error = failsWith(
      { operation: 'load', code: 'ESRCH', message: /program 'bnb_unknown_hook'/ },
      () => {
        object.load();
      },
    );
    assert.match(error.log, /'bnb_no_such_tracepoint'/);
    object.close();
  });

  it('names the map that cannot be created', () => {
    const object = openWith('failing', 'bnb_enormous');
    object.setMapMaxEntries('enormous', 0xfffffff0);
    failsWith(
      { operation: 'load', code: ['ENOMEM', 'E2BIG'], message: /^cannot load map 'enormous'/ },
      () => {
        object.load();
      },
    );
    object.close();
  });

  it('leaves an object that can only be closed', () => {
    const object = openWith('failing', 'bnb_rejected');
    failsWith({ operation: 'load', code: ['EACCES', 'EINVAL'] }, () => {
      object.load();
    });
    failsWith({ operation: 'load', code: 'EINVAL', message: /too late/ }, () => {
      object.load();
    });
    failsWith({ operation: 'attach', code: 'EINVAL', message: /not loaded/ }, () =>
      object.attach('bnb_rejected'),
    );
    object.close();
  });
});

describe('the module', () => {
  it('knows libbpf and the machine', () => {
    assert.match(libbpfVersion, /^v\d+\.\d+/);
    assert.ok(Number.isInteger(possibleCpus()) && possibleCpus() >= 1);
  });
});
