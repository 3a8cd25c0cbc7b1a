/** The reader against bytes of any kind: items and what is wrong, or a failure that says so; never a crash or a hang. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isIP } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { Failure } from '#tcpscope/model/failure.js';
import { HEAD_BYTES } from '#tcpscope/record/head.js';
import { isHandshake, itemTimeNs } from '#tcpscope/record/items.js';
import { mergeRecordings } from '#tcpscope/record/merge.js';
import { openRecording } from '#tcpscope/record/reader.js';
import { seededRandom } from '../unit/random.js';
import { FIXTURES, newPath, rawBlock, rawFile, rawHead } from './support.js';

/** More than reading takes on a slow machine, less than a hang. */
const BOUND_MS = 10_000;
const MOST_ITEMS = 100_000;

type Outcome = 'failure' | 'complete' | 'damaged';

async function outcome(bytes: Buffer, where: string): Promise<Outcome> {
  writeFileSync(where, bytes);
  const started = performance.now();
  try {
    const file = await openRecording(where);
    try {
      const merged = await mergeRecordings([file, file]);
      let count = 0;
      for await (const batch of merged.items())
        for (const item of batch) {
          count++;
          assert.ok(isIP(item.remoteAddress) > 0);
          assert.ok(Number.isInteger(itemTimeNs(item)));
          if (isHandshake(item)) assert.ok(item.endNs >= item.startNs);
        }
      assert.ok(count < MOST_ITEMS);
      assert.equal(file.complete, file.damage === undefined);
      return file.complete ? 'complete' : 'damaged';
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return 'failure';
  } finally {
    assert.ok(performance.now() - started < BOUND_MS);
  }
}

async function outcomes(
  seed: number,
  count: number,
  make: (random: () => number) => Buffer,
): Promise<Set<Outcome>> {
  const random = seededRandom(seed);
  const where = newPath();
  const seen = new Set<Outcome>();
  for (let round = 0; round < count; round++) {
    const bytes = make(random);
    try {
      seen.add(await outcome(bytes, where));
    } catch (error) {
      throw new Error(`seed ${seed}, round ${round}`, { cause: error });
    }
  }
  return seen;
}

const randomBytes = (random: () => number, length: number): Buffer =>
  Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
const upTo = (random: () => number, most: number): number => Math.floor(random() * most);

describe('recording: fuzzing the reader', function () {
  this.timeout(120_000);
  const fixtures = ['handshakes.tsr', 'retransmits.tsr'].map((name) =>
    readFileSync(path.join(FIXTURES, name)),
  );
  const texts = fixtures.map((bytes) => blocksOf(bytes));

  it('random bytes, with and without our beginning', async () => {
    const seen = await outcomes(1, 300, (random) => {
      const bytes = randomBytes(random, upTo(random, 2000));
      return random() < 0.5 ? bytes : Buffer.concat([fixtures[0]!.subarray(0, upTo(random, 40)), bytes]);
    });
    assert.deepEqual(seen, new Set<Outcome>(['failure']));
  });

  it('random bytes after a head', async () => {
    const seen = await outcomes(2, 300, (random) =>
      Buffer.concat([rawBlock(rawHead()), randomBytes(random, 1 + upTo(random, 500))]),
    );
    assert.deepEqual(seen, new Set<Outcome>(['damaged']));
  });

  for (const [place, seed, first, count] of [
    ['anywhere', 3, 0, 100],
    ['after the head', 7, HEAD_BYTES, 400],
  ] as const)
    it(`flipped bits ${place}`, async () => {
      const seen = await outcomes(seed, count, (random) => {
        const bytes = Buffer.from(fixtures[upTo(random, 2)]!);
        for (let flips = 1 + upTo(random, 8); flips > 0; flips--) {
          const at = first + upTo(random, bytes.length - first);
          bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << upTo(random, 8)), at);
        }
        return bytes;
      });
      assert.ok(seen.has('damaged'));
      assert.equal(seen.has('failure'), first === 0);
    });

  it('blocks in another order, twice, or of another file', async () => {
    const seen = await outcomes(4, 300, (random) => {
      const all = texts.flat();
      const some = Array.from({ length: upTo(random, 8) }, () => all[upTo(random, all.length)]!);
      return Buffer.concat([texts[0]![0]!, ...some]);
    });
    assert.ok(seen.has('complete') && seen.has('damaged'));
  });

  it('lines with random characters, whole by all sums', async () => {
    const source = `{"type":"handshake","startNs":1,"endNs":2,"localAddress":"::1","remoteAddress":"10.0.0.1","outcome":"ok"}`;
    const seen = await outcomes(5, 400, (random) => {
      const lines = Array.from({ length: 20 }, () => {
        const characters = Array.from(source);
        for (let changes = upTo(random, 6); changes > 0; changes--)
          characters[upTo(random, characters.length)] = String.fromCharCode(upTo(random, 0x3000));
        return characters.join('');
      });
      return Buffer.concat([rawBlock(rawHead()), rawBlock(`${lines.join('\n')}\n`)]);
    });
    assert.deepEqual(seen, new Set<Outcome>(['damaged']));
  });

  it('values of random types in every field', async () => {
    const values = [0, -1, 1e308, 2 ** 53, 1.5, null, true, '', 'ok', '::1', [], {}, [[]], { a: 1 }];
    const lines = texts.flatMap((blocks) => blocks.slice(1)).flatMap((block) => linesOfBlock(block));
    await outcomes(6, 300, (random) => {
      const changed = Array.from({ length: 30 }, () => {
        const json = JSON.parse(lines[upTo(random, lines.length)]!) as Record<string, unknown>;
        const keys = Object.keys(json);
        json[keys[upTo(random, keys.length)]!] = values[upTo(random, values.length)];
        return JSON.stringify(json);
      });
      return Buffer.concat([rawBlock(rawHead()), rawBlock(`${changed.join('\n')}\n`)]);
    });
  });

  it('the line without an end, of every size', async () => {
    for (const size of [65_535, 65_536, 65_537, 1_000_000, 4 * 1024 * 1024, 4 * 1024 * 1024 + 1]) {
      const file = rawFile(rawHead(), `{"x":"${'a'.repeat(size - 6)}`);
      assert.equal(await outcome(readFileSync(file), newPath()), 'damaged');
    }
  });
});

function blocksOf(bytes: Buffer): Buffer[] {
  const blocks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += blocks.at(-1)!.length)
    blocks.push(bytes.subarray(at, at + bytes.readUInt32LE(at + 16)));
  return blocks;
}

function linesOfBlock(block: Buffer): string[] {
  return gunzipSync(block).toString('utf8').trimEnd().split('\n');
}
