/** Recordings of several hosts as one: order, times, hosts, and what is said of their clocks. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { isHandshake, itemTimeNs, type Meeting, type RecordedItem } from '#tcpscope/record/items.js';
import { mergeRecordings, type MergedRecording } from '#tcpscope/record/merge.js';
import { openRecording, type RecordingFile } from '#tcpscope/record/reader.js';
import { RecordingWriter } from '#tcpscope/record/writer.js';
import { handshake } from '../unit/handshakes.js';
import { seededRandom } from '../unit/random.js';
import {
  FIXTURES,
  NO_LOSSES,
  START,
  START_OFFSET_NS,
  facts,
  meeting,
  newPath,
  record,
  retransmit,
  socketGrowth,
  steadyClock,
  type Recorded,
} from './support.js';

async function merged(
  paths: readonly string[],
): Promise<{ items: RecordedItem[]; recording: MergedRecording }> {
  const files: RecordingFile[] = [];
  for (const each of paths) files.push(await openRecording(each));
  try {
    const recording = await mergeRecordings(files);
    const items: RecordedItem[] = [];
    for await (const batch of recording.items()) items.push(...batch);
    return { items, recording };
  } finally {
    for (const file of files) await file.close();
  }
}

const host = (name: string, bootId: string | undefined = name) => ({
  ...facts,
  host: { ...facts.host, name, bootId },
});
const SECOND = 1e9;
/** A host that booted 400 s later: its clock shows less at the same time. */
const LATER_BOOT = { monotonicNs: 600e9, unixNs: START.unixNs };
const at = (ns: number, more: object = {}): RecordedItem =>
  handshake({ startNs: ns - 400_000, endNs: ns, ...more });

