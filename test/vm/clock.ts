import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Architecture } from './kernels.js';

const INSTRUCTIONS_KHZ = 1_000_000;
const ROOT = path.resolve(import.meta.dirname, '../../..');

/**
 * Parameters that tell a kernel the rate of its clock. An emulated x86 has the counter of the real one, but the kernel finds its
 * rate out by waiting, and is wrong by a factor if it has to share its CPU just then: its seconds are then a fraction of one.
 */
export function clockParameters({ machineName, clock }: Architecture): string[] {
  if (clock === 'instructions') return tscParameters(INSTRUCTIONS_KHZ);
  const tsc = path.join(ROOT, 'build/test-vm', machineName, 'tsc');
  return existsSync(tsc) ? tscParameters(Number(execFileSync(tsc, { encoding: 'utf8' }))) : [];
}

const tscParameters = (khz: number): string[] => [`tsc_early_khz=${khz}`, 'tsc=reliable'];
