import assert from 'node:assert/strict';

import { BpfObject } from '#bpf-native-bindings';

import {
  failsWith,
  fixture,
  loadEvents,
  makeEvents,
  openDescriptors,
  openEvents,
  openWith,
  readU64,
  u32,
} from './support.js';

describe('BpfObject.reuseMap', () => {
  it('has a program write into the maps of another object', () => {
    const owner = loadEvents([]);
    const ring = owner.ringBuffer('ring');
    const writer = openEvents(['bnb_to_ring']);
    for (const map of ['ring', 'counts']) writer.reuseMap(map, owner.map(map).id);
    writer.load();
    writer.attach('bnb_to_ring');
    makeEvents(17);
    writer.close();
    assert.equal(readU64(owner.map('counts').lookup(u32(0))!), 17);
    assert.equal(ring.consume(new Uint8Array(4096)).records, 17);
    owner.close();
  });

  it('has the size of the existing map, which outlives its object', () => {
    const before = openDescriptors();
    const owner = BpfObject.open(fixture('maps'));
    owner.setMapMaxEntries('hash', 19);
    owner.load();
    const id = owner.map('hash').id;
    owner.map('hash').update(u32(5), u32(1, 2, 3));
    const user = openWith('maps');
    user.reuseMap('hash', id);
    user.load();
    owner.close();
    const map = user.map('hash');
    assert.equal(map.id, id);
    assert.equal(map.maxEntries, 19);
    assert.deepEqual(map.lookup(u32(5)), u32(1, 2, 3));
    user.close();
    assert.equal(openDescriptors(), before);
  });

  it('fails for a map that is not there, and for one of another kind', () => {
    const owner = openWith('maps');
    owner.load();
    const user = openWith('maps');
    const before = openDescriptors();
    failsWith(
      { operation: 'reuseMap', code: 'ENOENT', message: /cannot use map 4294967295 as 'hash'/ },
      () => {
        user.reuseMap('hash', 0xffffffff);
      },
    );
    const other = owner.map('array').id;
    failsWith({ operation: 'reuseMap', code: 'EINVAL', message: /its type or the size/ }, () => {
      user.reuseMap('hash', other);
    });
    assert.equal(openDescriptors(), before);
    user.load();
    assert.equal(user.map('hash').type, 'hash');
    user.close();
    owner.close();
  });
});
