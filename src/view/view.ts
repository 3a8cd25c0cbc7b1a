import type { TextContext } from '../model/column.js';

/** Turns items, and state that reducers built from them, into text. The session writes it. */
export interface View<Item> {
  /** Text to write before the first item, '' if none. */
  begin(): string;
  /** Text for these items (rows, NDJSON, CSV); '' where the view shows only state. */
  items(items: readonly Item[], clockOffsetNs: number): string;
  /** Text of an interval (tables, histograms), undefined where the view has none. Does not change state. */
  frame(nowNs: number, clockOffsetNs: number): string | undefined;
}

/** Where text goes. The session changes the size when the terminal does; views look at it each time. */
export interface Display {
  /** Columns of the terminal; undefined on a pipe: usual widths, nothing is cut. */
  width: number | undefined;
  /** Lines of the terminal that a frame may fill; undefined: as many as it takes. */
  height: number | undefined;
  /** chalk's levels; 0 is no colour. */
  colorLevel: 0 | 1 | 2 | 3;
}

/** What every view is given. */
export interface ViewOptions {
  display: Readonly<Display>;
  /** clockOffsetNs is replaced by the one that comes with the items or the frame. */
  context: Readonly<TextContext>;
}
