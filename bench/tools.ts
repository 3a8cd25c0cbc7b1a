/** tcpscope's own commands, and the programs of bench/prototype.bpf.c, as what is measured. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { BpfObject } from '#bpf-native-bindings';
import { toFilter } from '#tcpscope/cli/filter-flags.js';
import { TracingProcess, type Sink, type Tracer } from './tracing.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const RUN = path.join(ROOT, 'bin/run.js');

/** The command that runs `tcpscope` with these words. */
export const commandOf = (words: readonly string[]): string[] => [process.execPath, RUN, ...words];

/** Resolves when it traces. */
export async function start(words: readonly string[], sink: Sink = 'null'): Promise<TracingProcess> {
  const tool = await TracingProcess.spawn(words.join(' '), commandOf(words), sink);
  await traces(tool);
  return tool;
}

/** Resolves when it says so. */
export const traces = (tool: TracingProcess): Promise<void> =>
  tool.until(() => tool.stderr.includes('Tracing'));

const SINK_NAMES: Record<Sink, string> = {
  null: '',
  file: ' to a file',
  terminal: ' to a terminal',
};

/** Such as `tool('connlat --json', 'file')`. */
export function tool(words: string, sink: Sink = 'null'): Tracer {
  return { name: `${words}${SINK_NAMES[sink]}`, start: () => start(words.split(' '), sink) };
}

/** Its main program is the one that sees retransmissions; others follow owners. */
export const retrans = (words: string, sink: Sink = 'null'): Tracer => ({
  ...tool(words, sink),
  main: /^retransmit/,
});

/** The filter that lets everything pass. */
export const EVERYTHING = toFilter({});

const POLL_MS = 10;

/** A program of bench/prototype.bpf.c, drained by this very process. */
export function program(name: string, entry: string): Tracer {
  return {
    name,
    start: () => {
      const loaded = BpfObject.open(compiled('prototype'), { name: 'bench' });
      for (const each of loaded.programNames) loaded.setAutoload(each, each === entry);
      loaded.load();
      const events = loaded.ringBuffer('ring');
      loaded.attach(entry);
      const bytes = new Uint8Array(1 << 20);
      const timer = setInterval(() => {
        while (events.consume(bytes).records > 0);
      }, POLL_MS);
      return Promise.resolve({
        pid: undefined,
        cost: () => {
          const { runTimeNs, runCount } = loaded.programInfo(entry);
          return { ns: runTimeNs, runs: runCount };
        },
        stop: () => {
          clearInterval(timer);
          loaded.close();
          return Promise.resolve('');
        },
      });
    },
  };
}

/** bench/NAME.bpf.c, compiled with the flags of our own programs, if it is out of date. */
export function compiled(name: 'generator' | 'prototype'): Uint8Array {
  const target = `../build/bench/${name}.bpf.o`;
  execFileSync('make', ['-s', '-C', 'bpf', 'OUT=../build/bench', 'VPATH=../bench', target], { cwd: ROOT });
  return readFileSync(path.join(ROOT, 'bpf', target));
}
