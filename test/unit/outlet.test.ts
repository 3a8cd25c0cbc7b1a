/** Texts to a stream that is never waited for. */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { areOnePlace, Outlet } from '#tcpscope/session/outlet.js';

/** A stream that takes a text when it is told to. */
class Slow extends Writable {
  readonly written: string[] = [];
  private take: ((error?: Error) => void) | undefined;
  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.written.push(chunk.toString());
    this.take = done;
  }
  async takes(error?: Error): Promise<void> {
    const { take } = this;
    this.take = undefined;
    take?.(error);
    await new Promise(setImmediate);
  }
}

const never = (error: Error): never => {
  throw error;
};

describe('an outlet', () => {
  it('has one write under way, and writes together what came meanwhile', async () => {
    const stream = new Slow();
    const outlet = new Outlet(stream, never);
    let idle = 0;
    outlet.onIdle = () => idle++;
    for (const text of ['a\n', 'b\n', 'c\n']) outlet.write(text);
    assert.deepEqual([stream.written, outlet.backlog, outlet.untakenLines], [['a\n'], 6, 3]);
    await stream.takes();
    assert.deepEqual([stream.written, outlet.backlog, idle], [['a\n', 'b\nc\n'], 4, 0]);
    await stream.takes();
    assert.deepEqual([outlet.backlog, outlet.untakenLines, idle], [0, 0, 1]);
  });

  it('tells of an error once, and gives up what waited', async () => {
    const stream = new Slow();
    stream.on('error', () => undefined);
    const errors: string[] = [];
    const outlet = new Outlet(stream, ({ message }) => errors.push(message));
    outlet.write('a');
    outlet.write('b');
    await stream.takes(new Error('full'));
    assert.deepEqual([errors, outlet.backlog, stream.written], [['full'], 0, ['a']]);
  });

  describe('to a file', () => {
    let folder: string;
    let file: string;
    before(() => {
      folder = mkdtempSync(path.join(tmpdir(), 'tcpscope-'));
      file = path.join(folder, 'file');
    });
    after(() => {
      rmSync(folder, { recursive: true });
    });

    /** What Node makes of such an output, which nobody asks to write. */
    const streamOf = (fd: number): Writable & { fd: number } => Object.assign(new Slow(), { fd });

    it('writes all of it, in order', async () => {
      const fd = openSync(file, 'w');
      const stream = streamOf(fd);
      const outlet = new Outlet(stream, never);
      const idle = new Promise<void>((resolve) => (outlet.onIdle = resolve));
      const texts = Array.from({ length: 100 }, (_, index) => `${index} ${'µ'.repeat(9999)}\n`);
      for (const text of texts) outlet.write(text);
      await idle;
      closeSync(fd);
      assert.equal(readFileSync(file, 'utf8'), texts.join(''));
    });
  });

  it('knows two names of one file', () => {
    const open = (name: string): { fd: number } => ({ fd: openSync(name, 'r') });
    const [one, same, other] = [open('package.json'), open('package.json'), open('README.md')];
    assert.ok(areOnePlace(one as never, same as never));
    assert.ok(!areOnePlace(one as never, other as never));
    assert.ok(!areOnePlace(one as never, new Slow()));
    for (const { fd } of [one, same, other]) closeSync(fd);
  });
});
