/** Texts as bytes, in memory that is used again. */
import assert from 'node:assert/strict';
import { TextBytes } from '#tcpscope/session/text-bytes.js';

describe('bytes of texts', () => {
  const bytes = new TextBytes();

  it('are those of UTF-8, of more and of less than before', () => {
    for (const texts of [
      ['a'],
      ['412 µs\n', '日本', '😀'],
      [],
      ['x'.repeat(100_000), '▁'.repeat(1000)],
      ['b', ''],
    ])
      assert.deepEqual(Buffer.from(bytes.of(texts)), Buffer.from(texts.join('')));
  });

  it('are in the same memory', () => {
    assert.equal(bytes.of(['a']).buffer, bytes.of(['b']).buffer);
  });
});
