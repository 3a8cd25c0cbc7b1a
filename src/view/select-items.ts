import type { View } from './view.js';

/** A view of the items of one kind among others. */
export function viewOf<Item, Shown extends Item>(
  isShown: (item: Item) => item is Shown,
  view: View<Shown>,
): View<Item> {
  return {
    ...view,
    ...(view.hasRow ? { hasRow: (item) => isShown(item) && view.hasRow?.(item) === true } : {}),
    items: (items, clockOffsetNs) => view.items(items.filter(isShown), clockOffsetNs),
  };
}
