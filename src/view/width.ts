import stringWidth from 'string-width';

/** Columns that a text takes on a terminal. Latin letters and signs, which is nearly everything, take the short way. */
export function textWidth(text: string): number {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0x7e && (code < 0xa0 || code === 0xad || code > 0x2ff)) return stringWidth(text);
  }
  return text.length;
}
