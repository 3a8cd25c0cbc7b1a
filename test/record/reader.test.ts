/** Reading what is whole, what grows, what was cut off, and what is something else. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { EXIT, Failure } from '#tcpscope/model/failure.js';
import { HEAD_BYTES } from '#tcpscope/record/head.js';
import type { RecordedItem } from '#tcpscope/record/items.js';
import { openRecording } from '#tcpscope/record/reader.js';
import { RecordingWriter } from '#tcpscope/record/writer.js';
import { handshake } from '../unit/handshakes.js';
import { NO_LOSSES, START, facts, newPath, rawBlock, rawFile, rawHead, readAll, record } from './support.js';

const line = (difference: object = {}): string => `${JSON.stringify({ ...handshake(), ...difference })}\n`;
const END = `${JSON.stringify({ end: { items: 1 } })}\n`;

async function refusal(where: string): Promise<Failure> {
  let failure: unknown;
  await assert.rejects(openRecording(where), (error) => {
    failure = error;
    return true;
  });
  assert.ok(failure instanceof Failure);
  assert.equal(failure.exitCode, EXIT.failure);
  for (const text of [failure.what, failure.why, failure.advice]) assert.doesNotMatch(text, /\n/);
  return failure;
}

describe('recording: what is none', () => {
  it('says why', async () => {
    const folder = newPath();
    mkdirSync(folder);
    const fifo = newPath();
    execFileSync('mkfifo', [fifo]);
    const gzip = rawFile(gzipSync('{"format":"tcpscope recording"}\n'));
    const bomb = rawFile(rawBlock(Buffer.alloc(64 * 1024 * 1024)));
    const cases: [string, RegExp][] = [
      [newPath(), /no such file/],
      [folder, /a folder/],
      [fifo, /not a regular file/],
      [rawFile(Buffer.alloc(0)), /empty/],
      [rawFile(Buffer.from('TIME  PID  COMM\n')), /does not begin/],
      [rawFile(Buffer.from([0x1f])), /Only its first 1 bytes/],
      [gzip, /gzip file of something else/],
      [bomb, /head is damaged/],
      [rawFile('{"format":"something"}\n'), /not the head/],
      [rawFile('null\n'), /not the head/],
      [rawFile(rawHead({ clock: { monotonicNs: 'x' } })), /not the head/],
      [rawFile(rawHead({ version: 0 })), /not the head/],
    ];
    for (const [where, why] of cases) assert.match((await refusal(where)).why, why);
  });

  it('names the version that a later format needs', async () => {
    const failure = await refusal(rawFile(rawHead({ version: 2, tcpscope: '3.1.0\u001b[31m' })));
    assert.match(failure.what, /version 2/);
    assert.match(failure.advice, /tcpscope 3\.1\.0\[31m or later/);
  });
});

describe('recording: lines of others', () => {
  it('leaves out lines and fields of types that it does not know, and says how many', async () => {
    const { items, file } = await readAll(
      rawFile(
        rawHead({ future: 1 }),
        `{"type":"rtt","x":1}\n{"news":1}\n{"define":"thing","id":1}\n${line({ future: [1] })}${END}`,
      ),
    );
    assert.deepEqual(items, [handshake()]);
    assert.equal(file.unknownLines, 3);
    assert.deepEqual(file.remarks, [`3 lines of ${file.path} are of a later tcpscope and are left out`]);
    assert.equal(file.badLines, 0);
    assert.equal(file.complete, true);
  });

  it('takes an absent number for 0', async () => {
    const { startNs, endNs, outcome, localAddress, remoteAddress } = handshake();
    const least = { type: 'handshake', startNs, endNs, outcome, localAddress, remoteAddress };
    const { items } = await readAll(rawFile(rawHead(), `${JSON.stringify(least)}\n`));
    const zeros = {
      socket: 0,
      errno: 0,
      wireUs: 0,
      syns: 0,
      pid: 0,
      comm: '',
      uid: 0,
      cgroupId: 0,
      netns: 0,
      localPort: 0,
      remotePort: 0,
    };
    assert.deepEqual(items, [{ ...handshake(), ...zeros }]);
  });

  it('counts what is not as it must be, and goes on', async () => {
    const bad: object[] = [
      { startNs: '1' },
      { startNs: 1e300 },
      { startNs: null },
      { startNs: 1.5 },
      { endNs: 1 },
      { localPort: 65_536 },
      { localPort: -1 },
      { pid: 2 ** 32 },
      { outcome: 'maybe' },
      { outcome: 3 },
      { comm: 7 },
      { comm: ['a'] },
      { remoteAddress: 'example.com' },
      { remoteAddress: 'fe80::1%eth0' },
      { localAddress: {} },
      { wireUs: true },
    ];
    const others = [
      '{',
      '[]',
      '7',
      '"text"',
      '',
      '{"type":7}',
      '{"clock":{}}',
      '{"end":3}',
      '{"define":"workload","id":0,"value":{}}',
      '{"define":"workload","id":99999999,"value":{}}',
      '{"define":"place","id":1}',
      '{"define":"name","address":"x","value":"y"}',
      '['.repeat(60_000),
      `{"type":"handshake","comm":"${'x'.repeat(100_000)}"}`,
    ];
    const text = `${bad.map(line).join('')}${others.map((other) => `${other}\n`).join('')}${line()}`;
    const { items, file } = await readAll(rawFile(rawHead(), text));
    assert.deepEqual(items, [handshake()]);
    assert.equal(file.badLines, bad.length + others.length);
    assert.deepEqual(file.remarks, [
      `${file.path} is without an end: cut off, or still being written`,
      `${file.badLines} lines of ${file.path} make no sense and are left out`,
    ]);
  });

  it('takes all that could drive a terminal out of texts', async () => {
    const evil = '\u001b]0;x\u0007a\u202eb\n';
    const definitions = [
      {
        define: 'workload',
        id: 1,
        value: {
          name: evil,
          cgroup: evil,
          containerId: evil,
          container: evil,
          pod: evil,
          namespace: evil,
          unit: evil,
        },
      },
      { define: 'place', id: 1, value: { region: evil, role: evil, external: 1 } },
      { define: 'name', address: '10.3.0.12', value: evil },
    ];
    const item = line({
      comm: evil,
      netnsName: evil,
      host: evil,
      workload: 1,
      remotePlace: 1,
      __proto__: { polluted: 1 },
    });
    const text = definitions.map((each) => `${JSON.stringify(each)}\n`).join('') + item;
    const head = rawHead({
      tcpscope: evil,
      command: evil,
      arguments: [evil],
      host: { name: evil, kernel: evil, machine: evil },
      audit: evil,
    });
    const { items, file } = await readAll(rawFile(head, text));
    const plain = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? 0 : value);
    // JSON escapes controls; what turns text around it does not.
    assert.doesNotMatch(JSON.stringify([items, file.head, file.progress], plain), /\\u00|\\n|\u202e/);
    assert.equal(items[0]?.workload?.name, ']0;xab');
    assert.equal(items[0].remoteName, ']0;xab');
    assert.equal(items[0].remotePlace?.external, false);
  });
});

describe('recording: cut off, damaged, growing', () => {
  /** Of several blocks, the last one being the end. */
  const small = async (): Promise<string> =>
    record([[handshake({ pid: 1 })], [handshake({ pid: 2 })], [handshake({ pid: 3 })]]);

  it('cut off at every byte: all whole blocks are there, and what is not is said', async function () {
    this.timeout(120_000);
    const whole = readFileSync(await small());
    const ends = blockEnds(whole);
    assert.equal(ends.length, 5);
    const where = newPath();
    for (let size = whole.length; size >= 0; size--) {
      writeFileSync(where, whole.subarray(0, size));
      if (size < HEAD_BYTES) {
        await refusal(where);
        continue;
      }
      const { items, file } = await readAll(where);
      const blocks = ends.filter((end) => end <= size).length - 1;
      assert.deepEqual(
        items.map(({ pid }) => pid),
        [1, 2, 3].slice(0, blocks),
        `${size} bytes`,
      );
      assert.equal(file.complete, size === whole.length);
      if (file.complete) continue;
      const loose = size - ends[blocks]!;
      if (loose === 0) assert.match(file.damage ?? '', /cut off, or still being written$/);
      else assert.match(file.damage ?? '', new RegExp(`the last ${loose} bytes are not a whole block`));
    }
  });

  it('damaged in the middle: stops there, and says how much cannot be read', async () => {
    const where = await small();
    const bytes = readFileSync(where);
    const [, first, second] = blockEnds(bytes);
    bytes.writeUInt8(bytes.readUInt8(second! - 6) ^ 1, second! - 6);
    writeFileSync(where, bytes);
    const { items, file } = await readAll(where);
    assert.deepEqual(
      items.map(({ pid }) => pid),
      [1],
    );
    const rest = bytes.length - first!;
    assert.match(
      file.damage ?? '',
      new RegExp(`damaged at byte 4,\\d+: the last ${rest} bytes cannot be read`),
    );
  });

  it('a block that would unfold to more than there can be is damage', async () => {
    const bomb = rawBlock(Buffer.alloc(200 * 1024 * 1024));
    const lying = Buffer.from(bomb);
    lying.writeUInt32LE(1000, lying.length - 4);
    for (const block of [bomb, lying]) {
      const { items, file } = await readAll(rawFile(rawHead(), line(), block, line()));
      assert.equal(items.length, 1);
      assert.match(file.damage ?? '', /damaged/);
    }
  });

  it('a head that is being written again is waited for', async () => {
    const where = await small();
    const bytes = readFileSync(where);
    const torn = Buffer.from(bytes);
    torn.fill('x', 200, 300);
    writeFileSync(where, torn);
    const opened = openRecording(where);
    setImmediate(() => {
      writeFileSync(where, bytes);
    });
    await (await opened).close();
  });

  it('follows a file until its end is written', async () => {
    const where = newPath();
    const writer = await RecordingWriter.create(where, facts);
    const file = await openRecording(where);
    const seen: RecordedItem[] = [];
    let looks = 0;
    const follow = async (): Promise<boolean> => {
      looks++;
      if (looks <= 3) {
        writer.add(handshake({ pid: looks }));
        writer.checkpoint({ losses: NO_LOSSES, nowNs: START.monotonicNs });
      } else await writer.close({ losses: NO_LOSSES, audit: 'agrees', endedNs: START.monotonicNs });
      return Promise.resolve(true);
    };
    for await (const batch of file.items({ follow })) seen.push(...batch);
    await file.close();
    assert.deepEqual(
      seen.map(({ pid }) => pid),
      [1, 2, 3],
    );
    assert.equal(file.complete, true);
    assert.equal(file.damage, undefined);
    assert.equal(file.progress.audit, 'agrees');
  });

  it('follows no longer than it is told to, nor after its writer gave up', async () => {
    const where = await small();
    const whole = readFileSync(where);
    truncateSync(where, blockEnds(whole)[2]);
    const file = await openRecording(where);
    // The head says that it has ended.
    const never = (): never => assert.fail('nothing to wait for');
    assert.equal(await countBatches(file.items({ follow: never })), 2);
    await file.close();
    assert.equal(file.complete, false);
    const open = await openRecording(rawFile(rawHead(), line()));
    let looks = 0;
    assert.equal(await countBatches(open.items({ follow: () => Promise.resolve(++looks < 3) })), 1);
    await open.close();
    assert.equal(looks, 3);
  });

  it('takes up a block that was half there', async () => {
    const where = await small();
    const whole = readFileSync(where);
    const head = rawBlock(rawHead());
    const rest = whole.subarray(HEAD_BYTES);
    writeFileSync(where, Buffer.concat([head, rest.subarray(0, 30)]));
    const file = await openRecording(where);
    const seen: RecordedItem[] = [];
    let at = 30;
    const follow = (): Promise<boolean> => {
      appendFileSync(where, rest.subarray(at, at + 7));
      at += 7;
      return Promise.resolve(true);
    };
    for await (const batch of file.items({ follow })) seen.push(...batch);
    await file.close();
    assert.deepEqual(
      seen.map(({ pid }) => pid),
      [1, 2, 3],
    );
    assert.equal(file.complete, true);
  });
});

async function countBatches(batches: AsyncGenerator<RecordedItem[], void>): Promise<number> {
  let count = 0;
  while ((await batches.next()).done !== true) count++;
  return count;
}

/** Where each block ends, by the sizes that blocks say. */
function blockEnds(bytes: Buffer): number[] {
  const ends: number[] = [];
  for (let at = 0; at < bytes.length;) {
    at += bytes.readUInt32LE(at + 16);
    ends.push(at);
  }
  return ends;
}
