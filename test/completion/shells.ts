/** The real shells, completing: what each offers at the end of a line. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ROOT, said } from '../cli/program.js';

const ZSH_CAPTURE = path.join(ROOT, 'test/completion/capture.zsh');

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type ShellName = (typeof SHELLS)[number];

/** Completes in a home of its own, with the script that the program prints. */
export class CompletingShells {
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'tcpscope-completion-'));
  private zshRuns = 0;

  constructor() {
    for (const shell of SHELLS) writeFileSync(this.script(shell), said(['completion', shell]));
    // fish looks for what a command takes only if there is that command.
    const sudo = path.join(this.folder, 'sudo');
    writeFileSync(sudo, '#!/bin/sh\nexec "$@"\n');
    chmodSync(sudo, 0o755);
  }

  script(shell: ShellName): string {
    return path.join(this.folder, `script.${shell}`);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  run(file: string, args: readonly string[]): string {
    const env = { ...process.env, HOME: this.folder, PATH: `${this.folder}:${process.env['PATH'] ?? ''}` };
    return execFileSync(file, args, { cwd: ROOT, encoding: 'utf8', env, timeout: 90_000 });
  }

  /**
   * Of each line the words that the shell would put in place of the one at its end, sorted; of a list or of `--flag=value` as
   * much as the shell puts in place of, without a description.
   */
  offers(shell: ShellName, lines: readonly string[]): string[][] {
    const offered = this[shell](lines);
    return offered.map((words) => [...new Set(words)].sort());
  }

  private bash(lines: readonly string[]): string[][] {
    const script = [
      `source ${this.script('bash')}`,
      'compopt() { :; }', // outside of readline it is an error
      'offer() {',
      '  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}',
      '  _tcpscope; printf "%s\\n" "${COMPREPLY[@]}" .',
      '}',
      ...lines.map((line) => `offer ${bashWords(line).map(quote).join(' ')}`),
    ];
    return groups(this.run('bash', ['--norc', '-c', script.join('\n')]));
  }

  private zsh(lines: readonly string[]): string[][] {
    const folder = path.join(this.folder, `zsh-${this.zshRuns++}`);
    this.run('mkdir', [folder]);
    return groups(this.run('zsh', ['-f', ZSH_CAPTURE, this.script('zsh'), folder, ...lines]));
  }

  private fish(lines: readonly string[]): string[][] {
    const script = [
      `source ${this.script('fish')}`,
      ...lines.map((line) => `complete -C ${quote(line)}; echo .`),
    ];
    return groups(this.run('fish', ['-c', script.join('\n')])).map((words) =>
      words.map((word) => word.split('\t')[0] ?? ''),
    );
  }
}

const quote = (text: string): string => `'${text}'`;

/** As readline makes words: `=` is one of its own. */
const bashWords = (line: string): string[] =>
  line
    .split(' ')
    .flatMap((word) =>
      word.split(/(=)/).filter((part, at, all) => part !== '' || all.length === 1 || at === 0),
    );

/** Lines up to each ".". */
function groups(text: string): string[][] {
  const all = text.split(/^\.\n/m);
  return all.slice(0, -1).map((group) => group.split('\n').filter((word) => word !== ''));
}
