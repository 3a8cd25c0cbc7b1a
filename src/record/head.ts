/** The first line of a recording: what was recorded where, and how much of it is there. */
import type { Losses } from '../model/source.js';
import { sanitize } from '../model/units.js';
import { storedBlock, storedRoom } from './block.js';
import { isoTime, type ClockReading } from './clock.js';
import type { Redactor } from './redact.js';

export const FORMAT = 'tcpscope recording';
/** Changes only when a reader of the version before would get something wrong. */
export const VERSION = 1;
/** The size of its block: as it never changes, the head can be written again in place; and a page is written at once. */
export const HEAD_BYTES = 4096;

export interface RecordedHost {
  readonly name: string;
  /** `6.1.0-18-amd64`. */
  readonly kernel: string;
  /** `x86_64`. */
  readonly machine: string;
  /** Of /proc/sys/kernel/random/boot_id: recordings of one boot share a monotonic clock. */
  readonly bootId?: string | undefined;
}

/** What is known at the start. */
export interface HeadFacts {
  /** Version of the program that records. */
  readonly tcpscope: string;
  /** `connlat`. */
  readonly command: string;
  readonly arguments: readonly string[];
  /** True if a filter left something out. */
  readonly filtered: boolean;
  readonly host: RecordedHost;
}

/** What changes while a recording is made. */
export interface Progress {
  readonly items: number;
  /** Items that could not be written in time, because the disk was slow. */
  readonly dropped: number;
  readonly losses: Losses | null;
  readonly audit: string | null;
  /** Monotonic; null while it is being written. */
  readonly endedNs: number | null;
  /** Why it was given up before its end. */
  readonly stopped: string | null;
}

export const NO_PROGRESS: Progress = {
  items: 0,
  dropped: 0,
  losses: null,
  audit: null,
  endedNs: null,
  stopped: null,
};

export interface RecordingHead extends HeadFacts, Progress {
  readonly version: number;
  /** True if `arguments` are not all. */
  readonly argumentsCut: boolean;
  readonly redacted: boolean;
  /** Both clocks at the start. */
  readonly clock: ClockReading;
}

/** Bytes of JSON for each text, so that there is always room for all but the arguments. */
const ROOM = {
  tcpscope: 64,
  command: 64,
  name: 256,
  kernel: 128,
  machine: 64,
  bootId: 64,
  audit: 900,
  stopped: 256,
};

const jsonBytes = (text: string): number => Buffer.byteLength(JSON.stringify(text));

/** The text, without what could drive a terminal, and what is too much. */
function cut(text: string, bytes: number): string {
  const clean = sanitize(text);
  if (jsonBytes(clean) <= bytes) return clean;
  let kept = clean.slice(0, bytes);
  while (jsonBytes(`${kept}…`) > bytes) kept = kept.slice(0, -1);
  return `${kept}…`;
}

/** The facts as they may be written. */
export function redactFacts(facts: HeadFacts, redactor: Redactor): HeadFacts {
  const { name, kernel, machine, bootId } = facts.host;
  return {
    ...facts,
    arguments: [],
    host: {
      name: redactor.name('host', name),
      kernel,
      machine,
      ...(bootId === undefined ? {} : { bootId: redactor.hex(bootId.replaceAll('-', '')) }),
    },
  };
}

/** The head's block, always HEAD_BYTES long: arguments for which there is no room are left out, and that is said. */
export function headBlock(
  facts: HeadFacts,
  clock: ClockReading,
  redacted: boolean,
  progress: Progress,
): Buffer {
  const text = Buffer.alloc(storedRoom(HEAD_BYTES), ' ');
  const withArguments = (words: readonly string[]): string =>
    headLine(
      { ...facts, arguments: words },
      clock,
      redacted,
      progress,
      words.length < facts.arguments.length,
    );
  let room = text.length - '\n'.length - Buffer.byteLength(withArguments([]));
  const fitting = facts.arguments.findIndex((word) => (room -= jsonBytes(word) + ','.length) < 0);
  text.write(withArguments(fitting < 0 ? facts.arguments : facts.arguments.slice(0, fitting)));
  text[text.length - 1] = 0x0a;
  return storedBlock(text);
}

