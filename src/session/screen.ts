import { cut, textWidth } from '../view/width.js';

/** What the terminal shows all at once where it knows how; others ignore it. */
const TOGETHER = { begin: '\u001b[?2026h', end: '\u001b[?2026l' };
const CLEAR = '\u001b[H\u001b[2J';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

export interface ScreenSize {
  columns: number;
  rows: number;
}

/**
 * Frames that are drawn over each other, as text for one write. The cursor rests in the line below the frame, where whatever comes
 * next begins. Nothing is erased before it is written over, so that nothing flickers.
 */
export class Screen {
  private drawn: string[] = [];
  private size: ScreenSize = { columns: 0, rows: 0 };

  /** What is on the screen now is not ours: the next frame begins where the cursor is. */
  forget(): void {
    this.drawn = [];
  }

  /**
   * Puts a frame over the last one: only lines that differ, if nobody else writes (`trusted`). On a screen of another size, or if asked
   * for by `clear`, it begins at the top, because nobody knows how the terminal has wrapped what was there.
   */
  over(text: string, size: ScreenSize, { trusted = false, clear = false } = {}): string {
    const lines = this.fitting(text, size);
    const { drawn } = this;
    const resized = size.columns !== this.size.columns || size.rows !== this.size.rows;
    this.drawn = lines;
    this.size = { ...size };
    if (clear || (resized && drawn.length > 0))
      return together(CLEAR + lines.map((line) => `${line}\n`).join(''));
    const changed = changes(drawn, lines, size.columns, trusted);
    return changed === '' ? '' : together(changed);
  }

  /** Lines that do not wrap, and no more than leave a line for the cursor: else the first would leave at the top. */
  private fitting(text: string, { columns, rows }: ScreenSize): string[] {
    const lines = text.replace(/\n$/, '').split('\n');
    return lines.slice(0, Math.max(1, rows - 1)).map((line) => cut(line, columns));
  }
}

function together(text: string): string {
  return TOGETHER.begin + text + TOGETHER.end;
}

/** From the line below the old lines to that below the new ones. */
function changes(
  old: readonly string[],
  lines: readonly string[],
  columns: number,
  trusted: boolean,
): string {
  let text = '';
  let at = old.length;
  const moveTo = (line: number): void => {
    if (line < at) text += `\u001b[${at - line}A`;
    if (line > at) text += `\u001b[${line - at}B`;
    at = line;
  };
  for (const [index, line] of lines.entries()) {
    if (trusted && index < old.length && line === old[index]) continue;
    moveTo(index);
    // In the last column the cursor stays on what was written there, and would erase it.
    text += textWidth(line) < columns ? `${line}${CLEAR_LINE}\n` : `${line}\n`;
    at++;
  }
  const shorter = lines.length < old.length;
  if (text === '' && !shorter) return '';
  moveTo(lines.length);
  // Whoever else wrote may have left the cursor anywhere in its line.
  return `\r${text}${shorter || !trusted ? CLEAR_BELOW : ''}`;
}
