/** Recordings of the real kernel (make-fixtures.ts), which later versions must read as this one does. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { isHandshake, ITEM_SCHEMAS } from '#tcpscope/record/items.js';
import { HEAD_BYTES } from '#tcpscope/record/head.js';
import { FIXTURES, linesOf, readAll } from './support.js';

const file = (name: string): string => path.join(FIXTURES, name);

function countWords(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

describe('recordings of the real kernel', () => {
  it('connlat: every outcome, with its owner and what it is attributed to', async () => {
    const { items, file: recording } = await readAll(file('handshakes.tsr'));
    assert.equal(recording.complete, true);
    assert.deepEqual(recording.remarks, []);
    assert.equal(recording.head.command, 'connlat');
    assert.deepEqual(recording.progress.losses, { lost: 0, untracked: 0, missed: 0 });
    const handshakes = items.filter(isHandshake);
    assert.equal(handshakes.length, items.length);
    assert.deepEqual(countWords(handshakes.map(({ outcome, syns }) => `${outcome} ${syns}`)), {
      'ok 1': 14,
      'ok 2': 2,
      'refused 1': 3,
      'abandoned 2': 2,
      'pending 1': 4,
    });
    for (const { outcome, syns, startNs, endNs, workload, netnsName } of handshakes) {
      const ms = (endNs - startNs) / 1e6;
      if (outcome === 'ok') assert.ok(syns === 1 ? ms >= 40 && ms < 80 : ms >= 1000 && ms < 1500, `${ms} ms`);
      assert.equal(workload?.name, 'traffic.service');
      assert.equal(netnsName, 'client');
    }
    assert.deepEqual(new Set(handshakes.map(({ comm }) => comm)), new Set(['puma', 'curl', 'traffic']));
    assert.deepEqual(
      new Set(handshakes.map(({ remoteAddress }) => remoteAddress)),
      new Set(['10.77.0.2', 'fd77::2']),
    );
  });

  it('retrans: every kind that was provoked', async () => {
    const { items, file: recording } = await readAll(file('retransmits.tsr'));
    assert.equal(recording.complete, true);
    assert.equal(recording.head.command, 'retrans');
    const kinds = countWords(items.map((item) => ('kind' in item ? item.kind : 'socket')));
    for (const kind of ['syn', 'synack', 'fast', 'rto', 'tlp', 'socket']) assert.ok(kinds[kind]! > 0, kind);
    for (const item of items) {
      if (!('kind' in item) || !['rto', 'tlp'].includes(item.kind)) continue;
      assert.ok(item.progressNs > 0 && item.progressNs < item.timeNs);
      assert.ok(item.srttUs >= 40_000);
    }
  });

  it('are small', () => {
    for (const name of ['handshakes.tsr', 'retransmits.tsr']) assert.ok(statSync(file(name)).size < 20_000);
  });

  describe('docs/recording-format.md', () => {
    const document = readFileSync(path.join(process.cwd(), 'docs', 'recording-format.md'), 'utf8');

    it('has every field of every item, and no other', () => {
      for (const [type, { fields }] of Object.entries(ITEM_SCHEMAS)) {
        const section = document.split(`\n### ${type}\n`)[1]?.split('\n#')[0] ?? '';
        const rows = [...section.matchAll(/^\| `(\w+)` +\| ([^|]+?) +\|/gm)].map(([, name, kind]) => [
          name,
          kind,
        ]);
        const expected = fields.map(([name, kind]) => [name, typeof kind === 'string' ? kind : 'word']);
        assert.deepEqual(rows, expected, type);
      }
    });

    it('has every key of a head', () => {
      const head = JSON.parse(linesOf(file('handshakes.tsr'))[0]!) as Record<string, unknown>;
      for (const key of Object.keys(head)) assert.match(document, new RegExp(`\`${key}\``));
      assert.equal(readFileSync(file('handshakes.tsr')).readUInt32LE(16), HEAD_BYTES);
    });
  });
});
