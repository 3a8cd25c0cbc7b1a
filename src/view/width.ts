import stringWidth from 'fast-string-width';

/** Printable ASCII, most of the Latin letters and signs (µ), and the blocks of bars: one cell each. */
function isOneCell(code: number): boolean {
  if (code <= 0x7e) return code >= 0x20;
  return (code >= 0xa0 && code <= 0x2ff && code !== 0xad) || (code >= 0x2580 && code <= 0x259f);
}

/** Columns that a text takes on a terminal. Nearly every text goes the short way. */
export function textWidth(text: string): number {
  for (let at = 0; at < text.length; at++) {
    if (!isOneCell(text.charCodeAt(at))) return stringWidth(text);
  }
  return text.length;
}

/** Texts with something between them, on as many lines as it takes. */
export function filled(texts: readonly string[], between: string, width: number): string[] {
  const lines: string[] = [];
  for (const text of texts) {
    const last = lines.at(-1);
    const longer = `${last}${between}${text}`;
    if (last !== undefined && textWidth(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(text);
  }
  return lines;
}

/** SGR, which colours text and takes no room. */
// eslint-disable-next-line no-control-regex
const PAINT = /\u001b\[[\d;]*m/y;
const RESET = '\u001b[0m';
/** Longer than anything that looks like one character. */
const LONGEST_GRAPHEME = 32;

/** Made when it is needed: the data of ICU take some milliseconds. */
let graphemes: Intl.Segmenter | undefined;

function firstGrapheme(text: string): string {
  graphemes ??= new Intl.Segmenter();
  const [first] = graphemes.segment(text);
  return first?.segment ?? '';
}

/** The beginning of a painted text that fits `width` columns. */
export function cut(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let kept = '';
  let left = width;
  let painted = false;
  for (let at = 0; at < text.length;) {
    PAINT.lastIndex = at;
    const paint = PAINT.exec(text)?.[0];
    if (paint !== undefined) {
      kept += paint;
      painted = true;
      at += paint.length;
      continue;
    }
    const segment = firstGrapheme(text.slice(at, at + LONGEST_GRAPHEME));
    left -= textWidth(segment);
    if (left < 0) break;
    kept += segment;
    at += segment.length;
  }
  return painted ? kept + RESET : kept;
}

/** A text without paint in pieces that fit `width` columns, or are one character. */
export function folded(text: string, width: number): string[] {
  const pieces: string[] = [];
  let rest = text;
  while (textWidth(rest) > width) {
    const piece = cut(rest, width) || firstGrapheme(rest);
    pieces.push(piece);
    rest = rest.slice(piece.length);
  }
  return rest === '' && pieces.length > 0 ? pieces : [...pieces, rest];
}

/** Prose on as many lines as it takes. */
export function wrapped(text: string, width = Infinity): string[] {
  return filled(text.split(' '), ' ', width);
}
