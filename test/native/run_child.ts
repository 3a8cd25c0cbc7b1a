import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));

/** What a finished child left. */
export interface ChildResult {
  readonly status: number | null;
  readonly stderr: string;
  readonly stdout: string;
}

/** Runs a scenario of child.ts in a process of its own, perhaps under a command such as setpriv. */
export function runChild(scenario: string, under: string[] = []): ChildResult {
  const command = [...under, process.execPath, CHILD, scenario];
  const { status, stderr, stdout } = spawnSync('env', command, { encoding: 'utf8', timeout: 20_000 });
  return { status, stderr, stdout };
}

/** Starts a scenario, and resolves when it has said that it is ready. */
export async function startChild(scenario: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [CHILD, scenario], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => {
      resolve();
    });
    child.once('exit', () => {
      reject(new Error(`${scenario} ended before it was ready`));
    });
  });
  return child;
}
