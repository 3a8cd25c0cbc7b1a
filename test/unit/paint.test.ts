import assert from 'node:assert/strict';
import { colorLevelOf } from '#tcpscope/cli/view-flags.js';
import { createPaint, HEAT_COLORS, TONE_COLORS } from '#tcpscope/view/paint.js';
import { SHADES } from '#tcpscope/view/scale.js';
import { ansi256, difference, EYES, hex, lab, type Rgb } from './color.js';

const BLACK = hex('#000000');
const WHITE = hex('#ffffff');
/** What terminals write in by default, on either background. */
const TEXTS: Readonly<Record<string, Rgb>> = { white: WHITE, grey: hex('#d0d0d0'), black: BLACK };
const TONES = { bad: ansi256(TONE_COLORS.bad), warn: ansi256(TONE_COLORS.warn) };
const PALETTES = { 256: HEAT_COLORS[256].map(ansi256), truecolor: HEAT_COLORS.truecolor.map(hex) };

describe('the measure of colours', () => {
  it('knows CIELAB of well-known colours', () => {
    const normal = EYES['normal']!;
    // Adding 0 makes 0 of -0.
    const rounded = (color: string): number[] => lab(hex(color), normal).map((part) => Math.round(part) + 0);
    // Lindbloom, "CIE Color Calculator", sRGB and D65.
    assert.deepEqual(rounded('#ffffff'), [100, 0, 0]);
    assert.deepEqual(rounded('#ff0000'), [53, 80, 67]);
    assert.deepEqual(rounded('#0000ff'), [32, 79, -108]);
    assert.deepEqual([16, 231, 196].map(ansi256), [hex('#000000'), hex('#ffffff'), hex('#ff0000')]);
  });

  it('finds what colour-blind people cannot tell apart', () => {
    const [red, green] = [hex('#a05000'), hex('#607000')];
    assert.ok(difference(red, green, EYES['normal']!) > 40);
    assert.ok(difference(red, green, EYES['deuteranopia']!) < 20);
  });
});

describe('colours', () => {
  for (const [name, eye] of Object.entries(EYES)) {
    it(`of tones are apart from each other and from text: ${name}`, () => {
      assert.ok(difference(TONES.bad, TONES.warn, eye) > 20);
      for (const [tone, color] of Object.entries(TONES))
        for (const [text, other] of Object.entries(TEXTS)) {
          const apart = difference(color, other, eye);
          assert.ok(apart > 20, `${tone} and ${text} text: ${apart}`);
        }
    });

    for (const [palette, colors] of Object.entries(PALETTES)) {
      it(`of heat get lighter step by step and are no background: ${palette}, ${name}`, () => {
        for (const [at, color] of colors.entries()) {
          const before = colors[at - 1];
          if (before) assert.ok(lab(color, eye)[0] - lab(before, eye)[0] > 5, `step ${at}`);
          for (const background of [BLACK, WHITE])
            assert.ok(difference(color, background, eye) > 20, `step ${at} and a background`);
        }
      });
    }
  }

  it('leave the text as it is', () => {
    for (const level of [0, 1, 2, 3] as const) {
      const paint = createPaint(level);
      const painted = [
        paint.tone('bad', 'x'),
        paint.tone('warn', 'x'),
        paint.header('x'),
        paint.heat(0, 'x'),
      ];
      for (const text of painted) {
        // eslint-disable-next-line no-control-regex -- of colours
        assert.equal(text.replace(/\u001b\[[\d;]*m/g, ''), 'x');
        assert.equal(text === 'x', level === 0);
      }
      assert.equal(paint.tone(undefined, 'x'), 'x');
    }
  });

  it('of sixteen tell tones apart by more than hue, and leave shades to their characters', () => {
    const paint = createPaint(1);
    assert.equal(paint.tone('bad', 'x'), '\u001b[31m\u001b[1mx\u001b[22m\u001b[39m');
    assert.equal(paint.tone('warn', 'x'), '\u001b[33mx\u001b[39m');
    const hues = SHADES.map((_, step) => paint.heat(step, 'x'));
    assert.equal(new Set(hues).size, 1);
  });

  it('of each shade differ', () => {
    for (const level of [2, 3] as const)
      assert.equal(new Set(SHADES.map((_, step) => createPaint(level).heat(step, 'x'))).size, SHADES.length);
  });
});

describe('whether there are colours', () => {
  it('--plain decides before NO_COLOR, that before FORCE_COLOR, and that before what the terminal is', () => {
    assert.equal(colorLevelOf(false, {}, 2), 2);
    assert.equal(colorLevelOf(false, {}, 0), 0);
    // no-color.org: present and not empty.
    assert.equal(colorLevelOf(false, { NO_COLOR: '' }, 2), 2);
    assert.equal(colorLevelOf(false, { NO_COLOR: '0' }, 3), 0);
    assert.equal(colorLevelOf(false, { NO_COLOR: '1', FORCE_COLOR: '3' }, 3), 0);
    assert.equal(colorLevelOf(false, { FORCE_COLOR: '3' }, 1), 3);
    assert.equal(colorLevelOf(false, { FORCE_COLOR: '0' }, 2), 0);
    // Yes, as many as there are: chalk has found out how many that is.
    assert.equal(colorLevelOf(false, { FORCE_COLOR: 'true' }, 1), 1);
    assert.equal(colorLevelOf(true, {}, 3), 0);
    assert.equal(colorLevelOf(true, { FORCE_COLOR: '3' }, 3), 0);
  });
});
