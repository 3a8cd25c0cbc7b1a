/** Texts of addresses and names that decoders keep are never another's. */
import assert from 'node:assert/strict';
import { readComm, readIp, sanitize, writeIp, writeText } from '#tcpscope/events/primitives.js';
import { seededRandom } from './random.js';

/** More than decoders keep. */
const ADDRESSES = 40_000;
const COMMS = 4000;

const view = new DataView(new ArrayBuffer(32));
/** As in a record, where fields are not at its beginning. */
const OFFSET = 8;

function shuffled<T>(values: readonly T[], random: () => number): T[] {
  return values
    .map((value) => ({ value, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}

describe('texts that decoders keep', () => {
  it('are those of the address', () => {
    const random = seededRandom(1);
    const byte = (): number => Math.floor(random() * 256);
    const texts = Array.from({ length: ADDRESSES }, (_, at) => {
      if (at % 3 === 0) return `10.0.${at >> 8}.${at & 255}`;
      if (at % 3 === 1) return [byte(), byte(), byte(), byte()].join('.');
      return `2001:db8::${(0x1000 + (at >> 8)).toString(16)}:${(0x1000 + (at & 255)).toString(16)}`;
    });
    for (const text of [...texts, ...shuffled(texts, random), '::', '0.0.0.0', '::1']) {
      writeIp(view, OFFSET, text);
      assert.equal(readIp(view, OFFSET), text);
    }
  });

  it('are those of the name, safe to print', () => {
    const names = Array.from({ length: COMMS }, (_, at) => `worker-${at}`);
    for (const name of [
      ...names,
      ...shuffled(names, seededRandom(2)),
      '',
      'fifteen letters',
      'é\u001b[31m',
    ]) {
      for (let at = 0; at < 16; at++) view.setUint8(OFFSET + at, 0);
      writeText(view, OFFSET, 16, name);
      assert.equal(readComm(view, OFFSET), sanitize(name));
    }
  });
});

describe('sanitize', () => {
  it('takes out what could drive a terminal, and nothing else', () => {
    assert.equal(sanitize('a\u001b[31mb\u0000'), 'a[31mb');
    assert.equal(sanitize('a\u202eb\u200bc\ufeff'), 'abc');
    assert.equal(sanitize('plain ~ text'), 'plain ~ text');
    assert.equal(sanitize('été 日本'), 'été 日本');
    assert.equal(sanitize('\u007f'), '');
  });
});
