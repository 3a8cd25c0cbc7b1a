/** The run loop on a recording: what is written, and when by the recording's clock. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import type { Reducer } from '#tcpscope/aggregate/reducer.js';
import type { Source } from '#tcpscope/model/source.js';
import { liveClock, replayClock, type Clock } from '#tcpscope/session/clock.js';
import type { Streams } from '#tcpscope/session/output.js';
import { runSession, type SessionEnd, type SessionOptions } from '#tcpscope/session/run.js';
import type { View } from '#tcpscope/view/view.js';

const SECOND = 1e9;
const START = 5000 * SECOND;

/** Items are the seconds, since the start, at which they happened. */
class Recording implements Source<number> {
  ended = false;
  stopped = false;
  constructor(
    private readonly items: number[],
    private readonly endSeconds: number,
  ) {}
  drain(nowNs: number): number[] {
    this.ended = nowNs >= START + this.endSeconds * SECOND;
    const come = this.items.filter((at) => START + at * SECOND <= nowNs);
    this.items.splice(0, come.length);
    return come;
  }
  stop(): void {
    this.stopped = true;
  }
  losses(): { lost: number; untracked: number; missed: number } {
    return { lost: 0, untracked: 0, missed: 0 };
  }
  close(): void {
    this.stopped = true;
  }
}

class Counter implements Reducer<number> {
  total = 0;
  ticks: number[] = [];
  add(): void {
    this.total++;
  }
  tick(nowNs: number): void {
    this.ticks.push((nowNs - START) / SECOND);
  }
}

/** Collects what is written; a terminal or a pipe. */
class Collected {
  written: string[] = [];
  errors = '';
  readonly streams: Streams;
  constructor(terminal?: { columns: number; rows: number }) {
    const stdout = new PassThrough();
    stdout.on('data', (chunk: Buffer) => this.written.push(chunk.toString()));
    const stderr = new PassThrough();
    stderr.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
    this.streams = {
      stdout: Object.assign(stdout, { isTTY: terminal !== undefined, ...terminal }) as never,
      stderr,
    };
  }
}

interface Run {
  counter: Counter;
  source: Recording;
  end: SessionEnd;
  written: string[];
  errors: string;
}

const full = (): Clock => replayClock({ startNs: START, speed: 'full', unixOffsetNs: () => 7 });

async function run(
  items: number[],
  endSeconds: number,
  options: Partial<SessionOptions<number>> = {},
  collected = new Collected(),
): Promise<Run> {
  const counter = new Counter();
  const source = new Recording(items, endSeconds);
  const view: View<number> = {
    begin: () => 'begin\n',
    items: () => '',
    frame: (nowNs, offsetNs) => `${(nowNs - START) / SECOND} s, ${counter.total} items, offset ${offsetNs}\n`,
  };
  const end = await runSession({
    source,
    view,
    reducers: [counter],
    status: 'Replaying',
    display: { width: undefined, height: undefined, colorLevel: 0, plain: false },
    intervalMs: 1000,
    durationMs: undefined,
    count: undefined,
    counts: () => true,
    clock: full(),
    streams: collected.streams,
    ...options,
  });
  return { counter, source, end, written: collected.written, errors: collected.errors };
}

