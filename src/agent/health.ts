/** Whether the agent still does what it is for. */
import { formatElapsed } from '../model/units.js';

/** `degraded`: it measures, but somebody does not get it; `failed`: it does not measure. */
export type HealthStatus = 'ok' | 'degraded' | 'failed';

export interface Health {
  readonly status: HealthStatus;
  /** A line each; without words from outside, since anybody may ask. */
  readonly reasons: readonly string[];
}

export interface HealthFacts {
  readonly intervalNs: number;
  /** Since the source last gave what it had, ns. */
  readonly sinceDrainNs: number;
  /** Since each output last worked, ns. */
  readonly outputs: readonly { readonly name: string; readonly sinceGoodNs: number }[];
}

/** Intervals after which something that should happen each interval is taken to have stopped. */
const PATIENCE = 3;

export function judge({ intervalNs, sinceDrainNs, outputs }: HealthFacts): Health {
  const isLate = (ns: number): boolean => ns > PATIENCE * intervalNs;
  const late = outputs.filter(({ sinceGoodNs }) => isLate(sinceGoodNs));
  const reasons = late.map(
    ({ name, sinceGoodNs }) => `nothing was published by ${name} for ${formatElapsed(sinceGoodNs)}`,
  );
  if (!isLate(sinceDrainNs)) return { status: late.length > 0 ? 'degraded' : 'ok', reasons };
  return {
    status: 'failed',
    reasons: [`nothing was read from the kernel for ${formatElapsed(sinceDrainNs)}`, ...reasons],
  };
}
