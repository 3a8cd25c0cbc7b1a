/** Lines of a recording as what they say. They are outside text: nothing of a line is believed that is not checked here. */
import { isIP } from 'node:net';
import type { Attribution, Place, Workload } from '../model/attribution.js';
import { sanitize } from '../model/units.js';
import type { ClockReading } from './clock.js';
import { isObject, parseObject, readClock, readProgress, type Progress } from './head.js';
import { ITEM_SCHEMAS, type FieldKind, type ItemType, type Meeting, type RecordedItem } from './items.js';
import { MAX_DEFINITIONS, MAX_NAMES, type Defined } from './lines.js';

/** A longer line is none of ours. */
export const MAX_LINE = 65_536;
const MAX_WORD = 256;
const MAX_PATH = 4096;
const MAX_CACHED = 16_384;

export type Line =
  | { readonly kind: 'item'; readonly item: RecordedItem }
  | { readonly kind: 'meeting'; readonly meeting: Meeting }
  | { readonly kind: 'clock'; readonly clock: ClockReading }
  | { readonly kind: 'end'; readonly end: Progress }
  /** A definition, kept for the items that follow. */
  | { readonly kind: 'kept' }
  /** Of a type that this version does not know: left out, as the format asks. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'bad' };

const BAD: Line = { kind: 'bad' };
const KEPT: Line = { kind: 'kept' };
const UNKNOWN: Line = { kind: 'unknown' };

type Json = Readonly<Record<string, unknown>>;
type Value = string | number | boolean;

const LIMITS: Partial<Record<Extract<FieldKind, string>, readonly [least: number, most: number]>> = {
  u8: [0, 0xff],
  u16: [0, 0xffff],
  u32: [0, 0xffff_ffff],
  i32: [-0x8000_0000, 0x7fff_ffff],
  count: [0, 2 ** 64],
  socket: [0, 2 ** 64],
  time: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  progress: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};

/** What an absent field stands for; undefined where it may not be absent. */
function absent(kind: FieldKind): Value | undefined {
  if (typeof kind !== 'string' || kind === 'time' || kind === 'address') return undefined;
  if (kind === 'text') return '';
  return kind === 'flag' ? false : 0;
}

export class LineReader {
  private readonly workloads = new Map<number, Workload>();
  private readonly places = new Map<number, Place>();
  private readonly texts = new Map<string, string>();
  private readonly addresses = new Set<string>();

  /** @param names of remote addresses; those that lines define are added. */
  constructor(readonly names: Map<string, string>) {}

  read(text: string): Line {
    if (text.length > MAX_LINE) return BAD;
    const json = parseObject(text);
    if (!json) return BAD;
    if ('type' in json) return this.typed(json);
    if ('define' in json) return this.define(json);
    if ('clock' in json) {
      const clock = readClock(json['clock']);
      return clock ? { kind: 'clock', clock } : BAD;
    }
    if ('end' in json) return isObject(json['end']) ? { kind: 'end', end: readProgress(json['end']) } : BAD;
    return UNKNOWN;
  }

  private typed(json: Json): Line {
    const { type } = json;
    if (typeof type !== 'string') return BAD;
    if (!Object.hasOwn(ITEM_SCHEMAS, type)) return UNKNOWN;
    const values = this.values(type as ItemType, json);
    if (!values) return BAD;
    if (type === 'meeting') return { kind: 'meeting', meeting: values as unknown as Meeting };
    const item = values as unknown as RecordedItem;
    if ('outcome' in item && item.endNs < item.startNs) return BAD;
    this.attribute(item, json);
    return { kind: 'item', item };
  }

  /** The fields of an item; undefined if one is not what it must be. */
  private values(type: ItemType, json: Json): Record<string, Value> | undefined {
    const { fields } = ITEM_SCHEMAS[type];
    const values: Record<string, Value> = { type };
    for (const [name, kind] of fields) {
      const value = Object.hasOwn(json, name) ? this.checked(json[name], kind) : absent(kind);
      if (value === undefined) return undefined;
      values[name] = value;
    }
    return values;
  }

  private checked(value: unknown, kind: FieldKind): Value | undefined {
    if (typeof kind !== 'string') return kind.find((word) => word === value);
    if (kind === 'address') return this.address(value);
    if (kind === 'text') return this.word(value);
    if (kind === 'flag') return typeof value === 'boolean' ? value : undefined;
    const [least, most] = LIMITS[kind] ?? [0, 0];
    return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
      ? value
      : undefined;
  }

  private attribute(item: Attribution & { remoteAddress: string }, json: Json): void {
    const workload = this.workloads.get(json['workload'] as number);
    if (workload) item.workload = workload;
    const netnsName = this.word(json['netnsName']);
    if (netnsName !== undefined) item.netnsName = netnsName;
    const localPlace = this.places.get(json['localPlace'] as number);
    if (localPlace) item.localPlace = localPlace;
    const remotePlace = this.places.get(json['remotePlace'] as number);
    if (remotePlace) item.remotePlace = remotePlace;
    const remoteName = this.names.get(item.remoteAddress);
    if (remoteName !== undefined) item.remoteName = remoteName;
    const host = this.word(json['host']);
    if (host !== undefined) item.host = host;
  }

  private define(json: Json): Line {
    const { define, id, value } = json;
    if (define === 'name') return this.defineName(json['address'], value);
    if (define !== 'workload' && define !== 'place') return UNKNOWN;
    if (!isId(id, define) || !isObject(value)) return BAD;
    if (define === 'workload') this.workloads.set(id, this.workload(value));
    else this.places.set(id, this.place(value));
    return KEPT;
  }

  private defineName(address: unknown, name: unknown): Line {
    const [where, what] = [this.address(address), this.word(name)];
    if (where === undefined || what === undefined) return BAD;
    if (this.names.size < MAX_NAMES || this.names.has(where)) this.names.set(where, what);
    return KEPT;
  }

  private workload(value: Json): Workload {
    return {
      name: this.word(value['name']) ?? '',
      cgroup: this.word(value['cgroup'], MAX_PATH) ?? '',
      containerId: this.word(value['containerId']),
      container: this.word(value['container']),
      pod: this.word(value['pod']),
      namespace: this.word(value['namespace']),
      unit: this.word(value['unit']),
    };
  }

  private place(value: Json): Place {
    return {
      region: this.word(value['region']),
      role: this.word(value['role']),
      external: value['external'] === true,
    };
  }

  /** Text that is safe to print, of bounded length; undefined if it is none. */
  private word(value: unknown, length = MAX_WORD): string | undefined {
    if (typeof value !== 'string') return undefined;
    let text = this.texts.get(value);
    if (text === undefined) {
      text = sanitize(value.slice(0, length));
      if (this.texts.size >= MAX_CACHED) this.texts.clear();
      if (value.length <= MAX_WORD) this.texts.set(value, text);
    }
    return text;
  }

  private address(value: unknown): string | undefined {
    if (typeof value !== 'string') return undefined;
    if (this.addresses.has(value)) return value;
    // A zone (`fe80::1%eth0`) is no part of an address here.
    if (isIP(value) === 0 || value.includes('%')) return undefined;
    if (this.addresses.size >= MAX_CACHED) this.addresses.clear();
    this.addresses.add(value);
    return value;
  }
}

function isId(id: unknown, kind: Defined): id is number {
  return typeof id === 'number' && Number.isInteger(id) && id >= 1 && id <= MAX_DEFINITIONS[kind];
}
