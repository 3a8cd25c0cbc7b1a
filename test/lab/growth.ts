import type { Namespace } from '#tcpscope/lab/network.js';

/** How much a counter of the kernel grew while something was done. */
export async function growth(
  namespace: Namespace,
  counter: string,
  action: () => Promise<unknown>,
): Promise<number> {
  const before = await namespace.snmp();
  await action();
  const after = await namespace.snmp();
  return (after[counter] ?? NaN) - (before[counter] ?? NaN);
}