function headLine(
  facts: HeadFacts,
  clock: ClockReading,
  redacted: boolean,
  progress: Progress,
  argumentsCut: boolean,
): string {
  const { name, kernel, machine, bootId } = facts.host;
  const iso = (ns: number): string =>
    isoTime({ monotonicNs: ns, unixNs: clock.unixNs + BigInt(Math.round(ns - clock.monotonicNs)) });
  return JSON.stringify({
    format: FORMAT,
    version: VERSION,
    tcpscope: cut(facts.tcpscope, ROOM.tcpscope),
    command: cut(facts.command, ROOM.command),
    arguments: facts.arguments,
    ...(argumentsCut ? { argumentsCut } : {}),
    filtered: facts.filtered,
    redacted,
    host: {
      name: cut(name, ROOM.name),
      kernel: cut(kernel, ROOM.kernel),
      machine: cut(machine, ROOM.machine),
      bootId: bootId === undefined ? undefined : cut(bootId, ROOM.bootId),
    },
    clock: clockLine(clock),
    started: iso(clock.monotonicNs),
    ended: progress.endedNs === null ? null : iso(progress.endedNs),
    ...progress,
    audit: progress.audit === null ? null : cut(progress.audit, ROOM.audit),
    stopped: progress.stopped === null ? null : cut(progress.stopped, ROOM.stopped),
  });
}

/** What a line holds of a reading. */
export function clockLine({ monotonicNs, unixNs }: ClockReading): { monotonicNs: number; unixNs: string } {
  return { monotonicNs, unixNs: String(unixNs) };
}

type Json = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const MAX_TEXT = 1024;

const readText = (value: unknown, length = MAX_TEXT): string =>
  typeof value === 'string' ? sanitize(value.slice(0, length)) : '';
const readTextOrNull = (value: unknown): string | null =>
  typeof value === 'string' ? readText(value) : null;

export function readCount(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : 0;
}

export function readTime(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

/** @returns undefined if it is none. */
export function readClock(value: unknown): ClockReading | undefined {
  if (!isObject(value)) return undefined;
  const monotonicNs = readTime(value['monotonicNs']);
  const text = value['unixNs'];
  if (monotonicNs === undefined || typeof text !== 'string' || !/^\d{1,19}$/.test(text)) return undefined;
  return { monotonicNs, unixNs: BigInt(text) };
}

export function readLosses(value: unknown): Losses | null {
  if (!isObject(value)) return null;
  const { lost, untracked, missed, unowned, uncounted } = value;
  return {
    lost: readCount(lost),
    untracked: readCount(untracked),
    missed: readCount(missed),
    ...(unowned === undefined ? {} : { unowned: readCount(unowned) }),
    ...(uncounted === undefined ? {} : { uncounted: readCount(uncounted) }),
  };
}

export function readProgress(json: Json): Progress {
  return {
    items: readCount(json['items']),
    dropped: readCount(json['dropped']),
    losses: readLosses(json['losses']),
    audit: readTextOrNull(json['audit']),
    endedNs: readTime(json['endedNs']) ?? null,
    stopped: readTextOrNull(json['stopped']),
  };
}

export type HeadAnswer =
  | { readonly kind: 'head'; readonly head: RecordingHead }
  /** Of a later version than this program reads. */
  | { readonly kind: 'newer'; readonly version: number; readonly tcpscope: string }
  | { readonly kind: 'foreign' };

/** The head that the text of the first block holds. */
export function readHead(text: string): HeadAnswer {
  const json = parseObject(text);
  if (json?.['format'] !== FORMAT) return { kind: 'foreign' };
  const { version } = json;
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1)
    return { kind: 'foreign' };
  if (version > VERSION) return { kind: 'newer', version, tcpscope: readText(json['tcpscope']) };
  const clock = readClock(json['clock']);
  if (!clock) return { kind: 'foreign' };
  const host = isObject(json['host']) ? json['host'] : {};
  const words: unknown[] = Array.isArray(json['arguments']) ? json['arguments'] : [];
  return {
    kind: 'head',
    head: {
      version,
      tcpscope: readText(json['tcpscope']),
      command: readText(json['command']),
      arguments: words.map((word) => readText(word, HEAD_BYTES)),
      argumentsCut: json['argumentsCut'] === true,
      filtered: json['filtered'] === true,
      redacted: json['redacted'] === true,
      host: {
        name: readText(host['name']),
        kernel: readText(host['kernel']),
        machine: readText(host['machine']),
        ...(typeof host['bootId'] === 'string' ? { bootId: readText(host['bootId']) } : {}),
      },
      clock,
      ...readProgress(json),
    },
  };
}

/** @returns undefined if the text is no JSON object. */
export function parseObject(text: string): Json | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}
