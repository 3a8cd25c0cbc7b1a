/** Facts to checks, in the order in which they explain each other. */
import type { Check } from './check.js';
import type { Facts } from './facts.js';
import { hostChecks } from './host-checks.js';
import { kernelChecks } from './kernel-checks.js';
import { platformChecks } from './platform-checks.js';
import { privilegeChecks } from './privilege-checks.js';

/** @param commands that trace, of which something is to be said */
export function diagnose(facts: Facts, commands: readonly string[]): Check[] {
  const { process, host } = facts;
  const kernel = 'failure' in facts.kernel ? undefined : facts.kernel;
  const platform = platformChecks(facts, commands);
  if (process.platform !== 'linux') return platform;
  return [
    ...platform,
    ...privilegeChecks(process, kernel, commands),
    ...kernelChecks(process, kernel, commands),
    ...(host ? hostChecks(host, kernel, process, commands) : []),
  ];
}
