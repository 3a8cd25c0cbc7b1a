/** Items as lines: what the blocks of a recording hold. The reader of the same is parse.ts. */
import type { Attribution, Place, Workload } from '../model/attribution.js';
import {
  ITEM_SCHEMAS,
  itemType,
  type FieldKind,
  type ItemSchema,
  type ItemType,
  type Meeting,
  type RecordedItem,
} from './items.js';
import type { Redactor } from './redact.js';

/** Objects that many items share are written once and then called by a number from 1 up to these. */
export const MAX_DEFINITIONS = { workload: 16_384, place: 4096 } as const;
export type Defined = keyof typeof MAX_DEFINITIONS;
/** More names than these, and the first ones are forgotten. */
export const MAX_NAMES = 65_536;

const MAX_QUOTED = 16_384;

/** How a field comes into a line. */
interface FieldWriter {
  readonly name: string;
  /** `,"startNs":`. */
  readonly prefix: string;
  readonly replace: 'address' | 'comm' | 'socket' | undefined;
  /** Also if it is 0. */
  readonly always: boolean;
}

const REPLACED: Partial<Record<Extract<FieldKind, string>, FieldWriter['replace']>> = {
  address: 'address',
  text: 'comm',
  socket: 'socket',
};

const writersOf = ({ fields }: ItemSchema): FieldWriter[] =>
  fields.map(([name, kind]) => ({
    name,
    prefix: `,"${name}":`,
    replace: typeof kind === 'string' ? REPLACED[kind] : undefined,
    always: kind === 'time',
  }));

const WRITERS: Readonly<Record<ItemType, readonly FieldWriter[]>> = {
  handshake: writersOf(ITEM_SCHEMAS.handshake),
  retransmit: writersOf(ITEM_SCHEMAS.retransmit),
  socket: writersOf(ITEM_SCHEMAS.socket),
  meeting: writersOf(ITEM_SCHEMAS.meeting),
};

/** Numbers for shared objects; equal objects have the same. The first ones are given anew when there are too many. */
class Definitions<Value extends object> {
  /** The how manyth definition an object or its text is. */
  private readonly byObject = new WeakMap<Value, number>();
  private readonly byText = new Map<string, number>();
  private readonly texts: string[] = [];
  private count = 0;

  constructor(
    private readonly kind: Defined,
    private readonly limit: number,
    private readonly replace: (value: Value) => Value,
  ) {}

  /** The object's number; `define` gets the line to write first if it is new. */
  id(value: Value, define: (line: string) => void): number {
    const known = this.byObject.get(value);
    if (known !== undefined && known >= this.count - this.limit) return this.idOf(known);
    const text = JSON.stringify(this.replace(value));
    let serial = this.byText.get(text);
    if (serial === undefined) {
      serial = this.add(text);
      define(`{"define":"${this.kind}","id":${this.idOf(serial)},"value":${text}}\n`);
    }
    this.byObject.set(value, serial);
    return this.idOf(serial);
  }

  private add(text: string): number {
    const serial = this.count++;
    const slot = serial % this.limit;
    const before = this.texts[slot];
    if (before !== undefined) this.byText.delete(before);
    this.texts[slot] = text;
    this.byText.set(text, serial);
    return serial;
  }

  private idOf(serial: number): number {
    return (serial % this.limit) + 1;
  }
}

/** Makes the lines of items, and of what must be written before them. */
export class ItemLines {
  private readonly quoted = new Map<string, string>();
  private readonly workloads: Definitions<Workload>;
  private readonly places: Definitions<Place>;
  /** By the address as it is written. */
  private readonly names = new Map<string, string>();

  constructor(private readonly redactor: Redactor | undefined) {
    this.workloads = new Definitions('workload', MAX_DEFINITIONS.workload, (workload) =>
      redactor ? redactor.workload(workload) : workload,
    );
    this.places = new Definitions('place', MAX_DEFINITIONS.place, (place) =>
      redactor ? redactor.place(place) : place,
    );
  }

  /** The lines of an item: definitions that it needs, and itself. Fields that are 0, false or empty are left out. */
  item(item: RecordedItem | Meeting): string {
    const type = itemType(item);
    const values = item as unknown as Readonly<Record<string, string | number | boolean>>;
    let line = `{"type":"${type}"`;
    for (const { name, prefix, replace, always } of WRITERS[type]) {
      const value = values[name];
      if (!value && !always) continue;
      if (typeof value === 'string') line += prefix + this.quote(this.replaced(value, replace));
      else line += prefix + String(replace === 'socket' ? this.socket(value as number) : value);
    }
    return type === 'meeting' ? `${line}}\n` : this.attributed(line, item);
  }

  private attributed(line: string, item: Attribution & Pick<Meeting, 'remoteAddress'>): string {
    const { workload, netnsName, localPlace, remotePlace, remoteName, host } = item;
    let before = '';
    const define = (definition: string): void => {
      before += definition;
    };
    if (workload) line += `,"workload":${this.workloads.id(workload, define)}`;
    if (localPlace) line += `,"localPlace":${this.places.id(localPlace, define)}`;
    if (remotePlace) line += `,"remotePlace":${this.places.id(remotePlace, define)}`;
    if (netnsName !== undefined)
      line += `,"netnsName":${this.quote(this.redactor ? this.redactor.netnsName(netnsName) : netnsName)}`;
    if (host !== undefined)
      line += `,"host":${this.quote(this.redactor ? this.redactor.name('host', host) : host)}`;
    if (remoteName !== undefined) before += this.name(item.remoteAddress, remoteName);
    return `${before}${line}}\n`;
  }

  /** The line that gives an address its name; empty if it has been written. */
  name(address: string, name: string): string {
    const [where, what] = this.redactor
      ? [this.redactor.address(address), this.redactor.name('name', name)]
      : [address, name];
    if (this.names.get(where) === what) return '';
    if (this.names.size >= MAX_NAMES) this.names.clear();
    this.names.set(where, what);
    return `{"define":"name","address":${this.quote(where)},"value":${this.quote(what)}}\n`;
  }

  private replaced(text: string, how: FieldWriter['replace']): string {
    if (!this.redactor) return text;
    if (how === 'address') return this.redactor.address(text);
    return how === 'comm' ? this.redactor.name('comm', text) : text;
  }

  private socket(number: number): number {
    return this.redactor ? this.redactor.socket(number) : number;
  }

  private quote(text: string): string {
    let quoted = this.quoted.get(text);
    if (quoted === undefined) {
      quoted = JSON.stringify(text);
      if (this.quoted.size >= MAX_QUOTED) this.quoted.clear();
      this.quoted.set(text, quoted);
    }
    return quoted;
  }
}
