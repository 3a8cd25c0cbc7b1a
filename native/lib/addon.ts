import { createRequire } from 'node:module';

import { AddonError, explainLoad } from './addon_error.js';
import { addonFile } from './addon_file.js';
import { makeError } from './error.js';

/**
 * The addon's own interface. Its classes check their arguments and nothing more; the classes around them interpret options.
 * A derived handle is made from its object, and ends with it.
 */
interface Addon {
  readonly Object: new (bytes: Uint8Array, name: string) => NativeObject;
  readonly Link: new (object: NativeObject, program: string) => NativeLink;
  readonly Iterator: new (object: NativeObject, program: string, map?: string) => NativeIterator;
  readonly Map: new (object: NativeObject, map: string) => NativeMap;
  /** pagesPerCpu 0: a ring buffer. */
  readonly Events: new (object: NativeObject, map: string, pagesPerCpu: number) => NativeEvents;
  readonly Stats: new () => NativeStats;
  readonly UnixDatagram: new (path: string) => NativeUnixDatagram;
  readonly kernelBtf: {
    available(): boolean;
    hasType(name: string, kind: number): boolean;
    hasField(struct: string, field: string): boolean;
    enumValues(name: string): Record<string, number>;
    parameterCount(name: string): number;
    close(): void;
  };
  readonly libbpfVersion: string;
  /** Bytes. */
  readonly pageSize: number;
  possibleCpus(): number;
  renounce(low: number, high: number, uid?: number, gid?: number): number;
  readInNetworkNamespace(namespace: string, path: string): string;
  setErrorFactory(factory: typeof makeError): void;
}

export interface NativeObject {
  programNames(): string[];
  mapNames(): string[];
  setGlobal(name: string, value: Uint8Array): void;
  setAutoload(program: string, on: boolean): void;
  setMapMaxEntries(map: string, n: number): void;
  setMapAutocreate(map: string, on: boolean): void;
  reuseMap(map: string, id: number): void;
  load(): void;
  programInfo(program: string): { id: number; runTimeNs: number; runCount: number; recursionMisses: number };
  testRun(
    program: string,
    context: Uint8Array,
    data: Uint8Array,
    repeat: number,
  ): { returnValue: number; durationNs: number };
  close(): void;
}

export interface NativeLink {
  close(): void;
}

export interface NativeIterator {
  read(): Uint8Array;
  close(): void;
}

export interface NativeMap {
  describe(): {
    id: number;
    type: string;
    keySize: number;
    valueSize: number;
    maxEntries: number;
    perCpu: boolean;
  };
  lookup(key: Uint8Array): Uint8Array | undefined;
  update(key: Uint8Array, value: Uint8Array, flags: number): void;
  delete(key: Uint8Array): boolean;
  entries(): { keys: Uint8Array; values: Uint8Array; count: number };
  take(): { keys: Uint8Array; values: Uint8Array; count: number };
  putMap(key: Uint8Array, map: NativeMap): void;
}

export interface NativeEvents {
  consume(into: Uint8Array): { bytes: number; records: number };
  pending(): number;
  lost(): number;
  close(): void;
}

export interface NativeStats {
  close(): void;
}

export interface NativeUnixDatagram {
  send(bytes: Uint8Array): boolean;
  close(): void;
}

function load(): Addon | AddonError {
  if (process.platform !== 'linux') return new AddonError('platform', 'BPF is a part of Linux');
  const { path, isOurs, release } = addonFile();
  try {
    const loaded = createRequire(import.meta.url)(path) as Addon;
    loaded.setErrorFactory(makeError);
    return loaded;
  } catch (cause) {
    return explainLoad(path, cause, isOurs);
  } finally {
    release?.();
  }
}

/** In place of an addon that cannot be loaded: this package can be imported all the same, and each use of it fails. */
function unusable(error: AddonError): Addon {
  return new Proxy({ libbpfVersion: '' } as Addon, {
    get(target, name) {
      if (name in target) return Reflect.get(target, name) as unknown;
      throw error;
    },
  });
}

const loaded = load();

/** Why the addon cannot be used in this process; undefined where it can. */
export const addonError = loaded instanceof AddonError ? loaded : undefined;

export const addon = loaded instanceof AddonError ? unusable(loaded) : loaded;
