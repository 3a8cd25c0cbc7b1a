/** What the writer puts into a file, seen with zcat's eyes, and what it does when it cannot. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EXIT, Failure } from '#tcpscope/model/failure.js';
import { HEAD_BYTES } from '#tcpscope/record/head.js';
import type { RecordedItem } from '#tcpscope/record/items.js';
import { MAX_DEFINITIONS } from '#tcpscope/record/lines.js';
import { RecordingWriter } from '#tcpscope/record/writer.js';
import { handshake } from '../unit/handshakes.js';
import {
  NO_LOSSES,
  START,
  facts,
  linesOf,
  meeting,
  newFolder,
  newPath,
  readAll,
  record,
  retransmit,
  socketGrowth,
  steadyClock,
} from './support.js';

const json = (line: string | undefined): Record<string, unknown> =>
  JSON.parse(line ?? '') as Record<string, unknown>;
const HOST_ID = 'c'.repeat(64);
const workload = {
  name: 'shop/web-7f9/app',
  cgroup: `/kubepods.slice/cri-${HOST_ID}.scope`,
  containerId: HOST_ID,
  container: 'app',
  pod: 'web-7f9',
  namespace: 'shop',
  unit: undefined,
};
const place = { region: 'eu-west', role: undefined, external: false };

describe('recording: what is written comes back', () => {
  const items: RecordedItem[] = [
    handshake(),
    handshake({
      socket: 0x80_1234_5678_40,
      errno: 111,
      outcome: 'refused',
      wireUs: 0,
      comm: 'name with "quotes" \\ ü',
    }),
    retransmit(),
    retransmit({ kind: 'synack', progressNs: 0, error: 0, pid: 0, comm: '', startKnown: false }),
    socketGrowth(),
    {
      ...handshake(),
      workload,
      netnsName: 'shop/web-7f9',
      localPlace: place,
      remotePlace: { ...place, external: true },
    },
    { ...retransmit(), workload: { ...workload }, remoteName: 'redis.example', host: 'web-9' },
  ];

  it('every field of every item, and what is attributed to it', async () => {
    const { items: read, file } = await readAll(await record([items.slice(0, 3), items.slice(3)]));
    assert.deepEqual(JSON.parse(JSON.stringify(read)), [
      ...(JSON.parse(JSON.stringify(items.slice(0, 6))) as unknown[]),
      JSON.parse(JSON.stringify(items[6])),
    ]);
    assert.equal(file.complete, true);
    assert.equal(file.damage, undefined);
    assert.equal(file.badLines, 0);
  });

  it('equal workloads are one object, defined once', async () => {
    const file = await record([items]);
    const definitions = linesOf(file).filter((line) => line.includes('"define":"workload"'));
    assert.equal(definitions.length, 1);
    const { items: read } = await readAll(file);
    assert.equal(read[5]!.workload, read[6]!.workload);
  });

  it('more workloads than there are numbers: old numbers are given again, and mean the new ones', async () => {
    const count = MAX_DEFINITIONS.workload + 10;
    const many = Array.from({ length: count }, (_, index) => ({ ...workload, name: `w${index}` }));
    const first = many[0]!;
    const file = await record([[...many, first].map((each) => ({ ...handshake(), workload: each }))]);
    const { items: read } = await readAll(file);
    assert.deepEqual(
      read.map((item) => item.workload?.name),
      [...many.map(({ name }) => name), 'w0'],
    );
  });

  it('a name that came after the items', async () => {
    const where = newPath();
    const writer = await RecordingWriter.create(where, facts);
    writer.add(handshake());
    writer.name('10.3.0.12', 'redis.example');
    writer.name('10.3.0.12', 'redis.example');
    writer.add(handshake());
    await writer.close({ losses: NO_LOSSES, endedNs: START.monotonicNs });
    const { items: read } = await readAll(where);
    assert.deepEqual(
      read.map((item) => item.remoteName),
      [undefined, 'redis.example'],
    );
    assert.equal(linesOf(where).filter((line) => line.includes('"define":"name"')).length, 1);
  });

  it('the head, with the end and the losses, as JSON that zcat shows', async () => {
    const where = newPath();
    const writer = await RecordingWriter.create(where, facts, { readClock: steadyClock() });
    writer.add(handshake());
    writer.checkpoint({ losses: NO_LOSSES, nowNs: START.monotonicNs });
    const losses = { lost: 3, untracked: 2, missed: 1, unowned: 5 };
    await writer.close({ losses, audit: 'agrees with the kernel', endedNs: START.monotonicNs + 1.5e9 });
    const lines = linesOf(where);
    const head = json(lines[0]);
    assert.deepEqual(head, {
      format: 'tcpscope recording',
      version: 1,
      ...facts,
      redacted: false,
      clock: { monotonicNs: 1000e9, unixNs: '1782900000000000000' },
      started: '2026-07-01T10:00:00.000Z',
      ended: '2026-07-01T10:00:01.500Z',
      items: 1,
      dropped: 0,
      losses,
      audit: 'agrees with the kernel',
      endedNs: 1001.5e9,
      stopped: null,
    });
    assert.deepEqual(json(lines[1]), { clock: head['clock'] });
    assert.equal(json(lines[2])['type'], 'handshake');
    const { file } = await readAll(where);
    assert.deepEqual(file.head.host, facts.host);
    assert.deepEqual(file.progress.losses, losses);
    assert.equal(file.progress.audit, 'agrees with the kernel');
  });

  it('the head is a page of its own, whatever is in it', async () => {
    const long = Array.from({ length: 500 }, (_, index) => `--port=${index}ü`);
    const where = await record([], { facts: { arguments: long } });
    const { file } = await readAll(where);
    assert.equal(file.head.argumentsCut, true);
    assert.ok(file.head.arguments.length > 100);
    assert.deepEqual(file.head.arguments, long.slice(0, file.head.arguments.length));
    assert.equal(readFileSync(where).indexOf(Buffer.from('1f8b0804', 'hex'), 1), HEAD_BYTES);
  });

  it('the head has room for all else, however long and strange it is', async () => {
    const evil = '"\\\ud800ü\u0007'.repeat(1000);
    const where = newPath();
    const writer = await RecordingWriter.create(where, {
      tcpscope: evil,
      command: evil,
      arguments: Array.from({ length: 100_000 }, () => evil),
      filtered: true,
      host: { name: evil, kernel: evil, machine: evil, bootId: evil },
    });
    const most = Number.MAX_SAFE_INTEGER;
    const losses = { lost: most, untracked: most, missed: most, unowned: most, uncounted: most };
    await writer.close({ losses, audit: evil, endedNs: START.monotonicNs });
    const { file } = await readAll(where);
    assert.equal(file.complete, true);
    assert.ok(file.head.host.name.startsWith('"\\') && file.head.host.name.endsWith('…'));
    assert.deepEqual(file.head.arguments, []);
    assert.equal(file.head.argumentsCut, true);
  });

  it('nothing comes after the end', async () => {
    const where = newPath();
    const failures: Failure[] = [];
    const writer = await RecordingWriter.create(where, facts, {
      onFailure: (failure) => failures.push(failure),
    });
    await writer.close({ losses: NO_LOSSES, audit: 'agrees', endedNs: START.monotonicNs });
    writer.add(handshake());
    writer.name('10.3.0.12', 'redis.example');
    writer.tick(START.monotonicNs + 100e9);
    writer.checkpoint({ losses: NO_LOSSES, nowNs: START.monotonicNs + 100e9 });
    await writer.close({ losses: NO_LOSSES, endedNs: START.monotonicNs });
    const { items, file } = await readAll(where);
    assert.equal(items.length, 0);
    assert.equal(file.head.audit, 'agrees');
    assert.deepEqual(failures, []);
  });

  it('bytes of an item: fewer than 80', async () => {
    const random = Array.from({ length: 4000 }, (_, index) => {
      const startNs = 1000e9 + index * 1_234_567 + ((index * 7919) % 104_729);
      return handshake({
        startNs,
        endNs: startNs + 300_000 + ((index * 104_729) % 77_777),
        socket: 0x80_1234_0000_00 + ((index * 31) % 997) * 2944,
        localPort: 32_768 + ((index * 1009) % 28_000),
        wireUs: 250 + ((index * 37) % 400),
      });
    });
    const size = statSync(await record([random])).size - HEAD_BYTES;
    assert.ok(size / random.length < 80, `${size / random.length} bytes`);
  });
});

describe('recording: where it cannot be written', () => {
  const isFailure =
    (why: RegExp) =>
    (error: unknown): boolean => {
      assert.ok(error instanceof Failure);
      assert.equal(error.exitCode, EXIT.failure);
      assert.match(error.why, why);
      for (const text of [error.what, error.why, error.advice]) assert.doesNotMatch(text, /\n/);
      return true;
    };

  it('never over a file, nor through a link', async () => {
    const there = newPath();
    writeFileSync(there, 'mine');
    await assert.rejects(RecordingWriter.create(there, facts), isFailure(/a file of this name/));
    assert.equal(readFileSync(there, 'utf8'), 'mine');
    const [link, target] = [newPath(), newPath()];
    symlinkSync(target, link);
    await assert.rejects(RecordingWriter.create(link, facts), isFailure(/a file of this name/));
    assert.equal(existsSync(target), false);
  });

  it('not in a folder that is not there', async () => {
    await assert.rejects(
      RecordingWriter.create(path.join(newPath(), 'x'), facts),
      isFailure(/does not exist/),
    );
  });

  it('for its owner only; under sudo that is the user', async function () {
    assert.equal(statSync(await record([])).mode & 0o777, 0o600);
    assert.equal(process.getuid?.(), 0, 'the tests run as root');
    Object.assign(process.env, { SUDO_UID: '4321', SUDO_GID: '4322' });
    try {
      const { uid, gid } = statSync(await record([]));
      assert.deepEqual([uid, gid], [4321, 4322]);
    } finally {
      delete process.env['SUDO_UID'];
      delete process.env['SUDO_GID'];
    }
  });

  it('a full disk: what is whole stays, the failure is told once, and the head says why', async function () {
    assert.equal(process.getuid?.(), 0, 'the tests run as root');
    const folder = newFolder();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
    try {
      const where = path.join(folder, 'full.tsr');
      const failures: Failure[] = [];
      const writer = await RecordingWriter.create(where, facts, {
        onFailure: (failure) => failures.push(failure),
      });
      for (let block = 1; block <= 60; block++) {
        for (let index = 0; index < 200; index++)
          writer.add(handshake({ socket: (block * 1e9 + index) * 7919, startNs: (index * 48_271) % 65_537 }));
        writer.checkpoint({ losses: NO_LOSSES, nowNs: block * 1e9 });
      }
      await writer.close({ losses: { ...NO_LOSSES, lost: 7 }, endedNs: START.monotonicNs });
      assert.equal(failures.length, 1);
      assert.ok(isFailure(/no room left/)(failures[0]));
      const { items, file } = await readAll(where);
      assert.ok(items.length > 200 && items.length % 200 === 0, `${items.length} items`);
      assert.equal(file.progress.items, items.length);
      assert.equal(file.progress.losses?.lost, 7);
      assert.equal(file.complete, false);
      assert.match(file.damage ?? '', /given up before its end: There is no room left/);

      const fill = path.join(folder, 'fill');
      assert.throws(() => {
        writeFileSync(fill, Buffer.alloc(100_000));
      }, /ENOSPC/);
      const late = path.join(folder, 'late.tsr');
      await assert.rejects(RecordingWriter.create(late, facts), isFailure(/no room left/));
      assert.equal(existsSync(late), false);
    } finally {
      execFileSync('umount', [folder]);
      rmdirSync(folder);
    }
  });

  it('a disk that is too slow: memory stays bounded, and what is dropped is counted', async () => {
    const where = newPath();
    const writer = await RecordingWriter.create(where, facts);
    const count = 120_000;
    // The event loop gets no turn, so that nothing is written meanwhile.
    for (let index = 0; index < count; index++) writer.add(retransmit({ sequence: index }));
    assert.ok(writer.droppedCount > 0);
    assert.equal(writer.count + writer.droppedCount, count);
    await writer.close({ losses: NO_LOSSES, endedNs: START.monotonicNs });
    const { items, file } = await readAll(where);
    assert.equal(items.length, writer.count);
    assert.equal(file.progress.dropped, writer.droppedCount);
  });

  it('a meeting is written, and is no item of a view', async () => {
    const where = await record([[meeting(), handshake()]]);
    assert.equal(json(linesOf(where)[2])['role'], 'server');
    assert.equal((await readAll(where)).items.length, 1);
  });
});
