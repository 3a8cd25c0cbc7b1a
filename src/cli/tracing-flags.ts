/** How the kernel side works: the same flags in every command. */
import * as Flags from '@oclif/core/flags';

export const transportFlag = Flags.option({
  description: 'Kernel buffer that carries the events.',
  options: ['auto', 'ring', 'perf'] as const,
  default: 'auto' as const,
  helpGroup: 'TRACING',
})();

export const statsFlag = Flags.boolean({
  description: 'Say once an interval what the tool itself costs: CPU, memory, time in the kernel.',
  helpGroup: 'TRACING',
});

export const maxCpuFlag = Flags.string({
  description: 'Show less while the tool itself would take more of one core.',
  helpValue: '5%',
  helpGroup: 'TRACING',
});
