/** No character of a JavaScript string takes more bytes in UTF-8. */
const MOST_BYTES = 3;

/** UTF-8 of texts, in memory that is used again: that of a few hundred rows, from the system anew each time, costs as much as the rows. */
export class TextBytes {
  private memory = Buffer.alloc(0);

  /** The texts in order as bytes, which count until this is called again. */
  of(texts: readonly string[]): Buffer {
    const most = texts.reduce((sum, { length }) => sum + length, 0) * MOST_BYTES;
    if (this.memory.length < most) this.memory = Buffer.allocUnsafeSlow(most);
    let end = 0;
    for (const text of texts) end += this.memory.write(text, end);
    return this.memory.subarray(0, end);
  }
}