describe('merging recordings', () => {
  it('one file: as it was recorded, with names that came later', async () => {
    const where = newPath();
    const writer = await RecordingWriter.create(where, facts, { readClock: steadyClock() });
    writer.add(at(1002e9));
    writer.add(at(1001e9));
    writer.name('10.3.0.12', 'redis.example');
    await writer.close({ losses: NO_LOSSES, endedNs: 1003e9 });
    const { items, recording } = await merged([where]);
    assert.deepEqual(items.map(itemTimeNs), [1002e9, 1001e9]);
    assert.deepEqual(new Set(items.map(({ remoteName }) => remoteName)), new Set(['redis.example']));
    assert.equal(items[0]?.host, undefined);
    assert.deepEqual(recording.remarks, []);
    assert.deepEqual([recording.startedNs, recording.endedNs], [1000e9, 1003e9]);
    assert.equal(recording.clockOffsetAt(1001e9), START_OFFSET_NS);
    assert.equal(recording.itemCount, 2);
  });

  it('two hosts: in time order, in the time of the first, latencies unchanged to the nanosecond', async () => {
    const random = seededRandom(31);
    const times = (base: number): number[] =>
      Array.from({ length: 3000 }, () => base + Math.floor(random() * 30e9));
    // Late by up to a second, as items are whose owner was looked for.
    const late = (list: number[]): number[] => [...list].sort((a, b) => a + (a % 1e9) - b - (b % 1e9));
    const [timesA, timesB] = [late(times(1000e9)), late(times(600e9))];
    const itemsOf = (list: number[]): RecordedItem[] =>
      list.map((ns, index) => handshake({ startNs: ns - 1 - (ns % 1e6), endNs: ns, pid: index + 1 }));
    const blocks = (list: RecordedItem[]): RecordedItem[][] =>
      Array.from({ length: 30 }, (_, index) => list.slice(index * 100, index * 100 + 100));
    const a = await record(blocks(itemsOf(timesA)), { facts: host('a') });
    const b = await record(blocks(itemsOf(timesB)), {
      facts: host('b'),
      readClock: steadyClock(LATER_BOOT),
      endedNs: 660e9,
    });
    const { items, recording } = await merged([a, b]);
    assert.equal(items.length, 6000);
    const ordered = items.map(itemTimeNs);
    assert.deepEqual(
      ordered,
      [...ordered].sort((x, y) => x - y),
    );
    for (const item of items) {
      assert.ok(isHandshake(item));
      const originalNs = item.host === 'a' ? timesA[item.pid - 1]! : timesB[item.pid - 1]!;
      assert.equal(item.endNs, item.host === 'a' ? originalNs : originalNs + 400e9);
      assert.equal(item.endNs - item.startNs, 1 + (originalNs % 1e6));
    }
    assert.deepEqual(recording.hosts, ['a', 'b']);
    assert.deepEqual(recording.remarks, [
      'no connection between a and b was recorded at both ends: their clocks are taken as they are',
    ]);
  });

  it('every time of a retransmission is moved, and 0 stays none', async () => {
    const a = await record([[at(1000e9)]], { facts: host('a') });
    const b = await record(
      [
        [
          retransmit({ timeNs: 601e9, progressNs: 600e9 }),
          retransmit({ timeNs: 602e9, progressNs: 0 }),
          socketGrowth({ timeNs: 603e9 }),
        ],
      ],
      {
        facts: host('b'),
        readClock: steadyClock(LATER_BOOT),
      },
    );
    const { items } = await merged([a, b]);
    assert.deepEqual(
      items.slice(1).map((item) => [itemTimeNs(item), 'progressNs' in item ? item.progressNs : undefined]),
      [
        [1001e9, 1000e9],
        [1002e9, 0],
        [1003e9, undefined],
      ],
    );
  });

  it('clocks that are apart are put right by connections that both ends recorded, and that is said', async () => {
    const skewNs = 250e6;
    const wrong = { monotonicNs: 600e9, unixNs: START.unixNs + BigInt(skewNs) };
    const rttUs = 1000;
    const clients = Array.from({ length: 20 }, (_, index) =>
      at(1001e9 + index * SECOND, { wireUs: rttUs, localPort: 50_000 + index }),
    );
    const servers: (Meeting | RecordedItem)[] = clients.flatMap((client, index) => {
      const timeNs = itemTimeNs(client) - 400e9 + 500_000;
      return [meeting({ timeNs, remotePort: 50_000 + index, rttUs: 0 }), at(timeNs)];
    });
    const a = await record([clients], { facts: host('a') });
    const b = await record([servers], { facts: host('b'), readClock: steadyClock(wrong), endedNs: 660e9 });
    const { items, recording } = await merged([a, b]);
    const [skew] = recording.skews;
    assert.equal(skew?.host, 'b');
    assert.ok(Math.abs((skew.skew?.skewNs ?? NaN) - skewNs) < 2048);
    assert.equal(skew.skew?.pairs, 20);
    assert.deepEqual(recording.remarks, [
      'the clock of b is 250 ms ahead of that of a (± 500 µs, from 20 connections recorded at both ends): corrected',
    ]);
    const served = items.filter((item) => item.host === 'b');
    for (const [index, item] of served.entries())
      assert.ok(Math.abs(itemTimeNs(item) - itemTimeNs(clients[index]!) - 500_000) < 4096);
    assert.deepEqual(
      items.map(({ host: name }) => name),
      clients.flatMap(() => ['a', 'b']),
    );
  });

  it('two files of one boot share a clock; where they overlap, that is said, and nothing is left out', async () => {
    const one: Recorded = { facts: host('a', 'boot') };
    const paths = [await record([[at(1001e9)]], one), await record([[at(1001e9)]], one)];
    const { items, recording } = await merged(paths);
    assert.equal(items.length, 2);
    assert.deepEqual(recording.hosts, ['a']);
    assert.deepEqual(recording.skews, []);
    assert.deepEqual(recording.remarks, [
      `${paths[0]} and ${paths[1]} overlap in time on a: what both recorded is there twice`,
    ]);
    const other = await record([[retransmit({ timeNs: 1001e9 })]], {
      facts: { ...host('a', 'boot'), command: 'retrans' },
    });
    assert.deepEqual((await merged([paths[0]!, other])).recording.remarks, []);
  });

  it('a wall clock that was set while recording moves what came after, and no latency', async () => {
    const a = await record([[at(1001e9), at(1020e9)]], { facts: host('a') });
    const where = newPath();
    let reading = LATER_BOOT;
    const writer = await RecordingWriter.create(where, host('b'), { readClock: () => reading });
    writer.add(at(605e9));
    writer.tick(606e9);
    reading = { monotonicNs: 610e9, unixNs: START.unixNs + 15_000_000_000n };
    writer.add(at(611e9));
    await writer.close({ losses: NO_LOSSES, endedNs: 612e9 });
    const { items, recording } = await merged([a, where]);
    // Within the 1,024 ns to which offsets are rounded.
    for (const [index, ns] of [1001e9, 1005e9, 1016e9, 1020e9].entries())
      assert.ok(Math.abs(itemTimeNs(items[index]!) - ns) < 1024);
    for (const item of items) assert.equal(isHandshake(item) && item.endNs - item.startNs, 400_000);
    assert.match(recording.remarks.join(), /the wall clock of b was set forward by 5\.000 s/);
  });

  it('the recordings of the real kernel: one host, both commands, in order', async () => {
    const { items, recording } = await merged(
      ['handshakes.tsr', 'retransmits.tsr'].map((name) => path.join(FIXTURES, name)),
    );
    assert.equal(items.length, recording.itemCount);
    const times = items.map(itemTimeNs);
    assert.deepEqual(
      times,
      [...times].sort((x, y) => x - y),
    );
    assert.deepEqual(recording.hosts, ['lab']);
  });
});
