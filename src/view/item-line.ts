/** Lines of items for machines, thousands a second: what repeats is put into text once. */
import type { Column, Plain, TextContext } from '../model/column.js';
import type { MachineFormat } from './machine.js';

type ItemFunction<Item, Result> = (item: Item, context: TextContext) => Result;

/** A part of a line. */
interface Part<Item> {
  write: ItemFunction<Item, string>;
}

/** The value of a column; the last one is kept, since times and small numbers often come several times in a row. */
class Value<Item> implements Part<Item> {
  private last: Plain = null;
  private text: string;

  constructor(
    private readonly format: MachineFormat,
    private readonly of: ItemFunction<Item, Plain>,
  ) {
    this.text = format.value(null);
  }

  write(item: Item, context: TextContext): string {
    const value = this.of(item, context);
    if (value === this.last) return this.text;
    this.last = value;
    return (this.text = this.format.value(value));
  }
}

/** What a run of columns looks like where these are what decides. */
interface Known {
  readonly deciders: readonly unknown[];
  readonly text: string;
}

/** Texts that a run keeps; a full cache starts anew. */
const MOST_KNOWN = 8192;
/** Items after which it is tried again whether texts are found. */
const MOST_PLAIN = 16 * MOST_KNOWN;
/** Those of them that have in common by what they are found. */
const MOST_ALIKE = 8;

/** Columns side by side whose values repeat, with what stands between and around them. */
class Run<Item> implements Part<Item> {
  private readonly values: ItemFunction<Item, Plain>[] = [];
  /** Before, between and behind the values. */
  private readonly between = [''];
  private readonly deciders: ItemFunction<Item, unknown>[] = [];
  private readonly known = new Map<unknown, Known[]>();
  private size = 0;
  /** Times that a text was found since the cache began anew. */
  private found = 0;
  /** Items whose text is not kept, since it was hardly ever found. */
  private plainItems = 0;
  /** Place of the decider by which texts are found. */
  private keyAt = 0;

  constructor(private readonly format: MachineFormat) {}

  addText(text: string): void {
    this.between.push(this.between.pop()! + text);
  }

  addValue(value: ItemFunction<Item, Plain>, decidedBy: ItemFunction<Item, unknown>): void {
    this.values.push(value);
    this.between.push('');
    if (!this.deciders.includes(decidedBy)) this.deciders.push(decidedBy);
  }

  write(item: Item, context: TextContext): string {
    if (this.values.length === 0) return this.between[0]!;
    if (this.plainItems > 0) {
      this.plainItems--;
      return this.plainText(item, context);
    }
    const alike = this.known.get(this.deciders[this.keyAt]!(item, context));
    if (alike !== undefined)
      for (const known of alike) {
        if (!this.isFor(known, item, context)) continue;
        this.found++;
        return known.text;
      }
    const text = this.textOf(item, context);
    this.remember({ deciders: this.deciders.map((decider) => decider(item, context)), text });
    return text;
  }

  private isFor(known: Known, item: Item, context: TextContext): boolean {
    const { deciders } = this;
    for (let at = 0; at < deciders.length; at++)
      if (deciders[at]!(item, context) !== known.deciders[at]) return false;
    return true;
  }

  /** In one piece: what is put together by + would be that anew each time it is written. */
  private textOf(item: Item, context: TextContext): string {
    const pieces = this.values.flatMap((value, at) => [
      this.between[at]!,
      this.format.value(value(item, context)),
    ]);
    return [...pieces, this.between.at(-1)!].join('');
  }

  private plainText(item: Item, context: TextContext): string {
    let text = '';
    for (let at = 0; at < this.values.length; at++)
      text += this.between[at]! + this.format.value(this.values[at]!(item, context));
    return text + this.between.at(-1)!;
  }

  private remember(known: Known): void {
    if (this.size >= MOST_KNOWN) {
      if (this.found < MOST_KNOWN) this.plainItems = MOST_PLAIN;
      this.forget();
    }
    const alike = this.known.get(known.deciders[this.keyAt]);
    if (alike !== undefined && alike.length >= MOST_ALIKE) {
      this.keyAt = mostDiffering(alike);
      this.forget();
    }
    const key = known.deciders[this.keyAt];
    const others = this.known.get(key);
    if (others) others.push(known);
    else this.known.set(key, [known]);
    this.size++;
  }

  private forget(): void {
    this.known.clear();
    this.size = 0;
    this.found = 0;
  }
}

/** The place of the decider that differs the most. */
function mostDiffering(all: readonly Known[]): number {
  const differences = all[0]!.deciders.map((_, at) => new Set(all.map(({ deciders }) => deciders[at])).size);
  return differences.indexOf(Math.max(...differences));
}

/** Makes what writes the line of an item: its columns' values in order. */
export function itemWriter<Item>(
  format: MachineFormat,
  columns: readonly Column<Item>[],
): ItemFunction<Item, string> {
  const before = format.before(columns.map(({ key }) => key));
  const parts: Part<Item>[] = [];
  let run = new Run<Item>(format);
  for (const [at, column] of columns.entries()) {
    const { value = (): Plain => null, decidedBy } = column;
    run.addText(before[at]!);
    if (decidedBy) {
      run.addValue(value, decidedBy);
      continue;
    }
    parts.push(run, new Value(format, value));
    run = new Run(format);
  }
  run.addText(format.end);
  parts.push(run);
  return (item, context) => {
    let line = '';
    for (const part of parts) line += part.write(item, context);
    return line;
  };
}
