/** Runs doctor and reads what it says. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { RUN } from './tool.js';

export interface Line {
  check: string;
  status: string;
  found: string;
  means: string | null;
  mend: string | null;
  commands: string[];
  exit_code?: number;
  commands_failing?: string[];
}

export interface Said {
  code: number | null;
  lines: Line[];
  of: (check: string) => Line;
}

/** Its exit code is that of its summary, and it never says anything beside its lines. */
export function doctor(args: readonly string[] = [], wrapper: readonly string[] = [], program = RUN): Said {
  const [command = '', ...rest] = [...wrapper, process.execPath, program, 'doctor', '--json', ...args];
  const { status, stdout, stderr } = spawnSync(command, rest, { encoding: 'utf8' });
  assert.equal(stderr, '');
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  assert.equal(lines.at(-1)?.check, 'summary');
  assert.equal(lines.at(-1)?.exit_code, status);
  const of = (check: string): Line => {
    const found = lines.find((line) => line.check === check);
    assert.ok(found, `${check} in ${stdout}`);
    return found;
  };
  return { code: status, lines, of };
}
