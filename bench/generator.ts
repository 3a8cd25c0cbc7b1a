/** Handshakes that never were, at a chosen rate, for a running connlat: bench/generate.ts in a process of its own. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

/** What bench/generate.ts has done. */
export interface Generated {
  submitted: number;
  perSecond: number;
  /** Of these: had no room in the buffer. */
  lost: number;
  /** Kernel time to make one up and to tell it. */
  kernelNs: number;
  /** Of a CPU, that the generator took. */
  cpuShare: number;
}

export interface Generate {
  perSecond: number;
  seconds: number;
  remotes: number;
  /** Of the --by of that connlat. */
  keys?: string;
}

const PROGRAM = path.join(import.meta.dirname, 'generate.js');

export async function generate(
  pid: number,
  { perSecond, seconds, remotes, keys }: Generate,
): Promise<Generated> {
  const words = [pid, perSecond, seconds, remotes, keys ?? ''].map(String);
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...words]).catch(
    (error: unknown) => {
      const { stderr } = error as { stderr: string };
      throw new Error(`the generator: ${/^\w*Error: (.*)/m.exec(stderr)?.[1] ?? stderr.trim()}`);
    },
  );
  return JSON.parse(stdout) as Generated;
}
