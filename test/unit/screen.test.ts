/** Frames over each other, on a terminal that is made of arrays. */
import assert from 'node:assert/strict';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { Screen, type ScreenSize } from '#tcpscope/session/screen.js';
import { cut, folded, textWidth } from '#tcpscope/view/width.js';

/** What xterm does with the few sequences that we write; each character takes one cell. */
class Terminal {
  lines: string[][] = [];
  row = 0;
  column = 0;
  scrolled = 0;
  constructor(private readonly size: ScreenSize) {
    this.lines = Array.from({ length: size.rows }, () => []);
  }

  write(text: string): void {
    // eslint-disable-next-line no-control-regex
    for (const [token] of text.matchAll(/\u001b\[[?\d;]*[A-Za-z]|[^]/gu)) this.take(token);
  }

  private take(token: string): void {
    // eslint-disable-next-line no-control-regex
    const [, count = '', command] = /^\u001b\[([?\d;]*)([A-Za-z])$/.exec(token) ?? [];
    if (command !== undefined) this.command(command, count);
    else if (token === '\r') this.column = 0;
    else if (token === '\n') this.newLine();
    else this.put(token);
  }

  private command(command: string, count: string): void {
    if (command === 'A') this.row = Math.max(0, this.row - Number(count));
    else if (command === 'B') this.row = Math.min(this.size.rows - 1, this.row + Number(count));
    else if (command === 'K')
      this.lines[this.row]!.length = Math.min(this.column, this.lines[this.row]!.length);
    else if (command === 'J' && count === '2') this.lines = this.lines.map(() => []);
    else if (command === 'J') {
      this.command('K', '');
      for (let row = this.row + 1; row < this.size.rows; row++) this.lines[row] = [];
    } else if (command === 'H') [this.row, this.column] = [0, 0];
    else if (!['h', 'l', 'm'].includes(command)) assert.fail(`unknown sequence ${command}`);
  }

  /** The terminal's mode has ONLCR. */
  private newLine(): void {
    this.column = 0;
    this.row++;
    if (this.row < this.size.rows) return;
    this.row--;
    this.lines.shift();
    this.lines.push([]);
    this.scrolled++;
  }

  private put(character: string): void {
    if (this.column >= this.size.columns) this.newLine();
    const line = this.lines[this.row]!;
    while (line.length < this.column) line.push(' ');
    line[this.column++] = character;
  }

  text(): string[] {
    return this.lines.map((line) => line.join(''));
  }
}

const line = fc.string({ unit: fc.constantFrom('a', 'b', '1', '.'), maxLength: 30 });
const frame = fc.array(line, { minLength: 1, maxLength: 14 });
const size = fc.record({ columns: fc.integer({ min: 1, max: 40 }), rows: fc.integer({ min: 2, max: 12 }) });

describe('the screen', () => {
  it('holds the last frame, cut to the terminal, however it came there, and what was above it', () => {
    fc.assert(
      fc.property(
        size,
        fc.array(frame, { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        (size, frames, trusted) => {
          const terminal = new Terminal(size);
          const screen = new Screen();
          let top = 1;
          terminal.write('$\n');
          for (const lines of frames) {
            terminal.write(screen.over(`${lines.join('\n')}\n`, size, { trusted }));
            const shown = lines.slice(0, size.rows - 1).map((text) => text.slice(0, size.columns));
            top = Math.min(top, size.rows - 1 - shown.length);
            const expected = [...(top > 0 ? ['$'] : []), ...shown];
            assert.deepEqual(terminal.text().slice(0, expected.length), expected);
            assert.deepEqual(new Set(terminal.text().slice(expected.length)), new Set(['']));
            assert.deepEqual([terminal.row, terminal.column], [expected.length, 0]);
          }
          assert.ok(terminal.scrolled <= 1, 'a frame of the same height never scrolls');
        },
      ),
    );
  });

  it('begins at the top, with nothing else, in another size', () => {
    fc.assert(
      fc.property(size, size, frame, frame, (before, after, first, second) => {
        fc.pre(before.columns !== after.columns || before.rows !== after.rows);
        const screen = new Screen();
        screen.over(`${first.join('\n')}\n`, before, { trusted: true });
        const terminal = new Terminal(after);
        terminal.row = after.rows - 1;
        terminal.write('wrapped');
        terminal.write(screen.over(`${second.join('\n')}\n`, after, { trusted: true }));
        const shown = second.slice(0, after.rows - 1).map((text) => text.slice(0, after.columns));
        assert.deepEqual(terminal.text().slice(0, shown.length), shown);
        assert.deepEqual(new Set(terminal.text().slice(shown.length)), new Set(['']));
        assert.ok(screen.over(`${second.join('\n')}\n`, after, { trusted: true }) === '');
      }),
    );
  });

  it('writes only what has changed, unless others may have written', () => {
    const size = { columns: 80, rows: 24 };
    const screen = new Screen();
    screen.over('one\ntwo\nthree\n', size, { trusted: true });
    const changed = screen.over('one\n2\nthree\n', size, { trusted: true });
    assert.ok(
      changed.includes('2\u001b[K') && !changed.includes('one') && !changed.includes('three'),
      changed,
    );
    assert.equal(screen.over('one\n2\nthree\n', size, { trusted: true }), '');
    assert.match(stripVTControlCharacters(screen.over('one\n2\nthree\n', size)), /one\n2\nthree\n/);
    screen.forget();
    assert.ok(
      !screen.over('one\n', size, { trusted: true }).includes('\u001b[3A'),
      'not over what it does not know',
    );
  });
});

describe('a text for a narrow place', () => {
  const segments = new Intl.Segmenter();
  const painted = '\u001b[31mrefused\u001b[39m and more';
  it('is cut without its colour running on', () => {
    assert.equal(cut(painted, 4), '\u001b[31mrefu\u001b[0m');
    assert.equal(cut(painted, 80), painted);
    assert.equal(cut('日本語', 5), '日本');
    assert.equal(cut('abc', 0), '');
    assert.deepEqual(folded('', 4), ['']);
    assert.deepEqual(folded('2001:db8::1', 6), ['2001:d', 'b8::1']);
  });

  it('is never wider, and folding loses nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 2, max: 20 }), (text, width) => {
        assert.ok(textWidth(cut(text, width)) <= width);
        assert.ok(text.startsWith(cut(text, width)));
        assert.equal(folded(text, width).join(''), text);
        for (const piece of folded(text, width))
          assert.ok(textWidth(piece) <= width || [...segments.segment(piece)].length === 1);
      }),
    );
  });
});
