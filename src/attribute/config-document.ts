/** The configuration file as YAML: maps of it, where things stand, and what is wrong with them. */
import { isAlias, isMap, isScalar, parseDocument, type Document, type Node, type YAMLMap } from 'yaml';
import { nearest } from '../model/nearest.js';
import { sanitize } from '../model/units.js';
import { quote } from './address.js';
import { ConfigError, MAX_CONFIG_BYTES, type Mistake } from './config.js';
import { LinePositions, type Position } from './line-positions.js';

export const MAX_NAME_CHARACTERS = 64;

/** A key of a map and its value, null where nothing stands. */
export interface Member {
  readonly name: string;
  readonly key: Node;
  readonly value: Node | null;
}

export class ConfigDocument {
  private readonly mistakes: Mistake[] = [];
  private positions: LinePositions | undefined;

  constructor(
    private readonly text: string,
    private readonly fileName: string,
  ) {}

  /**
   * The members of the whole file, by their names.
   * @throws {ConfigError} if it is no YAML
   */
  read(examples: Readonly<Record<string, string>>): Map<string, Member> {
    const { contents } = this.parse();
    if (contents === null || isEmpty(contents)) return new Map();
    if (isMap(contents)) return this.knownMembers(contents, Object.keys(examples));
    this.note(startOf(contents), `the file is no map; write one, such as ${examples['regions']}`);
    return new Map();
  }

  /** The members of a map that has no others but these. */
  knownMembers(map: YAMLMap, names: readonly string[]): Map<string, Member> {
    const known = new Map<string, Member>();
    for (const member of this.membersOf(map, 'a key')) {
      const { name, key } = member;
      if (names.includes(name)) known.set(name, member);
      else {
        const near = nearest(name.slice(0, MAX_NAME_CHARACTERS), names);
        this.note(startOf(key), `unknown key ${quote(name)}; nearest: ${near}; valid: ${names.join(', ')}`);
      }
    }
    return known;
  }

  /** The members of a map whose keys are text and come once. */
  membersOf(map: YAMLMap, what: string): Member[] {
    const members = new Map<string, Member>();
    for (const { key, value } of map.items as { key: Node | null; value: Node | null }[]) {
      if (!key || !isScalar(key) || typeof key.value !== 'string') {
        this.note(key ? startOf(key) : startOf(map), `${what} must be plain text; put it in quotes`);
        continue;
      }
      const first = members.get(key.value);
      if (first)
        this.note(
          startOf(key),
          `${quote(key.value)} is there twice, first in line ${this.lineOf(first.key)}; put both into one`,
        );
      else members.set(key.value, { name: key.value, key, value });
    }
    return [...members.values()];
  }

  /** The value, if it is what is wanted; else a mistake is noted. `name` is how the message calls it. */
  require<Wanted extends Node>(
    { key, value }: Member,
    is: (node: unknown) => node is Wanted,
    { name, wanted, example }: { name: string; wanted: string; example: string },
  ): Wanted | undefined {
    if (value && is(value)) return value;
    this.note(
      startOf(value ?? key),
      `${name} ${problemOf(value, wanted)}; write ${example}, or leave it out`,
    );
    return undefined;
  }

  lineOf(node: Node): number {
    return this.positionOf(startOf(node)).line;
  }

  note(offset: number, message: string): void {
    this.mistakes.push({ ...this.positionOf(offset), message });
  }

  /** @throws {ConfigError} if a mistake was noted */
  requireSound(): void {
    if (this.mistakes.length > 0) this.fail();
  }

  private parse(): Document {
    if (this.text.length > MAX_CONFIG_BYTES) {
      this.note(0, `the file is too large; at most ${MAX_CONFIG_BYTES / 1024 / 1024} MiB`);
      return this.fail();
    }
    try {
      const document = parseDocument(this.text, {
        // All scalars are text: `no` is a name and 10.1 is what stands there.
        schema: 'failsafe',
        resolveKnownTags: false,
        // The library's search for repeated keys takes quadratic time.
        uniqueKeys: false,
        prettyErrors: false,
        // 'silent' would also say nothing of a second document.
        logLevel: 'error',
      });
      for (const { pos, message } of [...document.errors, ...document.warnings])
        this.note(pos[0], `not the YAML that is wanted here: ${sanitize(message)}`);
      if (this.mistakes.length === 0) return document;
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      // Such as lists nested deeper than the stack.
      this.note(0, `cannot be read as YAML: ${sanitize(error instanceof Error ? error.message : '')}`);
    }
    return this.fail();
  }

  /** A file without mistakes needs no positions. */
  private positionOf(offset: number): Position {
    this.positions ??= new LinePositions(this.text);
    return this.positions.of(offset);
  }

  private fail(): never {
    throw new ConfigError(this.fileName, this.mistakes);
  }
}

/** What is wrong with a name; undefined: nothing. */
export function problemOfName(name: string): string | undefined {
  if (name.trim() === '') return 'is empty; give it one';
  if (sanitize(name) !== name) return 'has control characters or invisible ones; leave them out';
  if (name.trim() !== name) return 'begins or ends with a space; leave that out';
  return name.length > MAX_NAME_CHARACTERS
    ? `is too long; at most ${MAX_NAME_CHARACTERS} characters`
    : undefined;
}

function problemOf(value: Node | null, wanted: string): string {
  if (isEmpty(value)) return 'is empty';
  return isAlias(value) ? 'is an alias, which has no meaning here' : `is no ${wanted}`;
}

/** Nothing stands there, or empty quotes. */
const isEmpty = (node: Node | null): boolean => node === null || (isScalar(node) && node.value === '');

export const startOf = (node: Node): number => node.range?.[0] ?? 0;
