import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** Milliseconds; stty waits for output that the terminal does not take. */
const STTY_LIMIT = 1000;

/** True if the terminal gives its keys and signals to our process group. */
export function isForeground(): boolean {
  try {
    // PID (COMM) STATE PPID PGRP SESSION TTY TPGID; COMM may hold anything.
    const stat = readFileSync('/proc/self/stat', 'utf8');
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group === foreground;
  } catch {
    return false;
  }
}

/**
 * Keys come one by one and are not echoed; Ctrl-C and Ctrl-Z stay signals, hence not raw mode. The terminal is file 3.
 * Whatever ends us closes the pipe on which `read` waits. A shell may have set its own mode by then: that one stays.
 */
const GUARDIAN = `cd /
saved=$(stty -g <&3) && stty -icanon -echo min 1 time 0 <&3 && ours=$(stty -g <&3) || exit
echo "$saved"
exec >&-
read -r line
[ "$(stty -g <&3)" = "$ours" ] && stty "$saved" <&3`;

/** The terminal's mode for keys, and a process that takes it back even if we are killed. */
export class CharacterMode {
  private restored = false;

  private constructor(
    private readonly terminal: number,
    private readonly guardian: ChildProcess,
    /** As `stty -g` writes it. */
    private readonly before: string,
  ) {}

  /** `terminal` is a file descriptor. Undefined if it cannot be set: no stty, no terminal. */
  static async set(terminal: number): Promise<CharacterMode | undefined> {
    // In a session of its own: no signal of the terminal reaches it, and it may set the mode whoever is in the foreground.
    const guardian = spawn('/bin/sh', ['-c', GUARDIAN], {
      stdio: ['pipe', 'pipe', 'ignore', terminal],
      detached: true,
    });
    guardian.stdin?.on('error', () => undefined);
    guardian.unref();
    const before = await firstLine(guardian);
    return before === undefined ? undefined : new CharacterMode(terminal, guardian, before);
  }

  /**
   * Sets the mode that was before; at once, so that it may be the last thing that happens. In the background that would stop us:
   * then the guardian does it, unless the shell has.
   */
  restore(): void {
    if (this.restored) return;
    this.restored = true;
    if (isForeground())
      spawnSync('stty', [this.before], { stdio: [this.terminal, 'ignore', 'ignore'], timeout: STTY_LIMIT });
    this.guardian.stdin?.destroy();
  }

  /** Restores it, and waits until no process is left. */
  async end(): Promise<void> {
    this.restore();
    if (this.guardian.exitCode !== null || this.guardian.signalCode !== null) return;
    const ended = once(this.guardian, 'exit');
    await within(ended, this.guardian);
  }
}

/** What the guardian says once the mode is set; undefined if it ends before. */
async function firstLine(guardian: ChildProcess): Promise<string | undefined> {
  const said = guardian.stdout;
  if (!said) return undefined;
  let text = '';
  said.setEncoding('utf8').on('data', (more: string) => (text += more));
  // 'error': it could not be started.
  const ready = new Promise<void>((resolve) => {
    said.once('end', resolve);
    guardian.once('error', () => {
      resolve();
    });
  });
  await within(ready, guardian);
  return text === '' ? undefined : text.trimEnd();
}

/** Kills a guardian that hangs, so that nobody waits for it. */
async function within(what: Promise<unknown>, guardian: ChildProcess): Promise<void> {
  const limit = setTimeout(() => guardian.kill('SIGKILL'), STTY_LIMIT);
  await what;
  clearTimeout(limit);
}
