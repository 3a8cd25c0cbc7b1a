/** A place in a text; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/**
 * Lines and columns of offsets. The counter of the YAML library knows only lines that it has read as such, and leaves out those within
 * quotes that are not closed.
 */
export class LinePositions {
  /** Offsets at which lines begin. */
  private readonly starts: readonly number[];

  constructor(private readonly text: string) {
    this.starts = [0, ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)];
  }

  of(offset: number): Position {
    const within = Math.min(offset, this.text.length);
    let low = 0;
    let high = this.starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.starts[middle]! <= within) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: within - this.starts[low]! + 1 };
  }
}
