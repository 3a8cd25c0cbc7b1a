import type { Group, GroupKey } from '../aggregate/grouping.js';
import type { Column, Plain } from '../model/column.js';

/** A number where the key is one; an unknown is null, and text such as `other` stays. */
function machineValue(text: string, numeric: boolean): Plain {
  if (text === '-' || text === '') return null;
  const number = Number(text);
  return numeric && !Number.isNaN(number) ? number : text;
}

/** The first columns of a table: one for each key of `--by`. */
export function keyColumns<Item, Stats>(keys: readonly GroupKey<Item>[]): Column<Group<Stats>>[] {
  return keys.map((groupKey, at) => {
    const { name, header, description, align = 'left', width = 12, numeric = false } = groupKey;
    return {
      key: name.replaceAll('-', '_'),
      header,
      description,
      align,
      width,
      minWidth: header.length,
      text: ({ keys: texts }) => {
        const text = texts[at] ?? '';
        return groupKey.label?.(text) ?? text;
      },
      value: ({ keys: texts }) => machineValue(texts[at] ?? '', numeric),
    };
  });
}
