/** How the kernel side works: the same flags in every command. */
import * as Flags from '@oclif/core/flags';

export const transportFlag = Flags.option({
  description: 'Kernel buffer that carries the events.',
  options: ['auto', 'ring', 'perf'] as const,
  default: 'auto' as const,
  helpGroup: 'TRACING',
})();
