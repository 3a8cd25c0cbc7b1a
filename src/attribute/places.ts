/** Region, role and side (internal or external) of addresses. */
import type { Place } from '../model/attribution.js';
import { formatPrefix, parseAddress, type Prefix, type Words } from './address.js';
import { DEFAULT_CONFIG, type Config } from './config.js';
import { PrefixTable, type Entry } from './prefix-table.js';

const CACHE_LIMIT = 16_384;

/** A place, and the prefix that decided each part of it: `10.1.0.0/16`; undefined where none did. */
export interface Explanation {
  readonly place: Place;
  readonly regionPrefix: string | undefined;
  readonly rolePrefix: string | undefined;
  readonly sidePrefix: string | undefined;
}

/** Places of addresses as a configuration has them. Equal places are the same frozen object. */
export class Places {
  /** Each once. */
  readonly regionNames: readonly string[];
  /** Whether any address can have a region. */
  readonly hasRegions: boolean;
  readonly hasRoles: boolean;
  /** Networks that decide anything; some may be there twice. */
  readonly prefixes: readonly Prefix[];
  private readonly regions: PrefixTable<string>;
  private readonly roles: PrefixTable<string>;
  private readonly externals: PrefixTable<boolean>;
  private readonly byAddress = new Map<string, Place>();
  private readonly distinct = new Map<string, Place>();

  constructor(config: Config) {
    this.regionNames = [...new Set(config.regions.map(({ value }) => value))];
    this.hasRegions = config.regions.length > 0;
    this.hasRoles = config.roles.length > 0;
    const named = [...config.regions, ...config.roles].map(({ prefix }) => prefix);
    this.prefixes = [...named, ...config.internal, ...config.external];
    this.regions = new PrefixTable(config.regions);
    this.roles = new PrefixTable(config.roles);
    this.externals = new PrefixTable([
      ...config.internal.map((prefix) => ({ prefix, value: false })),
      ...config.external.map((prefix) => ({ prefix, value: true })),
    ]);
  }

  /** What is no address is external and nothing more. */
  of(address: string): Place {
    const known = this.byAddress.get(address);
    if (known) return known;
    const place = this.find(parseAddress(address));
    // Few hosts talk to more peers than this; a full cache starts anew.
    if (this.byAddress.size >= CACHE_LIMIT) this.byAddress.clear();
    this.byAddress.set(address, place);
    return place;
  }

  /** @throws {RangeError} if the text is no address. */
  explain(address: string): Explanation {
    const words = parseAddress(address);
    if (!words) throw new RangeError(`"${address}" is no address; write it as in 10.1.2.3 or 2001:db8::1`);
    return {
      place: this.find(words),
      regionPrefix: prefixOf(this.regions.match(words)),
      rolePrefix: prefixOf(this.roles.match(words)),
      sidePrefix: prefixOf(this.externals.match(words)),
    };
  }

  private find(words: Words | undefined): Place {
    if (!words) return this.share(undefined, undefined, true);
    return this.share(this.regions.find(words), this.roles.find(words), this.externals.find(words) ?? true);
  }

  private share(region: string | undefined, role: string | undefined, external: boolean): Place {
    // No name has a control character or is empty.
    const key = `${region ?? ''}\n${role ?? ''}\n${external}`;
    let place = this.distinct.get(key);
    if (!place) {
      place = Object.freeze({ region, role, external });
      this.distinct.set(key, place);
    }
    return place;
  }
}

/** Without a configuration: no region, no role, internal as `INTERNAL_BY_DEFAULT` says. */
export const defaultPlaces = (): Places => new Places(DEFAULT_CONFIG);

const prefixOf = (entry: Entry<unknown> | undefined): string | undefined =>
  entry && formatPrefix(entry.prefix);
