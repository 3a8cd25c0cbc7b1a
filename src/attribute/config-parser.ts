/** Reads the configuration file. Apart from its types, because the YAML library takes a tenth of the start of the program. */
import { isAlias, isMap, isScalar, isSeq, type Node } from 'yaml';
import { sanitize } from '../model/units.js';
import { formatPrefix, parsePrefix, quote, type Prefix } from './address.js';
import { readAgent } from './agent-config-parser.js';
import { INTERNAL_BY_DEFAULT, type Config } from './config.js';
import {
  ConfigDocument,
  MAX_NAME_CHARACTERS,
  problemOfName,
  startOf,
  type Member,
} from './config-document.js';
import type { Entry } from './prefix-table.js';
import { readThresholds } from './thresholds-parser.js';

/** Each key of the file, and how it is written. */
const EXAMPLES = {
  internal: 'internal: [10.0.0.0/8]',
  external: 'external: [10.99.0.0/16]',
  regions: 'regions: {eu-west-1: [10.1.0.0/16]}',
  roles: 'roles: {database: [10.1.4.0/24]}',
  agent: 'agent: {interval: 10s}',
  thresholds: 'thresholds: {p99-internal: 5ms}',
} as const;
type Key = keyof typeof EXAMPLES;

/** @throws {ConfigError} */
export function parseConfig(text: string, fileName: string): Config {
  const document = new ConfigDocument(text, fileName);
  const members = document.read(EXAMPLES);
  const places = new PlacesReader(document);
  /** What is read of a section that is there. */
  const section = <T>(
    name: Key,
    read: (document: ConfigDocument, member: Member, example: string) => T,
  ): T | undefined => {
    const member = members.get(name);
    return member && read(document, member, EXAMPLES[name]);
  };
  const config: Config = {
    ...places.readSides(members.get('internal'), members.get('external')),
    regions: places.readNames('regions', 'region', members.get('regions')),
    roles: places.readNames('roles', 'role', members.get('roles')),
    isInternalDefault: !members.has('internal'),
    agent: section('agent', readAgent),
    thresholds: section('thresholds', readThresholds),
  };
  document.requireSound();
  return config;
}

class PlacesReader {
  constructor(private readonly document: ConfigDocument) {}

  readSides(
    internal: Member | undefined,
    external: Member | undefined,
  ): Pick<Config, 'internal' | 'external'> {
    const seen = new FirstUses(this.document);
    const readSide = (name: 'internal' | 'external', member: Member | undefined): Prefix[] =>
      this.readPrefixes(member, EXAMPLES[name]).flatMap(({ prefix, node }) =>
        seen.add(prefix, node, name) ? [prefix] : [],
      );
    return {
      internal: internal ? readSide('internal', internal) : INTERNAL_BY_DEFAULT,
      external: readSide('external', external),
    };
  }

  readNames(section: 'regions' | 'roles', what: string, member: Member | undefined): Entry<string>[] {
    const wanted = { name: section, wanted: 'map of names', example: EXAMPLES[section] };
    const map = member && this.document.require(member, isMap, wanted);
    if (!map) return [];
    const seen = new FirstUses(this.document);
    return this.document.membersOf(map, `the name of a ${what}`).flatMap((named) => {
      this.checkName(named, what);
      const example = `${sanitize(named.name).slice(0, MAX_NAME_CHARACTERS)}: [10.1.0.0/16]`;
      return this.readPrefixes(named, example).flatMap(({ prefix, node }) =>
        seen.add(prefix, node, named.name) ? [{ prefix, value: named.name }] : [],
      );
    });
  }

  private checkName({ name, key }: Member, what: string): void {
    const problem = problemOfName(name);
    if (problem !== undefined) this.document.note(startOf(key), `the name of a ${what} ${problem}`);
  }

  private readPrefixes(member: Member | undefined, example: string): { prefix: Prefix; node: Node }[] {
    if (!member) return [];
    const wanted = { name: quote(member.name), wanted: 'list of networks', example };
    const list = this.document.require(member, isSeq, wanted);
    return ((list?.items ?? []) as Node[]).flatMap((node) => {
      const prefix = this.readPrefix(node);
      return prefix ? [{ prefix, node }] : [];
    });
  }

  private readPrefix(node: Node): Prefix | undefined {
    if (!isScalar(node) || typeof node.value !== 'string') {
      const advice = isAlias(node)
        ? 'aliases have no meaning here'
        : 'one that ends with a colon, such as "fe80::", needs quotes';
      this.document.note(startOf(node), `this is no network; ${advice}`);
      return undefined;
    }
    try {
      return parsePrefix(node.value);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.document.note(startOf(node), error.message);
      return undefined;
    }
  }
}

/** Tells when a network is given a second meaning. */
class FirstUses {
  private readonly uses = new Map<string, { name: string; node: Node }>();

  constructor(private readonly document: ConfigDocument) {}

  /** False if the network was there before. */
  add(prefix: Prefix, node: Node, name: string): boolean {
    const text = formatPrefix(prefix);
    const first = this.uses.get(text);
    if (first && first.name !== name)
      this.document.note(
        startOf(node),
        `${text} is ${quote(name)} here and ${quote(first.name)} in line ${this.document.lineOf(first.node)}; leave it in one of them`,
      );
    if (!first) this.uses.set(text, { name, node });
    return !first;
  }
}
