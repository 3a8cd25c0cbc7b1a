/** Names of TCP ports on this host: those of /etc/services, over the well-known ones. */
import { parseServices, WELL_KNOWN_SERVICES } from '../model/services.js';
import { readBounded } from './bounded-file.js';

const FILE = '/etc/services';
/** The whole registry of IANA takes less. */
const MAX_BYTES = 4 * 1024 * 1024;

let ofThisHost: ReadonlyMap<number, string> | undefined;

/** `https`, `redis`; undefined where neither the host nor common use has a name. Reads the file once, when first asked. */
export function serviceName(port: number): string | undefined {
  ofThisHost ??= readServices(FILE);
  return ofThisHost.get(port);
}

/** A file that cannot be read, or is too large, changes nothing: names are a convenience. */
export function readServices(path: string): ReadonlyMap<number, string> {
  let text: string | undefined;
  try {
    text = readBounded(path, MAX_BYTES)?.toString('utf8');
  } catch {
    return WELL_KNOWN_SERVICES;
  }
  return new Map([...WELL_KNOWN_SERVICES, ...parseServices(text ?? '')]);
}
