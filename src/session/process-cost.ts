import { readFileSync } from 'node:fs';
import type { SelfCost } from '../model/self-cost.js';

/** What this process has cost since it was started. */
export function processCost(): Omit<SelfCost, 'kernel'> {
  const { user, system } = process.cpuUsage();
  return { uptimeNs: process.uptime() * 1e9, cpuNs: (user + system) * 1e3, ...memory() };
}

/** Not the peak of getrusage(2): that counts what ran in this process before Node did. */
function memory(): Pick<SelfCost, 'rss' | 'peakRss'> {
  const status = readFileSync('/proc/self/status', 'utf8');
  const bytes = (name: string): number =>
    1024 * Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(status)?.[1]);
  return { rss: bytes('VmRSS'), peakRss: bytes('VmHWM') };
}
