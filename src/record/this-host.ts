import { readFileSync } from 'node:fs';
import { hostname, machine, release } from 'node:os';
import type { RecordedHost } from './head.js';

/** What a head says of the host that records. */
export function thisHost(): RecordedHost {
  const bootId = readBootId();
  return {
    name: hostname(),
    kernel: release(),
    machine: machine(),
    ...(bootId === undefined ? {} : { bootId }),
  };
}

function readBootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // Without /proc recordings of one boot are not known as such, and no more.
    return undefined;
  }
}
