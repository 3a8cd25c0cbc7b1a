/** What the running kernel has of the hooks that a command asks for. */
import { kernelBtf } from '#bpf-native-bindings';
import { programFor, type Hook } from '../model/hook.js';

/** How many arguments a tracepoint has; undefined if there is none of this name. */
export function argumentsOf(tracepoint: string): number | undefined {
  const typedef = `btf_trace_${tracepoint}`;
  if (!kernelBtf.hasType(typedef, 'typedef')) return undefined;
  // The first is the tracer's own.
  return (kernelBtf.parameterCount(typedef) ?? 1) - 1;
}

/** Names of the programs to attach. */
export function programsFor(hooks: readonly Hook[]): string[] {
  return hooks.flatMap((hook) => programFor(hook, argumentsOf(hook.tracepoint))?.name ?? []);
}

/** What the command cannot do without. */
export const requiredTracepoints = (hooks: readonly Hook[]): string[] =>
  hooks.filter(({ without }) => without === undefined).map(({ tracepoint }) => tracepoint);
