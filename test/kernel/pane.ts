/** A shell in a terminal of tmux, with a server of its own: what a person would see and type. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const PROMPT = '$ ';
/** Between two looks, and until it is clear that it will not come. */
const LOOK_MS = 20;
const LIMIT_MS = 20_000;

let panes = 0;

/** Looks until `condition` holds. `tell` is asked what there is if it does not. */
export async function until(condition: () => boolean, tell: () => string): Promise<void> {
  const giveUp = performance.now() + LIMIT_MS;
  while (!condition()) {
    assert.ok(performance.now() < giveUp, `not within ${LIMIT_MS} ms: ${condition.toString()}\n${tell()}`);
    await pause(LOOK_MS);
  }
}

export class Pane {
  private closed = false;

  private constructor(
    private readonly server: string,
    /** Device of the terminal. */
    readonly terminal: string,
    readonly shell: number,
  ) {}

  static async start(columns: number, rows: number): Promise<Pane> {
    const server = `tcpscope-test-${process.pid}-${panes++}`;
    const size = ['-x', String(columns), '-y', String(rows)];
    const shell = `env -u CI -u NO_COLOR PS1='${PROMPT}' bash --norc --noprofile -i`;
    tmux(server, 'new-session', '-d', ...size, shell);
    const [terminal = '', pid] = tmux(server, 'display-message', '-p', '#{pane_tty} #{pane_pid}').split(' ');
    const pane = new Pane(server, terminal, Number(pid));
    await pane.shows((screen) => screen.includes(PROMPT.trim()));
    return pane;
  }

  /** Named keys (`C-c`, `Enter`, `Space`) or characters. */
  keys(...keys: string[]): void {
    tmux(this.server, 'send-keys', ...keys);
  }

  enter(command: string): void {
    tmux(this.server, 'send-keys', '-l', command);
    this.keys('Enter');
  }

  screen(): string {
    return tmux(this.server, 'capture-pane', '-p');
  }

  lines(): string[] {
    return this.screen().split('\n');
  }

  async shows(condition: (screen: string) => boolean): Promise<string> {
    let screen = '';
    await until(
      () => condition((screen = this.screen())),
      () => `${condition.toString()}\n${screen}`,
    );
    return screen;
  }

  resize(columns: number, rows: number): void {
    tmux(this.server, 'resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** As `stty -a` tells: `echo`, `-icanon` … */
  mode(): string[] {
    return execFileSync('stty', ['-a', '-F', this.terminal], { encoding: 'utf8' }).split(/[\s;]+/);
  }

  /** The mode that a shell gives to a program. */
  isAsBefore(): boolean {
    const mode = this.mode();
    return ['icanon', 'echo', 'isig'].every((flag) => mode.includes(flag));
  }

  /** Closes the terminal, as when a connection breaks. */
  close(): void {
    this.closed = true;
    tmux(this.server, 'kill-server');
  }

  end(): void {
    if (!this.closed) this.close();
  }
}

function tmux(server: string, ...args: string[]): string {
  return execFileSync('tmux', ['-L', server, '-f', '/dev/null', ...args], { encoding: 'utf8' }).trimEnd();
}

/** Processes that a process has started, by id. */
export function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** False for one that has ended, whether or not somebody has asked how. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** BPF programs that a process holds, by id. */
export function programsOf(pid: number): number[] {
  const folder = `/proc/${pid}/fdinfo`;
  const ids = readdirSync(folder).map(
    (fd) => /^prog_id:\s*(\d+)/m.exec(readFileSync(`${folder}/${fd}`, 'utf8'))?.[1],
  );
  return ids.filter((id) => id !== undefined).map(Number);
}
