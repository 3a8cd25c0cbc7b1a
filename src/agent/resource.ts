/** Who says what an output sends. */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';

export interface ServiceResource {
  readonly version: string;
  /** Not that of any other host. The same after a restart, so that its series go on. */
  readonly instanceId: string;
  readonly hostName: string;
}

/** Namespace of `service.instance.id` by OpenTelemetry's conventions. */
const INSTANCES = Buffer.from('4d63009a8d0f11eeaad74c796ed8e320', 'hex');

export function thisHost(version: string, hostName = hostname()): ServiceResource {
  return { version, hostName, instanceId: uuidOf(hostName) };
}

/** UUID of version 5 (RFC 9562) of a name. */
function uuidOf(name: string): string {
  const hash = createHash('sha1').update(INSTANCES).update(name).digest().subarray(0, 16);
  hash[6] = (hash[6]! & 0x0f) | 0x50;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  return hash.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
