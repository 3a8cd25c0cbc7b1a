/** What a program or shared object asks of the system it runs on, as readelf tells it. */
import { execFileSync } from 'node:child_process';

export interface Symbol {
  name: string;
  /** Such as GLIBC_2.17; empty for none. */
  version: string;
  weak: boolean;
}

export interface ElfFile {
  /** As readelf names it: 'AArch64'. */
  machine: string;
  /** Without a program that loads it: complete in itself. */
  isStatic: boolean;
  /** Libraries. */
  needed: string[];
  /** Of the dynamic symbols. */
  required: Symbol[];
  exported: string[];
  /** Tags and flags of the dynamic section, such as TEXTREL, RUNPATH or BIND_NOW. */
  dynamic: Set<string>;
  /** Flags of segments by type, such as GNU_STACK: 'RW'. */
  segments: Map<string, string>;
  /** The smallest alignment of the segments in memory: the largest page size it can be loaded with. */
  pageSize: number;
  /** Hexadecimal; empty for none. */
  buildId: string;
}

export function readElf(path: string): ElfFile {
  const text = execFileSync('readelf', ['--wide', '-h', '-l', '-d', '-n', '--dyn-syms', path], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const symbols = readSymbols(text);
  const segments = readSegments(text);
  return {
    machine: /^ *Machine: +(.*)$/m.exec(text)?.[1] ?? '',
    isStatic: !/^ *(INTERP|DYNAMIC) +0x/m.test(text),
    needed: [...text.matchAll(/\(NEEDED\) .*\[(.*)\]$/gm)].map((match) => match[1]!),
    required: symbols.filter(({ index }) => index === 'UND').map(({ symbol }) => symbol),
    exported: symbols
      .filter(({ index, type }) => index !== 'UND' && type !== 'SECTION')
      .map(({ symbol }) => symbol.name),
    dynamic: readDynamic(text),
    segments: new Map(segments.map(({ type, flags }) => [type, flags])),
    pageSize: Math.min(...segments.filter(({ type }) => type === 'LOAD').map(({ alignment }) => alignment)),
    buildId: /Build ID: ([0-9a-f]+)/.exec(text)?.[1] ?? '',
  };
}

/** Lines such as "16: 0000000000000000 0 FUNC GLOBAL DEFAULT UND fmemopen@GLIBC_2.22 (3)". */
function readSymbols(text: string): { type: string; index: string; symbol: Symbol }[] {
  const lines = text.matchAll(/^ *\d+: [0-9a-f]+ +\S+ (\S+) +(\S+) +\S+ +(\S+) (\S+)/gm);
  return [...lines].map(([, type, binding, index, name]) => {
    const [bare = '', version = ''] = name!.split(/@+/);
    return { type: type!, index: index!, symbol: { name: bare, version, weak: binding === 'WEAK' } };
  });
}

/** Lines such as "LOAD 0x0ac7a0 0x… 0x… 0x003ab0 0x003bb8 RW 0x10000". */
function readSegments(text: string): { type: string; flags: string; alignment: number }[] {
  const lines = text.matchAll(/^ +([A-Z_]+) +(?:0x[0-9a-f]+ +){5}([RWE ]+?) +(0x[0-9a-f]+)$/gm);
  return [...lines].map(([, type, flags, alignment]) => ({
    type: type!,
    flags: flags!.replaceAll(' ', ''),
    alignment: Number(alignment),
  }));
}

/** Lines such as "0x000000000000001e (FLAGS) BIND_NOW" and "0x000000006ffffffb (FLAGS_1) Flags: NOW". */
function readDynamic(text: string): Set<string> {
  const lines = [...text.matchAll(/^ *0x[0-9a-f]+ \((\w+)\) +(.*)$/gm)];
  return new Set(lines.flatMap(([, tag, value]) => (tag === 'FLAGS' ? value!.trim().split(' ') : [tag!])));
}
