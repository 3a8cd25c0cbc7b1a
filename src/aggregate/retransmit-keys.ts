import { formatEndpoint } from '../model/endpoint.js';
import type { Flow } from '../model/flow.js';
import type { NameBook } from '../model/name-book.js';
import { isRetransmit, type RetransItem } from '../model/retransmit.js';
import { stateName } from '../model/tcp-state.js';
import { flowKeys } from './flow-keys.js';
import { plainKey, type KeyMaker } from './group-keys.js';
import type { GroupKey } from './grouping.js';

/** Keys of a single segment: what a socket has sent in all does not divide by them. */
const OF_SEGMENTS = {
  state: plainKey<RetransItem>({
    name: 'state',
    header: 'STATE',
    description: 'State of the connection.',
    width: 11,
    of: (item) => (isRetransmit(item) ? stateName(item.state) : '-'),
  }),
  kind: plainKey<RetransItem>({
    name: 'kind',
    header: 'KIND',
    description: 'Why it was sent again.',
    width: 6,
    of: (item) => (isRetransmit(item) ? item.kind : '-'),
  }),
};

/** The keys of `retrans --by`. */
export const retransmitKeys = (names?: NameBook): Readonly<Record<string, KeyMaker<RetransItem>>> => ({
  ...flowKeys(names),
  ...OF_SEGMENTS,
  flow: plainKey<Flow>({
    name: 'flow',
    header: 'FLOW',
    description: 'One connection: local and remote address and port.',
    width: 44,
    of: ({ localAddress, localPort, remoteAddress, remotePort }) =>
      `${formatEndpoint(localAddress, localPort)} > ${formatEndpoint(remoteAddress, remotePort)}`,
  }),
});

export const RETRANSMIT_KEYS = retransmitKeys();

/** True if the groups of these keys consist of whole sockets. */
export function keepSocketsWhole(keys: readonly GroupKey<RetransItem>[]): boolean {
  return keys.every(({ name }) => !Object.hasOwn(OF_SEGMENTS, name));
}
