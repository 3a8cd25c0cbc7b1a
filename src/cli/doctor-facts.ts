/** Everything that `tcpscope doctor` finds out, as far as this system lets it. */
import { surveyHost } from '../host/survey.js';
import { processFacts } from '../kernel/process-facts.js';
import type { Facts, KernelFacts } from '../model/diagnosis/facts.js';
import type { TracingCommand } from '../model/tracing-commands.js';

/** @param commands that trace, of which the programs are tried */
export async function collectFacts(hostRoot: string, commands: readonly TracingCommand[]): Promise<Facts> {
  const process = processFacts();
  return {
    process,
    host: process.platform === 'linux' ? surveyHost(hostRoot) : undefined,
    kernel: process.platform === 'linux' ? await tryKernel(commands) : { failure: 'not Linux' },
  };
}

/** The addon is asked for only now: where it does not load, all else is still told. */
async function tryKernel(commands: readonly TracingCommand[]): Promise<KernelFacts | { failure: string }> {
  try {
    const { probeKernel } = await import('../kernel/probes.js');
    return await probeKernel(commands);
  } catch (error) {
    return { failure: messageOf(error) };
  }
}

/** An error of the loader has its reason in its cause, before a list of modules. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message } = error.cause instanceof Error ? error.cause : error;
  return message.split('\n')[0] ?? '';
}
