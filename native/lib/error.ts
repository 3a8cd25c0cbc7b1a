import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';

import { culprit, usefulEnd, verdict } from './log.js';

/** What the kernel or libbpf refused, or a request that cannot be right. A wrong argument type is a TypeError instead. */
export class BpfError extends Error {
  override readonly name = 'BpfError';

  /** The name of errno: 'EPERM', 'ENOENT', 'EINVAL'; 'CLOSED' for a handle used after it was closed. */
  readonly code: string;

  /**
   * @param operation the method that failed: 'open', 'load', 'attach', 'consume'
   * @param message one line: what could not be done, and why
   * @param errno a positive error number of the kernel or (from 4000) of libbpf; 0 for a closed handle
   * @param log the useful end of libbpf's and the verifier's log; '' if there is none
   */
  constructor(
    readonly operation: string,
    message: string,
    readonly errno: number,
    readonly log: string,
  ) {
    super(message);
    this.code = codeOf(errno);
  }
}

/** Makes the addon's errors: it tells the facts, and this chooses what of the log is worth reading. */
export function makeError(operation: string, message: string, errno: number, log: string): BpfError {
  // An object is many programs and maps: only libbpf's log tells which of them failed.
  if (operation !== 'load') return new BpfError(operation, message, errno, usefulEnd(log));
  const named = message.replace('the object', culprit(log) ?? 'the object');
  const reason = verdict(log);
  return new BpfError(operation, reason === undefined ? named : `${named}: ${reason}`, errno, usefulEnd(log));
}

// Not errors of user space: the kernel's ENOTSUPP leaks out of many BPF calls, and libbpf numbers its own from 4000.
const OTHER_CODES: Readonly<Record<number, string>> = {
  0: 'CLOSED',
  524: 'ENOTSUPP',
  4000: 'LIBBPF_LIBELF',
  4001: 'LIBBPF_FORMAT',
  4002: 'LIBBPF_KVERSION',
  4003: 'LIBBPF_ENDIAN',
  4004: 'LIBBPF_INTERNAL',
  4005: 'LIBBPF_RELOC',
  4006: 'LIBBPF_LOAD',
  4007: 'LIBBPF_VERIFY',
  4008: 'LIBBPF_PROG2BIG',
  4009: 'LIBBPF_KVER',
  4010: 'LIBBPF_PROGTYPE',
};

function codeOf(errno: number): string {
  const other = OTHER_CODES[errno];
  if (other !== undefined) return other;
  const name = getSystemErrorName(-errno);
  if (/^E[0-9A-Z]+$/.test(name)) return name;
  const known = Object.entries(constants.errno).find(([, value]) => value === errno);
  return known?.[0] ?? `E${String(errno)}`;
}
