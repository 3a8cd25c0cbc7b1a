/** How outputs are opened, each with its library only where it is asked for. */
import type { Makers } from '../agent/pushed.js';
import { thisHost } from '../agent/resource.js';

export function agentMakers(version: string): Makers {
  return {
    async otlp(config) {
      const { createOtlpOutput } = await import('../agent/otlp.js');
      // In a pod the host is called as the pod.
      return createOtlpOutput(config, thisHost(version, process.env['NODE_NAME']));
    },
    async dogstatsd(config) {
      const { createDogStatsdOutput } = await import('../agent/dogstatsd.js');
      return createDogStatsdOutput(config);
    },
  };
}
