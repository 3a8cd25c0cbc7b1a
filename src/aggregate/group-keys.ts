import { nearest } from '../model/nearest.js';
import { sanitize } from '../model/units.js';
import type { GroupKey } from './grouping.js';

/** Makes a key of `--by` from the text behind its colon; undefined where there is none. */
export type KeyMaker<Item> = (argument: string | undefined) => GroupKey<Item>;

/** Makes the maker of a key that takes no argument. */
export function plainKey<Item>(key: GroupKey<Item>): KeyMaker<Item> {
  return (argument) => {
    if (argument === undefined) return key;
    throw new RangeError(`key "${key.name}" takes no argument (":${sanitize(argument)}")`);
  };
}

/**
 * The keys that `--by remote,subnet:16` names.
 * @throws RangeError with one line that lists the valid keys.
 */
export function parseGroupKeys<Item>(
  names: readonly string[],
  makers: Readonly<Record<string, KeyMaker<Item>>>,
): GroupKey<Item>[] {
  const keys = names.map((text) => {
    const colon = text.indexOf(':');
    const name = colon < 0 ? text : text.slice(0, colon);
    const maker = Object.hasOwn(makers, name) ? makers[name] : undefined;
    if (maker) return maker(colon < 0 ? undefined : text.slice(colon + 1));
    const valid = Object.keys(makers);
    throw new RangeError(
      `unknown key "${sanitize(text)}"; nearest: ${nearest(name, valid)}; keys: ${valid.join(', ')}`,
    );
  });
  const twice = keys.find(({ name }, at) => keys.findIndex((key) => key.name === name) < at);
  if (twice) throw new RangeError(`key "${twice.name}" is given twice`);
  return keys;
}
