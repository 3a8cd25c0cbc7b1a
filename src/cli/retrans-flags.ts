/** Flags that only retransmissions have, live and recorded. */
import * as Flags from '@oclif/core/flags';
import { stallNs, type Kind, type Retransmit } from '../model/retransmit.js';
import { parseKind, parseState } from './values.js';

const list = { multiple: true, multipleNonGreedy: true, delimiter: ',', helpGroup: 'FILTER' } as const;

export const retransFlags = {
  'absolute-seq': Flags.boolean({
    description: "Sequence numbers as they are on the wire, not from the connection's start.",
    helpGroup: 'VIEW',
  }),
  kind: Flags.string({
    description: 'Why it was sent again: syn, synack, fast, rto, loss, tlp.',
    helpValue: 'KIND',
    ...list,
  }),
  state: Flags.string({
    description: 'State of the connection: ESTABLISHED, SYN_SENT, FIN_WAIT1 …',
    helpValue: 'STATE',
    ...list,
  }),
};

export interface RetransFilter {
  /** None: all. */
  kinds: readonly Kind[];
  /** Numbers of enum tcp_state; none: all. */
  states: readonly number[];
}

/** @throws {RangeError} for an unknown kind or state. */
export function toRetransFilter(flags: {
  kind?: string[] | undefined;
  state?: string[] | undefined;
}): RetransFilter {
  return { kinds: (flags.kind ?? []).map(parseKind), states: (flags.state ?? []).map(parseState) };
}

/** The test that the kernel side makes of a live one (`wants` of bpf/retrans.bpf.c). */
export function wantsRetransmit(
  { kinds, states }: RetransFilter,
  minStallNs: number,
  segment: Retransmit,
): boolean {
  return (
    (kinds.length === 0 || kinds.includes(segment.kind)) &&
    (states.length === 0 || states.includes(segment.state)) &&
    (minStallNs === 0 || (stallNs(segment) ?? -1) >= minStallNs)
  );
}
