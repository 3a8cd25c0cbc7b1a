import type { Flow } from '../model/flow.js';
import type { Outcome } from '../model/handshake.js';
import type { NameBook } from '../model/name-book.js';
import { flowKeys } from './flow-keys.js';
import { plainKey, type KeyMaker } from './group-keys.js';

/** The keys of `connlat --by`. */
export const handshakeKeys = (
  names?: NameBook,
): Readonly<Record<string, KeyMaker<Flow & { outcome: Outcome }>>> => ({
  ...flowKeys(names),
  result: plainKey({
    name: 'result',
    header: 'RESULT',
    description: 'What became of the attempt.',
    width: 11,
    parts: { outcome: true },
    of: ({ outcome }) => outcome,
  }),
});

export const HANDSHAKE_KEYS = handshakeKeys();
