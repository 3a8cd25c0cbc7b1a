/** One thing that was looked at, and what it means. */
import { EXIT } from '../../model/failure.js';

/** `unknown`: it could not be tried, for a reason that another check tells. */
export const STATUSES = ['ok', 'warning', 'failed', 'unknown'] as const;
export type Status = (typeof STATUSES)[number];

export interface Check {
  /** `cap_bpf`; a tracepoint is checked under its own name. */
  readonly check: string;
  readonly status: Status;
  /** What is there, in a few words. */
  readonly found: string;
  /** What does not work then, in sentences; empty if all is well. */
  readonly means: string;
  /** What to do about it; empty if there is nothing to do. */
  readonly mend: string;
  /** The commands that it is about. */
  readonly commands: readonly string[];
  /** Of one that failed: what is missing is of the kernel and the platform (69), or the privilege (77). */
  readonly exitCode?: Missing;
}

export type Missing = typeof EXIT.unsupported | typeof EXIT.notPermitted;
type Commands = readonly string[];
/** What is wrong and what to do. */
export interface Advice {
  readonly means: string;
  readonly mend: string;
}

export const ok = (check: string, found: string, commands: Commands): Check => ({
  ...{ check, status: 'ok', found, means: '', mend: '', commands },
});

export const warning = (check: string, found: string, commands: Commands, advice: Advice): Check => ({
  ...{ check, status: 'warning', found, ...advice, commands },
});

export const unknown = (check: string, found: string, commands: Commands): Check => ({
  ...{ check, status: 'unknown', found, means: '', mend: '', commands },
});

/** The kernel or the platform lacks it. */
export const unsupported = (check: string, found: string, commands: Commands, advice: Advice): Check => ({
  ...{ check, status: 'failed', found, ...advice, commands, exitCode: EXIT.unsupported },
});

/** It is there, but not for this process. */
export const notPermitted = (check: string, found: string, commands: Commands, advice: Advice): Check => ({
  ...{ check, status: 'failed', found, ...advice, commands, exitCode: EXIT.notPermitted },
});

/** What all checks together say. */
export interface Verdict {
  readonly counts: Readonly<Record<Status, number>>;
  /** Commands that work here, and those that do not. */
  readonly working: Commands;
  readonly failing: Commands;
  readonly exitCode: typeof EXIT.ok | Missing;
}

/** @param commands those that were asked for */
export function verdictOf(checks: readonly Check[], commands: Commands): Verdict {
  const counts = { ok: 0, warning: 0, failed: 0, unknown: 0 };
  for (const { status } of checks) counts[status]++;
  const failed = checks.filter(({ status }) => status === 'failed');
  const isFailing = (command: string): boolean => failed.some((check) => check.commands.includes(command));
  // Privilege does not help where the kernel lacks something.
  const codes = failed.map(({ exitCode }) => exitCode);
  const first = [EXIT.unsupported, EXIT.notPermitted].find((code) => codes.includes(code));
  return {
    counts,
    working: commands.filter((command) => !isFailing(command)),
    failing: commands.filter(isFailing),
    exitCode: first ?? EXIT.ok,
  };
}

/** The end of it all, as one more check that is about every command. @param sudo the command that would run it as root; undefined if it is root */
export function summaryOf({ counts, working, failing, exitCode }: Verdict, sudo: string | undefined): Check {
  const { ok, warning, failed, unknown } = counts;
  const numbers = [`${ok} ok`, `${warning} warning${warning === 1 ? '' : 's'}`, `${failed} failed`];
  if (unknown > 0) numbers.push(`${unknown} not known`);
  const base = { check: 'summary', found: numbers.join(', '), commands: [...working, ...failing] };
  if (exitCode === EXIT.ok)
    return {
      ...base,
      status: warning > 0 ? 'warning' : 'ok',
      means: `${sentence(working, 'works', 'work')} here.`,
      mend: '',
    };
  const works = working.length === 0 ? '' : `${sentence(working, 'works', 'work')}. `;
  const why =
    exitCode === EXIT.notPermitted
      ? 'the privilege is missing'
      : 'the kernel or the platform lacks something';
  return {
    ...base,
    status: 'failed',
    means: `${sentence(failing, 'does', 'do')} not work here: ${why}. ${works}replay, diff and config check work everywhere.`,
    mend: exitCode === EXIT.notPermitted && sudo !== undefined ? `Run: ${sudo}` : '',
    exitCode,
  };
}

function sentence(commands: Commands, one: string, several: string): string {
  return `${commands.join(' and ')} ${commands.length === 1 ? one : several}`;
}
