/** What is said of recorded flows, beside what was recorded; and which of them are wanted. */
import { loadConfig } from '../host/config-file.js';
import { serviceName } from '../host/services.js';
import { wantsAttribution } from '../model/attribution-filter.js';
import type { Flow } from '../model/flow.js';
import type { NameBook } from '../model/name-book.js';
import type { RecordedItem } from '../record/items.js';
import { toAttributionFilter, type AttributionFlagValues } from './attribution-flags.js';

type Flags = AttributionFlagValues & { netns?: string[] | undefined; uid?: string[] | undefined };

/** Places are as they were recorded, unless a configuration is asked for. */
export async function replayAttributor(flags: Flags, names: NameBook): Promise<(flow: Flow) => void> {
  const places = flags.config === undefined ? undefined : (await loadConfig(flags.config)).places;
  return (flow) => {
    if (places) {
      flow.localPlace = places.of(flow.localAddress);
      flow.remotePlace = places.of(flow.remoteAddress);
    }
    flow.service = serviceName(flow.remotePort);
    names.learnNetns(flow);
    if (flags.dns && flow.remoteName !== undefined) names.learnRemote(flow.remoteAddress, flow.remoteName);
  };
}

/** Cgroups go by their paths, and network namespaces by the numbers or names that they had. */
export function wantsOfReplay(
  flags: Flags,
  wants: (item: RecordedItem) => boolean,
): (item: RecordedItem) => boolean {
  const cgroups = (flags.cgroup ?? []).filter((text) => !isNumber(text));
  const wanted = { ...toAttributionFilter(flags), cgroups: cgroups.map(withoutMount) };
  const cgroupIds = (flags.cgroup ?? []).filter(isNumber).map(Number);
  const netns = flags.netns ?? [];
  for (const text of netns)
    if (text === '' || text === 'self' || text.includes('/'))
      throw new RangeError(`--netns ${text}: of a recording, give the number or the name of the namespace`);
  for (const text of flags.uid ?? [])
    if (!isNumber(text)) throw new RangeError(`--uid ${text}: of a recording, give the number of the user`);
  const isInNetns = (item: Flow): boolean =>
    netns.length === 0 || netns.some((text) => text === String(item.netns) || text === item.netnsName);
  const isInCgroup = (item: Flow): boolean => cgroupIds.length === 0 || cgroupIds.includes(item.cgroupId);
  return (item) => wants(item) && isInNetns(item) && isInCgroup(item) && wantsAttribution(wanted, item);
}

const isNumber = (text: string): boolean => /^\d+$/.test(text);

/** `/sys/fs/cgroup/system.slice`, or its mount point on a hybrid host: what is below it counts. */
const withoutMount = (path: string): string => path.replace(/^\/sys\/fs\/cgroup(\/unified)?(?=\/|$)/, '');

/** The filters that do not depend on the host that replays. */
export function withoutPlaces<Values extends Flags>(flags: Values): Values {
  return { ...flags, cgroup: undefined, netns: undefined };
}
