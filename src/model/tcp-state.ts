/** Names of what Linux numbers (include/net/tcp_states.h, include/uapi/linux/tcp.h); both are fixed interfaces. */

/** By number; the handshake's own state (NEW_SYN_RECV) goes by the name that people know. */
const STATES: Readonly<Record<number, string>> = {
  1: 'ESTABLISHED',
  2: 'SYN_SENT',
  3: 'SYN_RECV',
  4: 'FIN_WAIT1',
  5: 'FIN_WAIT2',
  6: 'TIME_WAIT',
  7: 'CLOSE',
  8: 'CLOSE_WAIT',
  9: 'LAST_ACK',
  10: 'LISTEN',
  11: 'CLOSING',
  12: 'SYN_RECV',
};

/** States in which TCP sends something again. */
export const SENDING_STATES = [
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'CLOSE_WAIT',
  'LAST_ACK',
  'CLOSING',
] as const;

/** `ESTABLISHED`. */
export function stateName(state: number): string {
  return STATES[state] ?? `state ${state}`;
}

/** @returns undefined if there is no such state. */
export function stateNumber(name: string): number | undefined {
  const number = Object.keys(STATES).find((key) => STATES[Number(key)] === name);
  return number === undefined ? undefined : Number(number);
}

const CONGESTION_STATES = ['open', 'disorder', 'cwr', 'recovery', 'loss'] as const;

/** What the sender makes of its losses: `recovery`. */
export function congestionStateName(state: number): string {
  return CONGESTION_STATES[state] ?? `state ${state}`;
}
