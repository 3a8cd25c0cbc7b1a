/** A map of the configuration whose keys are known, such as the section `agent`, key by key. */
import { isMap, isScalar, isSeq, type Node, type Scalar } from 'yaml';
import { sanitize } from '../model/units.js';
import { quote } from './address.js';
import { startOf, type ConfigDocument, type Member } from './config-document.js';

/** What a text means. It throws a RangeError that says what is wrong and what would be right. */
export type Parse<T> = (text: string) => T;

/**
 * What is wrong is noted in the document, which is refused as a whole: what is given for it then is never used.
 */
export class ConfigFields<Key extends string = string> {
  private constructor(
    private readonly document: ConfigDocument,
    /** `agent.prometheus` */
    private readonly path: string,
    private readonly examples: Readonly<Record<Key, string>>,
    private readonly members: ReadonlyMap<string, Member>,
    /** Offset of the map's own key. */
    private readonly at: number,
  ) {}

  /**
   * @param example the whole map as it is written, with its key
   * @param examples the value of each key as it is written: `10s`, `{listen: 127.0.0.1:9469}`
   */
  static of<Key extends string>(
    document: ConfigDocument,
    member: Member,
    example: string,
    examples: Readonly<Record<Key, string>>,
    path = member.name,
  ): ConfigFields<Key> {
    const map = document.require(member, isMap, { name: path, wanted: 'map', example });
    const members = map ? document.knownMembers(map, Object.keys(examples)) : new Map<string, Member>();
    return new ConfigFields(document, path, examples, members, startOf(member.key));
  }

  has(key: Key): boolean {
    return this.members.has(key);
  }

  /** The meaning of a text; `otherwise` where there is none. */
  value<T>(key: Key, parse: Parse<T>, otherwise: T): T {
    const member = this.members.get(key);
    const scalar = member && this.require(member, isText, 'text');
    return scalar ? (this.parse(scalar, parse, key) ?? otherwise) : otherwise;
  }

  /** The same of a text that has to be there. */
  required<T>(key: Key, parse: Parse<T>, otherwise: T): T {
    if (!this.has(key))
      this.document.note(this.at, `${this.path} has no ${key}; write ${this.exampleOf(key)}`);
    return this.value(key, parse, otherwise);
  }

  choice<Choice extends string>(key: Key, choices: readonly Choice[], otherwise: Choice): Choice {
    return this.value(key, (text) => oneOf(text, choices), otherwise);
  }

  /** The meaning of each text of a list. */
  list<T>(key: Key, parse: Parse<T>): T[] {
    const member = this.members.get(key);
    const list = member && this.require(member, isSeq, 'list');
    return ((list?.items ?? []) as Node[]).flatMap((node) => {
      const value = this.parse(node, parse, key);
      return value === undefined ? [] : [value];
    });
  }

  /** A map of names that are free to choose. */
  record(key: Key, parseName: Parse<string>, parse: Parse<string>): Record<string, string> {
    const member = this.members.get(key);
    const map = member && this.require(member, isMap, 'map');
    if (!map) return {};
    const path = this.pathOf(key);
    const entries = this.document.membersOf(map, `a key of ${path}`).flatMap((each) => {
      const inner = { name: `${path}.${sanitize(each.name)}`, wanted: 'text', example: this.exampleOf(key) };
      const name = this.attempt(each.key, () => parseName(each.name), path);
      const scalar = this.document.require(each, isText, inner);
      const value = scalar && this.attempt(scalar, () => parse(scalar.value), inner.name);
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    });
    return Object.fromEntries(entries);
  }

  /** A map within this one; undefined where there is none. */
  fields<Inner extends string>(
    key: Key,
    examples: Readonly<Record<Inner, string>>,
  ): ConfigFields<Inner> | undefined {
    const member = this.members.get(key);
    return member && ConfigFields.of(this.document, member, this.exampleOf(key), examples, this.pathOf(key));
  }

  private require<Wanted extends Node>(
    member: Member,
    is: (node: unknown) => node is Wanted,
    wanted: string,
  ): Wanted | undefined {
    const key = member.name as Key;
    return this.document.require(member, is, {
      name: this.pathOf(key),
      wanted,
      example: this.exampleOf(key),
    });
  }

  private parse<T>(node: Node, parse: Parse<T>, key: Key): T | undefined {
    if (isText(node)) return this.attempt(node, () => parse(node.value), this.pathOf(key));
    this.document.note(startOf(node), `${this.pathOf(key)} takes text here; write ${this.exampleOf(key)}`);
    return undefined;
  }

  private attempt<T>(node: Node, read: () => T, path: string): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.document.note(startOf(node), `${path}: ${error.message}`);
      return undefined;
    }
  }

  private pathOf(key: Key): string {
    return `${this.path}.${key}`;
  }

  private exampleOf(key: Key): string {
    return `${key}: ${this.examples[key]}`;
  }
}

const isText = (node: unknown): node is Scalar<string> =>
  isScalar(node) && typeof node.value === 'string' && node.value !== '';

/** @throws {RangeError} naming the nearest valid choice */
function oneOf<Choice extends string>(text: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((each) => each === text);
  if (choice !== undefined) return choice;
  throw new RangeError(`${quote(text)} is unknown; valid: ${choices.join(', ')}`);
}
