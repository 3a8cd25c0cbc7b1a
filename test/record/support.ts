import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Retransmit, SocketGrowth } from '#tcpscope/model/retransmit.js';
import { clockOffsetNs, type ClockReading } from '#tcpscope/record/clock.js';
import type { HeadFacts } from '#tcpscope/record/head.js';
import type { Meeting, RecordedItem } from '#tcpscope/record/items.js';
import { openRecording, type RecordingFile } from '#tcpscope/record/reader.js';
import { RecordingWriter, type WriterOptions } from '#tcpscope/record/writer.js';

/** Tests run in the root of the project. */
export const FIXTURES = path.join(process.cwd(), 'test', 'record', 'fixtures');

export const facts: HeadFacts = {
  tcpscope: '0.1.0',
  command: 'connlat',
  arguments: ['--port', '443'],
  filtered: true,
  host: {
    name: 'web-1',
    kernel: '6.1.0-18-amd64',
    machine: 'x86_64',
    bootId: '6f1c9f4e-0d55-4a52-9d5e-2b3f0e6a7c11',
  },
};

export const NO_LOSSES = { lost: 0, untracked: 0, missed: 0 };

/** 2026-07-01T10:00:00Z at 1,000 s after the boot. */
export const START: ClockReading = { monotonicNs: 1000e9, unixNs: 1_782_900_000_000_000_000n };
export const START_OFFSET_NS = clockOffsetNs(START);

let folder: string | undefined;
let files = 0;

/** A path of no file yet. */
export function newPath(): string {
  folder ??= newFolder();
  return path.join(folder, `${++files}.tsr`);
}

/** Goes when the tests end. */
export function newFolder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'tcpscope-record-'));
  process.once('exit', () => {
    rmSync(made, { recursive: true, force: true });
  });
  return made;
}

export function retransmit(difference: Partial<Retransmit> = {}): Retransmit {
  return {
    type: 'retransmit',
    kind: 'rto',
    timeNs: 1001e9,
    socket: 0x80_1234_5678_00,
    localAddress: '10.1.4.7',
    remoteAddress: '10.3.0.12',
    localPort: 51_822,
    remotePort: 6379,
    netns: 4_026_531_840,
    cgroupId: 4242,
    uid: 1000,
    pid: 2817,
    comm: 'puma',
    progressNs: 1000.7e9,
    bytesRetrans: 1448,
    error: -1,
    sequence: 4_294_967_295,
    initialSequence: 77,
    length: 1448,
    segments: 1,
    tries: 2,
    rtoUs: 204_000,
    srttUs: 40_100,
    minRttUs: 40_000,
    cwnd: 10,
    ssthresh: 7,
    lostOut: 1,
    sackedOut: 2,
    retransOut: 1,
    segsOut: 99,
    mss: 1448,
    state: 1,
    caState: 4,
    startKnown: true,
    ...difference,
  };
}

export function socketGrowth(difference: Partial<SocketGrowth> = {}): SocketGrowth {
  return {
    type: 'socket',
    timeNs: 1002e9,
    localAddress: '2001:db8::7',
    remoteAddress: '2001:db8::12',
    localPort: 443,
    remotePort: 51_822,
    netns: 4_026_531_840,
    cgroupId: 0,
    uid: 0,
    pid: 1,
    comm: 'nginx',
    segsOut: 12,
    spurious: 1,
    undone: 0,
    ...difference,
  };
}

export function meeting(difference: Partial<Meeting> = {}): Meeting {
  return {
    type: 'meeting',
    role: 'server',
    timeNs: 1001e9,
    rttUs: 500,
    localAddress: '10.3.0.12',
    localPort: 6379,
    remoteAddress: '10.1.4.7',
    remotePort: 51_822,
    netns: 4_026_531_840,
    ...difference,
  };
}

/** A clock that never changes its offset. */
export function steadyClock(start: ClockReading = START): () => ClockReading {
  return () => start;
}

export interface Recorded extends WriterOptions {
  readonly path?: string;
  readonly facts?: Partial<HeadFacts>;
  readonly endedNs?: number;
}

/** Records the items, a block for each list; gives the path. */
export async function record(
  blocks: readonly (readonly (RecordedItem | Meeting)[])[],
  { path: where = newPath(), facts: more, endedNs = START.monotonicNs + 60e9, ...options }: Recorded = {},
): Promise<string> {
  const writer = await RecordingWriter.create(
    where,
    { ...facts, ...more },
    { readClock: steadyClock(), ...options },
  );
  let nowNs = START.monotonicNs;
  for (const items of blocks) {
    for (const item of items) writer.add(item);
    writer.tick((nowNs += 1e9));
  }
  await writer.close({ losses: NO_LOSSES, endedNs });
  return where;
}

/** All items, and what the reader says afterwards. */
export async function readAll(where: string): Promise<{ items: RecordedItem[]; file: RecordingFile }> {
  const file = await openRecording(where);
  try {
    const items: RecordedItem[] = [];
    for await (const batch of file.items()) items.push(...batch);
    return { items, file };
  } finally {
    await file.close();
  }
}

/** Each line of a file, as zcat shows it. */
export function linesOf(where: string): string[] {
  return gunzipSync(readFileSync(where)).toString('utf8').trimEnd().split('\n');
}

/** A block as docs/recording-format.md describes it, made without the program. */
export function rawBlock(text: string | Buffer): Buffer {
  const member = gzipSync(text).subarray(10);
  const header = Buffer.from('1f8b08040000000000ff080054530400', 'hex');
  const size = Buffer.alloc(4);
  size.writeUInt32LE(header.length + size.length + member.length);
  return Buffer.concat([header, size, member]);
}

/** The head of a small recording, as JSON. */
export function rawHead(difference: Record<string, unknown> = {}): string {
  return `${JSON.stringify({
    format: 'tcpscope recording',
    version: 1,
    tcpscope: '0.1.0',
    command: 'connlat',
    arguments: [],
    filtered: false,
    host: { name: 'web-1', kernel: '6.1', machine: 'x86_64' },
    clock: { monotonicNs: START.monotonicNs, unixNs: String(START.unixNs) },
    ...difference,
  })}\n`;
}

/** A file of these blocks. */
export function rawFile(...blocks: readonly (string | Buffer)[]): string {
  const where = newPath();
  writeFileSync(
    where,
    Buffer.concat(blocks.map((block) => (typeof block === 'string' ? rawBlock(block) : block))),
  );
  return where;
}
