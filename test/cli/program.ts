/** What the program says of itself, by its help and by its answers to mistakes: for tests of what else says it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../../..');
const RUN = path.join(ROOT, 'bin/run.js');

/** Names of all commands by their files: `config check`. */
export const COMMANDS = readdirSync(path.join(ROOT, 'src/commands'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length).replaceAll('/', ' '));

const answers = new Map<string, string>();

/** What the program prints, on standard output or, with another exit code than 0, on standard error. */
export function said(args: readonly string[], expected = 0): string {
  const call = args.join(' ');
  const answer = answers.get(call) ?? run(args, expected);
  answers.set(call, answer);
  return answer;
}

function run(args: readonly string[], expected: number): string {
  try {
    return execFileSync(process.execPath, [RUN, ...args], { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { status, stderr } = error as { status: number; stderr: string };
    assert.equal(status, expected, stderr);
    return stderr;
  }
}

/** The flags that `--help` shows, short forms too. */
export function flagsInHelp(command: string): string[] {
  const help = said([...command.split(' '), '--help']);
  return help
    .split('\n')
    .flatMap((line) => {
      const [, short, long] = /^ {2}(?:(-\w), | {4})?(--[a-z0-9-]+)(?:[ =]|$)/.exec(line) ?? [];
      return [short, long].filter((flag) => flag !== undefined);
    })
    .sort();
}

/** Words that the program's answer to a wrong value says it takes. */
export function wordsInAnswer(args: readonly string[]): string[] {
  const answer = said(args, 2);
  const [, list] = /(?:keys|valid|columns): (.+)/.exec(answer) ?? [];
  assert.ok(list, answer);
  return list.split(', ').sort();
}
