import type { GroupKey } from '../aggregate/grouping.js';
import { partsOfFilter, type AttributionFilter } from '../model/attribution-filter.js';
import { allParts, type FlowParts } from '../model/flow-parts.js';

/** The parts of flows by which the kernel has to sum up for these groups; undefined if it cannot. */
export function sumParts<Item>(
  keys: readonly GroupKey<Item>[],
  wanted: AttributionFilter,
): FlowParts | undefined {
  const parts = keys.map((key) => key.parts);
  return parts.every((each) => each !== undefined) ? allParts([...parts, partsOfFilter(wanted)]) : undefined;
}
