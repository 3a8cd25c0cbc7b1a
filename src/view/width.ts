import stringWidth from 'string-width';

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
