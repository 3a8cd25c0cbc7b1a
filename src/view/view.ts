import type { TextContext } from '../model/column.js';

/** Turns items, and state that reducers built from them, into text. The session writes it. */
export interface View<Item> {
  /** Text to write before the first item, '' if none. */
  begin(): string;
  /** True of items that have a row each; absent: the view shows only state. */
  hasRow?(item: Item): boolean;
  /** Text for these items (rows, NDJSON, CSV); '' where the view shows only state. */
  items(items: readonly Item[], clockOffsetNs: number): string;
  /**
   * Text of an interval (tables, histograms), undefined where the view has none. A view that draws its state draws the same when it is
   * asked again; one that prints intervals (a heatmap on a pipe, in plain text, JSON or CSV) prints each once, as soon as it can.
   */
  frame(nowNs: number, clockOffsetNs: number): string | undefined;
  /** Text at the end, with the interval that has not become full, in place of the last frame; absent: the last frame is like any other. */
  end?(nowNs: number, clockOffsetNs: number): string | undefined;
  /**
   * A key was pressed; true if the next frame differs and has to be drawn at once. `nowNs` is real time, by which digits that make one
   * number are known. A view that has this is drawn over itself on a terminal; the frames of others come below each other.
   */
  key?(key: string, nowNs: number): boolean;
}

/** Where text goes. The session changes the size when the terminal does; views look at it each time. */
export interface Display {
  /** Columns of the terminal; undefined on a pipe: usual widths, nothing is cut. */
  width: number | undefined;
  /** Lines of the terminal that a frame may fill; undefined: as many as it takes. */
  height: number | undefined;
  /** chalk's levels; 0 is no colour. */
  colorLevel: 0 | 1 | 2 | 3;
  /**
   * For a screen reader, or a ticket: text in reading order, without bars, colours and moves of the cursor. Frames are written below each
   * other, as on a pipe, and so have the time above them.
   */
  plain: boolean;
  /** Keys work, so that a frame may tell them. The session sets it. */
  keys?: boolean;
}

/** What every view is given. */
export interface ViewOptions {
  display: Readonly<Display>;
  /** clockOffsetNs is replaced by the one that comes with the items or the frame. */
  context: Readonly<TextContext>;
}

/** True if frames come one below the other, each with its time. */
export function isAppended({ width, plain }: Readonly<Display>): boolean {
  return plain || width === undefined;
}