describe('a session', () => {
  it('replays at full speed to the end of the recording, with the frame of every interval', async () => {
    const { counter, source, end, written, errors } = await run([0.5, 1.95, 2, 2.25, 3.5], 3.5);
    assert.equal(
      written.join(''),
      'begin\n' +
        '1 s, 1 items, offset 7\n' +
        '2 s, 3 items, offset 7\n' +
        '3 s, 4 items, offset 7\n' +
        '3.5 s, 5 items, offset 7\n',
    );
    assert.deepEqual(counter.ticks, [0, 1, 2, 3]);
    assert.deepEqual(end, {
      elapsedNs: 3.5 * SECOND,
      endedNs: 5_003.5 * SECOND,
      unshown: { rows: 0, reasons: [], intervals: 0 },
      wantsSummary: true,
    });
    assert.ok(source.stopped);
    assert.equal(errors, 'Replaying\n');
  });

  it('takes no time for a day', async () => {
    const began = performance.now();
    const { end, counter } = await run([86_399], 86_400, { intervalMs: 60_000 });
    assert.equal(end.elapsedNs, 86_400 * SECOND);
    assert.equal(counter.total, 1);
    // 864,000 looks at the source.
    assert.ok(performance.now() - began < 20_000);
  });

  it('ends after the duration, in recorded time', async () => {
    const { end, written } = await run([0.5, 7], 60, { durationMs: 2500 });
    assert.equal(end.elapsedNs, 2.5 * SECOND);
    assert.equal(written.at(-1), '2.5 s, 1 items, offset 7\n');
  });

  it('ends after the count, and takes no more', async () => {
    const { counter, written } = await run([0.1, 0.2, 0.3, 0.31, 0.32, 9], 60, { count: 4 });
    assert.equal(counter.total, 4);
    assert.equal(written.length, 2);
  });

  it('ends by a signal in the middle of a replay', async () => {
    const source = run([], 1e9);
    setImmediate(() => process.emit('SIGINT', 'SIGINT'));
    assert.ok((await source).end.elapsedNs < 1e9 * SECOND);
  });

  it('draws few frames of a fast replay on a terminal, and always the last', async () => {
    const terminal = new Collected({ columns: 80, rows: 24 });
    const counter = new Counter();
    const view: View<number> = {
      begin: () => '',
      items: () => '',
      frame: (nowNs) => `${(nowNs - START) / SECOND} s, ${counter.total} items\n`,
      key: () => false,
    };
    const { written } = await run([0.5, 999.5], 1000, { view, reducers: [counter] }, terminal);
    const frames = written.filter((text) => text.includes(' items'));
    assert.ok(frames.length >= 2 && frames.length < 500, `${frames.length} frames`);
    assert.match(frames.at(-1)!, /1000 s, 2 items/);
  });

  it('draws over the last frame only a view that takes keys, and not in plain text', async () => {
    const draw = async (plain: boolean, keys: boolean, size = { columns: 12, rows: 24 }): Promise<string> => {
      const terminal = new Collected(size);
      const view: View<number> = {
        begin: () => '',
        items: () => '',
        frame: (nowNs) => `${(nowNs - START) / SECOND} s, whatever it is\n`,
        ...(keys ? { key: () => false } : {}),
      };
      const display = { width: undefined, height: undefined, colorLevel: 0 as const, plain };
      await run([], 0.5, { view, display }, terminal);
      return terminal.written.join('');
    };
    assert.equal(await draw(false, false), '0.5 s, whatever it is\n');
    assert.equal(await draw(true, true), '0.5 s, whatever it is\n');
    assert.equal(await draw(false, true), '\u001b[?2026h\r0.5 s, whate\n\u001b[J\u001b[?2026l');
    const unknown = await draw(false, true, { columns: 0, rows: 0 });
    assert.ok(unknown.includes('0.5 s, whatever it is'));
  });

  it('replays at a speed in so much of real time', async () => {
    const clock = replayClock({ startNs: START, speed: 10, unixOffsetNs: () => 0 });
    const began = performance.now();
    const { end } = await run([0.5], 2, { clock });
    const tookMs = performance.now() - began;
    assert.ok(end.endedNs >= START + 2 * SECOND);
    assert.ok(tookMs >= 195, `${tookMs} ms`);
    // By one clock: however slow this machine is.
    assert.ok(end.elapsedNs / 1e6 <= tookMs * 10 + 50, `${end.elapsedNs} ns in ${tookMs} ms`);
  });

  it('lives by the time of this host', async () => {
    const clock = liveClock();
    const before = clock.nowNs();
    const { end } = await run([], 1e9, { clock, durationMs: 30 });
    assert.ok(end.elapsedNs >= 30e6 && end.elapsedNs <= clock.nowNs() - before);
    assert.ok(Math.abs(clock.nowNs() + clock.unixOffsetNs() - Date.now() * 1e6) < 1e9);
  });
});
