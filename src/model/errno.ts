/** Linux numbers, whatever system replays a recording. Only what connect(2), a TCP socket and its transmissions report. */
const NAMES: Readonly<Record<number, string>> = {
  1: 'EPERM',
  4: 'EINTR',
  11: 'EAGAIN',
  12: 'ENOMEM',
  13: 'EACCES',
  16: 'EBUSY',
  22: 'EINVAL',
  32: 'EPIPE',
  71: 'EPROTO',
  90: 'EMSGSIZE',
  92: 'ENOPROTOOPT',
  97: 'EAFNOSUPPORT',
  98: 'EADDRINUSE',
  99: 'EADDRNOTAVAIL',
  100: 'ENETDOWN',
  101: 'ENETUNREACH',
  103: 'ECONNABORTED',
  104: 'ECONNRESET',
  105: 'ENOBUFS',
  110: 'ETIMEDOUT',
  111: 'ECONNREFUSED',
  112: 'EHOSTDOWN',
  113: 'EHOSTUNREACH',
  115: 'EINPROGRESS',
  125: 'ECANCELED',
};

/** `ECONNREFUSED`; `errno 123` for one that has no business here; undefined if there was no error. */
export function errnoName(errno: number): string | undefined {
  return errno === 0 ? undefined : (NAMES[errno] ?? `errno ${errno}`);
}

/** What a transmission returned: a negative errno, or 1 if the interface's queue dropped it (NET_XMIT_DROP). */
export function transmitErrorName(error: number): string | undefined {
  return error > 0 ? 'NET_XMIT_DROP' : errnoName(-error);
}
