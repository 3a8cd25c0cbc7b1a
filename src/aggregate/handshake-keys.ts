import type { Handshake } from '../model/handshake.js';
import { FLOW_KEYS } from './flow-keys.js';
import { plainKey, type KeyMaker } from './group-keys.js';

/** The keys of `connlat --by`. */
export const HANDSHAKE_KEYS: Readonly<Record<string, KeyMaker<Handshake>>> = {
  ...FLOW_KEYS,
  result: plainKey({
    name: 'result',
    header: 'RESULT',
    description: 'What became of the attempt.',
    width: 11,
    of: ({ outcome }) => outcome,
  }),
};
