import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';
import { REPLAY } from './fixture.js';

/** Compares with test/replay/golden/NAME.txt, byte for byte; UPDATE_GOLDEN=1 rewrites it. */
export function assertGolden(name: string, text: string): void {
  const path = join(REPLAY, 'golden', `${name}.txt`);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, text);
  assert.equal(text, readFileSync(path, 'utf8'));
}

/** What holds for every text a person sees: no line wider than the terminal, no space at an end, no escape code. */
export function assertTidy(text: string, width: number | undefined): void {
  for (const line of text.split('\n')) {
    assert.doesNotMatch(line, /\s$/);
    assert.doesNotMatch(stripVTControlCharacters(line), /\p{Cc}/u);
    if (width !== undefined)
      assert.ok(stringWidth(line) <= width, `${stringWidth(line)} > ${width}: ${line}`);
  }
}
