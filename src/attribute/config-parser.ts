/** Reads the configuration file. Apart from its types, because the YAML library takes a tenth of the start of the program. */
import { closest } from 'fastest-levenshtein';
import { isAlias, isMap, isScalar, isSeq, parseDocument, type Document, type Node, type YAMLMap } from 'yaml';
import { sanitize } from '../model/units.js';
import { formatPrefix, parsePrefix, quote, type Prefix } from './address.js';
import { ConfigError, INTERNAL_BY_DEFAULT, MAX_CONFIG_BYTES, type Config, type Mistake } from './config.js';
import { LinePositions, type Position } from './line-positions.js';
import type { Entry } from './prefix-table.js';

const MAX_NAME_CHARACTERS = 64;

/** @throws {ConfigError} */
export function parseConfig(text: string, fileName: string): Config {
  return new ConfigReader(text, fileName).read();
}

const KEYS = ['internal', 'external', 'regions', 'roles'] as const;
type Key = (typeof KEYS)[number];

const EXAMPLES: Readonly<Record<Key, string>> = {
  internal: 'internal: [10.0.0.0/8]',
  external: 'external: [10.99.0.0/16]',
  regions: 'regions: {eu-west-1: [10.1.0.0/16]}',
  roles: 'roles: {database: [10.1.4.0/24]}',
};

/** A key of a map and its value, null where nothing stands. */
interface Member {
  readonly name: string;
  readonly key: Node;
  readonly value: Node | null;
}

class ConfigReader {
  private readonly mistakes: Mistake[] = [];
  private positions: LinePositions | undefined;

  constructor(
    private readonly text: string,
    private readonly fileName: string,
  ) {}

  read(): Config {
    const document = this.parse();
    const sections = new Map<Key, Member>();
    for (const member of this.topMembers(document))
      if (this.isKey(member)) sections.set(member.name as Key, member);
    const internal = sections.get('internal');
    const config: Config = {
      ...this.readSides(internal, sections.get('external')),
      regions: this.readNames('regions', 'region', sections.get('regions')),
      roles: this.readNames('roles', 'role', sections.get('roles')),
      isInternalDefault: internal === undefined,
    };
    if (this.mistakes.length > 0) this.fail();
    return config;
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

  private topMembers(document: Document): Member[] {
    const { contents } = document;
    if (contents === null || isEmpty(contents)) return [];
    if (isMap(contents)) return this.membersOf(contents, 'a key');
    this.note(startOf(contents), `the file is no map; write one, such as ${EXAMPLES.regions}`);
    return [];
  }

  private isKey({ name, key }: Member): boolean {
    if ((KEYS as readonly string[]).includes(name)) return true;
    const near = closest(name.slice(0, MAX_NAME_CHARACTERS), [...KEYS]);
    this.note(startOf(key), `unknown key ${quote(name)}; nearest: ${near}; valid: ${KEYS.join(', ')}`);
    return false;
  }

  /** The members of a map whose keys are text and come once. */
  private membersOf(map: YAMLMap, what: string): Member[] {
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

  private readSides(
    internal: Member | undefined,
    external: Member | undefined,
  ): Pick<Config, 'internal' | 'external'> {
    const seen = new FirstUses(this);
    const readSide = (name: 'internal' | 'external', member: Member | undefined): Prefix[] =>
      this.readPrefixes(member, EXAMPLES[name]).flatMap(({ prefix, node }) =>
        seen.add(prefix, node, name) ? [prefix] : [],
      );
    return {
      internal: internal ? readSide('internal', internal) : INTERNAL_BY_DEFAULT,
      external: readSide('external', external),
    };
  }

  private readNames(section: Key, what: string, member: Member | undefined): Entry<string>[] {
    if (!member) return [];
    const { key, value } = member;
    if (!value || !isMap(value)) {
      this.note(
        startOf(value ?? key),
        `${section} ${problemOf(value, 'map of names')}; write ${EXAMPLES[section]}, or leave it out`,
      );
      return [];
    }
    const seen = new FirstUses(this);
    return this.membersOf(value, `the name of a ${what}`).flatMap((named) => {
      this.checkName(named, what);
      const example = `${sanitize(named.name).slice(0, MAX_NAME_CHARACTERS)}: [10.1.0.0/16]`;
      return this.readPrefixes(named, example).flatMap(({ prefix, node }) =>
        seen.add(prefix, node, named.name) ? [{ prefix, value: named.name }] : [],
      );
    });
  }

  private checkName({ name, key }: Member, what: string): void {
    const problem = problemOfName(name);
    if (problem !== undefined) this.note(startOf(key), `the name of a ${what} ${problem}`);
  }

  private readPrefixes(member: Member | undefined, example: string): { prefix: Prefix; node: Node }[] {
    if (!member) return [];
    const { name, key, value } = member;
    if (!value || !isSeq(value)) {
      this.note(
        startOf(value ?? key),
        `${quote(name)} ${problemOf(value, 'list of networks')}; write ${example}, or leave it out`,
      );
      return [];
    }
    return (value.items as Node[]).flatMap((node) => {
      const prefix = this.readPrefix(node);
      return prefix ? [{ prefix, node }] : [];
    });
  }

  private readPrefix(node: Node): Prefix | undefined {
    if (!isScalar(node) || typeof node.value !== 'string') {
      const advice = isAlias(node)
        ? 'aliases have no meaning here'
        : 'one that ends with a colon, such as "fe80::", needs quotes';
      this.note(startOf(node), `this is no network; ${advice}`);
      return undefined;
    }
    try {
      return parsePrefix(node.value);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.note(startOf(node), error.message);
      return undefined;
    }
  }

  lineOf(node: Node): number {
    return this.positionOf(startOf(node)).line;
  }

  note(offset: number, message: string): void {
    this.mistakes.push({ ...this.positionOf(offset), message });
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

/** Tells when a network is given a second meaning. */
class FirstUses {
  private readonly uses = new Map<string, { name: string; node: Node }>();

  constructor(private readonly reader: ConfigReader) {}

  /** False if the network was there before. */
  add(prefix: Prefix, node: Node, name: string): boolean {
    const text = formatPrefix(prefix);
    const first = this.uses.get(text);
    if (first && first.name !== name)
      this.reader.note(
        startOf(node),
        `${text} is ${quote(name)} here and ${quote(first.name)} in line ${this.reader.lineOf(first.node)}; leave it in one of them`,
      );
    if (!first) this.uses.set(text, { name, node });
    return !first;
  }
}

function problemOfName(name: string): string | undefined {
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

const startOf = (node: Node): number => node.range?.[0] ?? 0;
